"""`doccano`: what doccano exports of a project of sequence labelling, in any of its versions.

    {"id": 1, "text": "Ann left", "label": [[0, 3, "PER"]], "Comments": []}
    {"id": 1, "text": "Ann left", "entities": [{"id": 7, "label": "PER", "start_offset": 0, "end_offset": 3}],
     "relations": [], "Comments": []}
    {"id": 1, "text": "Ann left", "annotations": [{"label": 2, "start_offset": 0, "end_offset": 3, "user": 1}]}

Older versions write `data` for `text`, and `labels` for `label`. Where labels are numbers, as in the last line, their
names are in another file: name it as `labels`. It is what doccano's API gives for the labels of the project, a list of
objects with `id` and `text`, or {"2": "PER"}.

Relations are no spans and are kept in the Doc's meta. Spans don't repeat their text, so that offsets aren't checked:
those of versions from 1.5 on count UTF-16 units (`offsets` utf-16), which is another count behind emojis alone.

Where spans of a record are of several users there is a Doc for each; what a span without a user covers is missing in
all of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy_ner_plus.data.formats.format import CERTAIN, IDS, LIKELY, META, NESTED, SPAN_IDS, Reading, Sniff
from spacy_ner_plus.data.parsing.offset_spans import count_other_spans
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.fields import as_name, as_offset, as_score, count_span_keys, left_over
from spacy_ner_plus.data.sources.json_records import json_objects
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.json_keys import unique_keys
from spacy_ner_plus.settings import setting, settings
from spacy_ner_plus.utf16 import is_wide

TEXT_KEYS = ("text", "data")
SPAN_KEYS = ("label", "labels", "entities", "annotations", "annotation")
SPAN_FIELDS = ("id", "label", "start_offset", "end_offset", "user", "prob")
# Keys of a record that no other tool has.
MARKS = ("Comments", "annotation_approver")
OF_NOBODY = "span of nobody in a record of several people: its tokens are missing"
AUTO = "auto"
ABOUT_WIDE = (
    "{name}: {records:,} records have spans behind emojis or the like, and offsets are taken as code points. doccano "
    "counts UTF-16 units from version 1.5 on: look at these, and give `offsets` utf-16 (--option offsets=utf-16)"
)
SHAPES = (
    'lists [start, end, "LABEL"] or objects with `start_offset`, `end_offset` and `label` under '
    + ", ".join(SPAN_KEYS)
)


@settings
class DoccanoOptions(TextOptions):
    """How doccano's exports are read."""

    labels: str | None = setting(
        "File with the names of labels that are numbers: a list of objects with id and text, as doccano's API gives "
        'it, or an object such as {"2": "PER"}.',
        None,
    )


class Doccano:
    """The format, as `formats/format.py` says."""

    name = "doccano"
    about = "doccano: JSON lines with spans under `label`, `entities` or `annotations`"
    endings = (".jsonl", ".json")
    options = DoccanoOptions
    keeps = frozenset({NESTED, IDS, META, SPAN_IDS})
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        likely = None
        for record in source.head_records:
            spans = [item for key in SPAN_KEYS for item in _items(record, key)]
            if not isinstance(record.get("text", record.get("data")), str):
                continue
            if any(isinstance(item, dict) and "start_offset" in item for item in spans):
                return Sniff(CERTAIN, "records with spans that have `start_offset` and `end_offset`")
            triples = any(_is_triple(item) for item in spans)
            if any(mark in record for mark in MARKS) and (triples or not spans):
                return Sniff(CERTAIN, f"records with {' or '.join(f'`{mark}`' for mark in MARKS)}")
            if any(_is_triple(item) for key in ("label", "labels") for item in _items(record, key)):
                likely = Sniff(LIKELY, "records with [start, end, label] under `label` or `labels`")
        return likely

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        names = _label_names(reading.options.labels)
        is_told = reading.options.offsets == AUTO

        def parse(issues: IssueLog, notes: list[str]) -> Iterator[MarkedText]:
            wide = 0
            for marked in marked_texts(source, names, issues):
                wide += is_told and _is_behind_wide(marked)
                yield marked
            if wide:
                notes.append(ABOUT_WIDE.format(name=source.name, records=wide))

        return reading.records_of_texts(parse, source, SHAPES)


DOCCANO = Doccano()


def marked_texts(source: Source, names: Mapping[str, str] | None, issues: IssueLog) -> Iterator[MarkedText]:
    """Read records.

    names (Mapping[str, str] | None): The names of labels that are numbers, by number; None where there is no file.
    RAISES (UserError): What is no JSON, a record without a text, a number for a label without a file of names.
    """
    for place, record in json_objects(source.lines, source.name):
        text_key = next((key for key in TEXT_KEYS if isinstance(record.get(key), str)), None)
        if text_key is None:
            keys, found = ", ".join(TEXT_KEYS), ", ".join(record) or "none"
            raise UserError(Errors.E151.format(where=place, keys=keys, found=found))
        marked = MarkedText(record[text_key], place, id=as_name(record.get("id")))
        held = [key for key in SPAN_KEYS if isinstance(record.get(key), list)]
        span_key = next((key for key in held if record[key]), held[0] if held else None)
        marked.meta = left_over(record, ("id", text_key, span_key))
        if span_key is not None:
            yield from _of_each_person(record, span_key, marked, names, issues)
            continue
        if (present := next((key for key in SPAN_KEYS if record.get(key) is not None), None)) is not None:
            _refuse(record[present], marked, issues)
        else:
            check_no_annotation(record, SPAN_KEYS, place, issues, marked.text)
        yield marked


