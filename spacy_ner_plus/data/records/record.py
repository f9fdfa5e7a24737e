"""A document of a corpus, whatever format it comes from: its Doc, and what the source says about it.

On the Doc, so that .spacy files keep it: `doc.user_data["record"]` with the record's id, meta, annotator and place;
`doc.spans["sc"]`, where spaCy's spancat looks for spans, with all of them, nested and overlapping ones, too. A span's
id is `Span.id_`, and `doc.spans["sc"].attrs["scores"]` has their scores where the source gives any, NaN for one
without. `doc.ents` has what it can hold.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from spacy.tokens import Doc, Span, SpanGroup

RECORD = "record"
SPANS_KEY = "sc"


@dataclass(slots=True)
class Record:
    """A document of a corpus.

    doc (Doc): Its text with entities, as `mark_record` leaves it.
    where (str): Its place in the source, such as 'train.jsonl:12'.
    id (str): What the source calls it; '' where it has no name.
    meta (dict[str, Any]): What else the source says about it, in JSON's types.
    annotator (str): Who annotated it; '' where that isn't said.
    text (str | None): The Doc's text, where it is at hand: a Doc puts it together of its tokens each time.
    """

    doc: Doc
    where: str
    id: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    annotator: str = ""
    text: str | None = None


class ScoredSpan(NamedTuple):
    """A span of a Doc, its id and its score.

    span (Span): With label_ and id_.
    score (float | None): None where the source gives none.
    """

    span: Span
    score: float | None = None


def mark_record(record: Record, spans: Iterable[ScoredSpan] | None) -> Record:
    """Write on a record's Doc what the source says about it.

    spans (Iterable[ScoredSpan] | None): All spans, in the source's order; None where the Doc isn't annotated.
    RETURNS (Record): The record.
    """
    doc = record.doc
    doc.user_data[RECORD] = {
        "id": record.id,
        "meta": record.meta,
        "annotator": record.annotator,
        "where": record.where,
    }
    if spans is not None:
        found = list(spans)
        group = SpanGroup(doc, name=SPANS_KEY, spans=[span for span, _ in found])
        if any(score is not None for _, score in found):
            group.attrs["scores"] = [math.nan if score is None else float(score) for _, score in found]
        doc.spans[SPANS_KEY] = group
    return record


def record_of(doc: Doc) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What a Doc's source says about it: id, meta, annotator, where; empty where nothing."""
    found = doc.user_data.get(RECORD)
    found = found if isinstance(found, dict) else {}
    meta = found.get("meta")
    return {
        "id": str(found.get("id") or ""),
        "meta": _with_lists(meta) if isinstance(meta, dict) else {},
        "annotator": str(found.get("annotator") or ""),
        "where": str(found.get("where") or ""),
    }


def _with_lists(value: Any) -> Any:
    """A value in JSON's types again: user_data that has been in a DocBin has tuples for lists."""
    if isinstance(value, dict):
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, list | tuple) else value


def spans_of(doc: Doc) -> list[ScoredSpan]:
    """Collect a Doc's spans for writing: its entities, then those that only `doc.spans["sc"]` has.

    An entity takes id and score of the equal span in the group. What the group has beside the entities is taken as
    well: whoever changes a Doc's entities changes the group, too, as LabelMap does.

    RETURNS (list[ScoredSpan]): In the order of the text, of equal bounds as in the Doc.
    """
    group: Sequence[Span] = list(doc.spans[SPANS_KEY]) if SPANS_KEY in doc.spans else []
    scores = doc.spans[SPANS_KEY].attrs.get("scores") if group else None
    if scores is None or len(scores) != len(group):
        scores = [None] * len(group)
    scored = [
        ScoredSpan(span, None if score is None or math.isnan(score) else float(score))
        for span, score in zip(group, scores, strict=True)
    ]
    known = {(found.span.start, found.span.end, found.span.label) for found in scored}
    ents = [ScoredSpan(ent) for ent in doc.ents if (ent.start, ent.end, ent.label) not in known]
    return sorted(ents + scored, key=lambda found: (found.span.start_char, -found.span.end_char))
