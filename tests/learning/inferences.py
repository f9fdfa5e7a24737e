"""Inferences for tests, as a run would leave them in a store."""

import time
from typing import Any

from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.spans import CharSpan

LABELS = ("LOC", "PER")


def make_inference(text: str, *mentions: tuple[str, str], **given: Any) -> Inference:
    """RETURNS (Inference): An answer that names mentions, each where its text is first from the one before on."""
    entities, at = [], 0
    for mention, label in mentions:
        start = text.index(mention, at)
        at = start + len(mention)
        entities.append(CharSpan(start, at, label))
    settled: dict[str, Any] = {
        "id": new_id(),
        "episode": "e",
        "variant": "a",
        "probability": 1.0,
        "fallback_of": "",
        "text": text,
        "text_hash": text_hash(text),
        "labels": LABELS,
        "format": "entity_list",
        "model": "m",
        "request_keys": ("k",),
        "entities": tuple(entities),
        "scores": (1.0,) * len(entities),
        "valid": True,
        "failure": "",
        "usage": Usage(100, 20, 0),
        "seconds": 1.5,
        "cost": 0.001,
        "created": time.time(),
    }
    return Inference(**(settled | given))
