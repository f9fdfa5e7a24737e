"""`dataturks`: what DataTurks exported, a record a line.

    {"content": "Ann left", "annotation": [{"label": ["Name"], "points": [{"start": 0, "end": 2, "text": "Ann"}]}],
     "extras": null, "metadata": {"status": "done"}}

Ends name the last character. Each label of a region and each of its points is a span. `annotation` is null where a
text was skipped or not reached. Read only; labels of whole texts aren't read.
"""

from collections.abc import Iterator
from typing import Any

from spacy_ner_plus.data.formats.format import CERTAIN, IDS, LIKELY, META, NESTED, Reading, Sniff
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.fields import as_name, as_offset, count_span_keys, left_over
from spacy_ner_plus.data.sources.json_records import json_objects
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

SHAPES = "`annotation`, a list of objects with `label` and `points`"
INCLUSIVE = ("inclusive", "from-1-inclusive")


class Dataturks:
    """The format, as `formats/format.py` says."""

    name = "dataturks"
    about = "DataTurks: `content` and `annotation` with `points`, whose ends are inclusive"
    endings = (".json", ".jsonl")
    options = TextOptions
    keeps = frozenset({NESTED, IDS, META})
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        likely = None
        for record in source.head_records:
            regions = record.get("annotation")
            if not isinstance(record.get("content"), str) or "annotation" not in record:
                continue
            if isinstance(regions, list) and any(_is_region(region) for region in regions):
                return Sniff(CERTAIN, "records with `content` and `annotation`[…]`points`")
            if not regions:
                likely = Sniff(LIKELY, "records with `content` and an empty `annotation`")
        return likely

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(
            lambda issues, notes: marked_texts(source, reading.options, issues), source, SHAPES
        )


DATATURKS = Dataturks()


def marked_texts(source: Source, options: TextOptions, issues: IssueLog) -> Iterator[MarkedText]:
    """Read records.

    RAISES (UserError): What is no JSON, or a record without a text.
    """
    # Where the user says that ends are inclusive, that is done later.
    beyond = 0 if options.offsets in INCLUSIVE else 1
    for place, record in json_objects(source.lines, source.name):
        text = record.get("content")
        if not isinstance(text, str):
            raise UserError(
                Errors.E151.format(where=place, keys="content", found=", ".join(record) or "none")
            )
        meta = left_over(record, ("content", "annotation", "id"))
        marked = MarkedText(text, place, id=as_name(record.get("id")), meta=meta)
        regions = record.get("annotation")
        if isinstance(regions, list):
            marked.spans = []
            for region in regions:
                _read_region(region, marked, beyond, issues)
        elif regions is not None:
            _refuse(regions, marked, issues)
        else:
            check_no_annotation(record, ("annotation",), place, issues, text)
        yield marked


def _is_region(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("points"), list) and "label" in value


def _read_region(region: Any, marked: MarkedText, beyond: int, issues: IssueLog) -> None:
    if not _is_region(region) or not region["points"]:
        _refuse(region, marked, issues)
        return
    count_span_keys(region, ("label", "points"), issues, marked.where)
    found = region["label"] if isinstance(region["label"], list) else [region["label"]]
    labels = [label.strip() for label in found if isinstance(label, str) and label.strip()]
    for point in region["points"]:
        start, end = (
            (as_offset(point.get(key)) for key in ("start", "end"))
            if isinstance(point, dict)
            else (None, None)
        )
        if start is None or end is None:
            _refuse(region, marked, issues)
            continue
        count_span_keys(point, ("start", "end", "text"), issues, marked.where)
        text = point["text"] if isinstance(point.get("text"), str) else None
        if len(labels) < max(len(found), 1):
            issues.add("region without a label", repr(text or [start, end])[:60], marked.where)
            marked.lost.append((start, end + beyond))
        marked.spans += [MarkedSpan(start, end + beyond, label, text) for label in labels]


def _refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    shown = repr(item)[:60]
    issues.add("label not understood", shown, marked.where)
    marked.unread.append(shown)