def _of_each_person(
    record: Mapping[str, Any],
    span_key: str,
    marked: MarkedText,
    names: Mapping[str, str] | None,
    issues: IssueLog,
) -> Iterator[MarkedText]:
    """YIELDS (MarkedText): A record with all of its spans; where they are of several people, with those of each."""
    items = record[span_key]
    _read_spans(items, marked, names, issues)
    count_other_spans(record, span_key, marked, issues)
    people = list(dict.fromkeys(user for item in items if (user := _user_of(item))))
    if len(people) < 2:
        marked.annotator = "".join(people)
        yield marked
        return
    # What can't be read is counted by now.
    nobodys = MarkedText(marked.text, marked.where)
    _read_spans([item for item in items if not _user_of(item)], nobodys, names, IssueLog())
    for span in nobodys.spans or ():
        issues.add(OF_NOBODY, f"{span.label} [{span.start}:{span.end}]", marked.where)
        nobodys.lost.append((span.start, span.end))
    for person in people:
        own = MarkedText(marked.text, marked.where)
        _read_spans([item for item in items if _user_of(item) == person], own, names, IssueLog())
        yield replace(
            marked,
            annotator=person,
            spans=own.spans,
            lost=own.lost + nobodys.lost,
            unread=own.unread + nobodys.unread,
        )


def _read_spans(
    items: Sequence[Any], marked: MarkedText, names: Mapping[str, str] | None, issues: IssueLog
) -> None:
    marked.spans = []
    for item in items:
        _read_span(item, marked, names, issues)


def _user_of(item: Any) -> str:
    """RETURNS (str): Who set a span; '' where that isn't said."""
    return as_name(item.get("user")) if isinstance(item, dict) else ""


def _is_behind_wide(marked: MarkedText) -> bool:
    """RETURNS (bool): Whether a span ends behind a character of two UTF-16 units."""
    last = max((span.end for span in marked.spans or ()), default=0)
    return is_wide(marked.text[: max(last, 0)])


def _items(record: Mapping[str, Any], key: str) -> list[Any]:
    return record[key] if isinstance(record.get(key), list) else []


def _is_triple(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 3 and as_offset(item[0]) is not None


def _read_span(item: Any, marked: MarkedText, names: Mapping[str, str] | None, issues: IssueLog) -> None:
    """Read a span in any spelling."""
    id, score = "", None
    if _is_triple(item):
        start, end, label = as_offset(item[0]), as_offset(item[1]), item[2]
    elif isinstance(item, dict):
        start, end, label = (
            as_offset(item.get("start_offset")),
            as_offset(item.get("end_offset")),
            item.get("label"),
        )
        id, score = as_name(item.get("id")), as_score(item.get("prob"))
        count_span_keys(item, SPAN_FIELDS, issues, marked.where)
    else:
        start = end = label = None
    if start is None or end is None:
        _refuse(item, marked, issues)
        return
    name = label.strip() if isinstance(label, str) else ""
    if not isinstance(label, str) and as_name(label):
        if names is None:
            raise UserError(Errors.E600.format(where=marked.where, label=label))
        name = names.get(as_name(label), "")
    if not name:
        issues.add("label without a name", f"{label!r} [{start}:{end}]", marked.where)
        marked.lost.append((start, end))
        return
    # doccano gives a score of 0 to what people annotate.
    marked.spans.append(MarkedSpan(start, end, name, id=id, score=score or None))


def _refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    shown = json.dumps(item, ensure_ascii=False)[:60]
    issues.add("label not understood", shown, marked.where)
    marked.unread.append(shown)


def _label_names(path: str | None) -> dict[str, str] | None:
    """Read the file of label names.

    RAISES (UserError): A file that can't be read, or says no names.
    """
    if path is None:
        return None
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8-sig"), object_pairs_hook=unique_keys)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(Errors.E601.format(path=path, reason=error)) from error
    if isinstance(found, dict) and isinstance(found.get("results"), list):
        # A page of the API.
        found = found["results"]
    if isinstance(found, dict):
        names = {str(key).strip(): value.strip() for key, value in found.items() if isinstance(value, str)}
    else:
        items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
        names = {
            as_name(item.get("id")): as_name(item.get("text")) for item in items if as_name(item.get("id"))
        }
    if not names:
        raise UserError(Errors.E601.format(path=path, reason="it has no numbers with names"))
    return names
