"""What a record says of parts of its text that nobody has annotated, as `predict` writes it beside the entities.

    {"text": "Ann left Oslo", "ents": [{"start": 0, "end": 3, "label": "PER"}], "missing": [[9, 13]], "error": "..."}

Without it, tokens that a pipeline said nothing about would be O.
"""

from collections.abc import Mapping
from typing import Any

from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.sources.fields import as_offset
from spacy_ner_plus.issues import IssueLog

ENTS, MISSING, ERROR = "ents", "missing", "error"
IN_PART = "annotation that has an error: what its entities don't cover is missing"


def read_missing(record: Mapping[str, Any], spans_key: str, marked: MarkedText, issues: IssueLog) -> None:
    """Read which stretches of a text have no annotation; it is no meta then.

    A record with an error beside its entities that doesn't say where, as in a table, may lack it anywhere. Records that
    have their spans under another key than 'ents' aren't of `predict`: their keys mean something else.

    spans_key (str): The key of the record's spans.
    marked (MarkedText): The record, with its meta.
    issues (IssueLog): Where is counted what isn't known to its place.
    """
    if spans_key != ENTS:
        return
    ranges = _ranges(record.get(MISSING))
    if ranges is not None:
        marked.missing = ranges
        marked.meta.pop(MISSING, None)
        return
    error = record.get(ERROR)
    if isinstance(error, str) and error.strip():
        issues.add(IN_PART, error.strip()[:60], marked.where)
        marked.partial = True


def _ranges(value: Any) -> list[tuple[int, int]] | None:
    """RETURNS (list[tuple[int, int]] | None): None for what isn't a list of pairs of offsets."""
    if not isinstance(value, list):
        return None
    pairs = [
        (as_offset(pair[0]), as_offset(pair[1]))
        if isinstance(pair, list) and len(pair) == 2
        else (None, None)
        for pair in value
    ]
    found = [(start, end) for start, end in pairs if start is not None and end is not None]
    return found if len(found) == len(value) else None
