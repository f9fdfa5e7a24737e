"""Stores with inferences, made by hand."""

import json

from spacy_ner_plus.labels import load_labels
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration, FixedDemonstrations
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import ChatReply, ReplyStatus
from spacy_ner_plus.llm.store.request_key import canonical_request, request_key
from spacy_ner_plus.spans import CharSpan
from tests.llm.store.test_inferences import make_inference

LABELS = ("PER", "LOC")
TEXT = "Anna lives in Oslo."
ANNA, OSLO = CharSpan(0, 4, "PER"), CharSpan(14, 18, "LOC")
RAW = '{"LOC": ["Oslo"], "PER": ["Anna"]}'
EXAMPLE = Demonstration("Bo left.", (CharSpan(0, 2, "PER"),))


def prompter(format="label_lists", labels=LABELS, examples=()):
    chosen = FixedDemonstrations(list(examples), len(examples)) if examples else None
    return Prompter(get_format(format), load_labels(list(labels)), chosen)


def keep(store, request, content, status=ReplyStatus.VALID, gateway=None):
    """RETURNS: The key under which a reply is kept."""
    canonical = canonical_request("http://a/v1", "m", {}, request)
    key = request_key(canonical)
    store.add(canonical, ChatReply(content, "stop", key=key, status=status, gateway=gateway))
    return key


def answered(
    store, text=TEXT, entities=(ANNA, OSLO), *, raw=RAW, status=ReplyStatus.VALID, asked=None, **given
):
    """RETURNS: An inference that is in the store, with its one reply."""
    asked = asked or prompter()
    key = keep(store, asked.request(text), raw, status)
    values = {"labels": asked.labels.names, "format": asked.format.name, "request_keys": (key,), **given}
    inference = make_inference(text, entities=tuple(entities), scores=(1.0,) * len(entities), **values)
    store.inferences.add(inference)
    return inference


def last(chat):
    """RETURNS: What the assistant says at the end of a chat, read."""
    return json.loads(chat.messages[-1]["content"])
