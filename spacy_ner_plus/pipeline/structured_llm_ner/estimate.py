"""What a run of structured_llm_ner would take, before anything is sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spacy.tokens import Doc

from spacy_ner_plus.llm.requests import Usage

if TYPE_CHECKING:
    from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor

# Tokens of a reply for each token of text, where no gold entities tell: in most news and requests one
# token in six is part of an entity, and JSON spells each entity once.
REPLY_SHARE = 0.25


@dataclass
class Estimate:
    """What a run would take.

    documents (int): Docs with words.
    requests (int): Requests, without re-asks; with several passes as many as there may be.
    stored (int): How many of them are in the store already, and would not be sent; further passes go by the first.
    prompt_tokens (int): Tokens of the prompts to be sent.
    completion_tokens (int): Expected tokens of the replies.
    most_completion_tokens (int): Tokens of the replies if each were as long as max_tokens allows.
    from_gold (bool): Whether replies were sized by gold entities, else by a rule of thumb.
    cost (float | None): Expected cost in US dollars; None where the price isn't known.
    minutes_at_limits (float | None): The least time that the limits per minute allow.
    """

    documents: int = 0
    requests: int = 0
    stored: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    most_completion_tokens: int = 0
    from_gold: bool = False
    cost: float | None = None
    minutes_at_limits: float | None = None


def estimate(extractor: "Extractor", docs: Iterable[Doc]) -> Estimate:
    """Count what would be sent about Docs.

    docs (Iterable[Doc]): With gold entities, if there are any, to size the expected replies by.
    """
    model, prompter = extractor.model, extractor.prompter
    found = Estimate()
    for doc in docs:
        chunks, whole = extractor.chunks(doc), doc.text
        found.documents += bool(chunks)
        for start, end in chunks:
            text = whole[start:end]
            known = set(prompter.labels.names)
            gold = [
                (ent.start_char - start, ent.end_char - start, ent.label_)
                for ent in doc.ents
                if start <= ent.start_char and ent.end_char <= end and ent.label_ in known
            ]
            found.from_gold |= bool(gold)
            for sample in range(extractor.samples):
                requests = extractor.chunk_requests(doc, (start, end), whole, sample)
                reply = prompter.format.render(gold, prompter.labels.names, text) if doc.ents else None
                tokens = (
                    model.count_tokens(text) * REPLY_SHARE if reply is None else model.count_tokens(reply)
                ) / len(requests)
                # Several questions about a text share its entities, and each has the form of a reply.
                if len(requests) > 1:
                    tokens += model.count_tokens(prompter.format.render([], prompter.labels.names, text))
                most, passes = model.settings.max_tokens, extractor.passes
                expected = min(round(tokens), most)
                for request in requests:
                    found.requests += passes
                    if model.is_stored(request):
                        found.stored += passes
                        continue
                    # The prompt of each further pass holds the replies before it.
                    found.prompt_tokens += passes * model.count_tokens(request.messages)
                    found.prompt_tokens += expected * passes * (passes - 1) // 2
                    found.completion_tokens += passes * expected
                    found.most_completion_tokens += passes * most
    found.cost = model.cost(Usage(found.prompt_tokens, found.completion_tokens))
    sent = found.requests - found.stored
    least = [
        amount / limit
        for amount, limit in (
            (sent, model.settings.requests_per_minute),
            (found.prompt_tokens + found.completion_tokens, model.settings.tokens_per_minute),
        )
        if limit
    ]
    found.minutes_at_limits = max(least) if least else None
    return found
