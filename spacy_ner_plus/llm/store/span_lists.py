"""Spans as the columns of a store hold them."""

import json
from collections.abc import Iterable

from spacy_ner_plus.spans import CharSpan


def write_spans(spans: Iterable[CharSpan]) -> str:
    """RETURNS (str): JSON, with start, end and label of each."""
    return json.dumps([list(span) for span in spans])


def read_spans(written: str) -> tuple[CharSpan, ...]:
    """RETURNS (tuple[CharSpan, ...]): What was written."""
    return tuple(CharSpan(*span) for span in json.loads(written))
