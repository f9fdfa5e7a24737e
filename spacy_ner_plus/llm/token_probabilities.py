"""How sure a reply is of its mentions, by the probabilities of the tokens that spell them."""

import math

import numpy as np

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.requests import ChatReply


def add_probabilities(reading: Reading, reply: ChatReply) -> Reading:
    """Give each mention the product of the probabilities of the tokens in which it is spelt.

    reading (Reading): What was read from the reply.
    RETURNS (Reading): The same, where the server gave no probabilities or they don't spell the reply; a mention
        whose place in the reply isn't known keeps its own.
    """
    if not reply.logprobs or "".join(token for token, _ in reply.logprobs) != reply.content:
        return reading
    lengths = np.array([len(token) for token, _ in reply.logprobs])
    logprobs = np.array([logprob for _, logprob in reply.logprobs])
    ends = np.cumsum(lengths)
    starts = ends - lengths

    def weigh(mention: Mention) -> Mention:
        if mention.reply_start < 0:
            return mention
        inside = (starts < mention.reply_end) & (ends > mention.reply_start)
        return mention._replace(probability=math.exp(min(float(logprobs[inside].sum()), 0.0)))

    return Reading(map(weigh, reading), reading.repairs, reading.unread, reading.doubt)
