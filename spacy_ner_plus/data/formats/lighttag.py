"""`lighttag`: what LightTag exports of a job.

    {"name": "letters", "schema": {"tags": [{"id": "t1", "name": "PER"}]}, "examples": [
        {"example_id": "e1", "content": "Ann left", "metadata": {}, "seen_by": [{"annotator": "bob"}], "annotations": [
            {"start": 0, "end": 3, "tag": "PER", "value": "Ann", "annotated_by": [{"annotator": "bob"}]}]}]}

An annotation stands once, with all who set it; one that a reviewer found wrong (`correct` false) is left out and
counted. With `annotations` agreed, what not all have set who saw the example is missing. An example without annotations
that nobody has seen isn't annotated. Classifications are kept in the Doc's meta. Read only.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from spacy_ner_plus.data.formats.format import CERTAIN, IDS, META, NESTED, SPAN_IDS, Reading, Sniff
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.fields import as_name, as_offset, count_span_keys, left_over
from spacy_ner_plus.data.sources.json_records import json_objects
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

SHAPES = "`examples` with `content` and `annotations`, a list of objects with `start`, `end` and `tag`"
SPAN_FIELDS = (
    *("start", "end", "tag", "value", "tag_id", "tagged_token_id", "example_id", "definition_id"),
    *("correct", "reviewed", "annotated_by"),
)
MARKS = tuple(
    re.compile(f'"({key})"') for key in ("examples", "content", "annotations", "tag_id|tagged_token_id")
)


@settings
class LightTagOptions(TextOptions):
    """How LightTag's exports are read."""

    annotations: Literal["all", "agreed", "reviewed"] = setting(
        "Which annotations are read: all that no reviewer found wrong; agreed, which all have set who saw the example; "
        "reviewed, which a reviewer found right. What the others mark is missing.",
        "all",
    )


class LightTag:
    """The format, as `formats/format.py` says."""

    name = "lighttag"
    about = "LightTag: a job's `examples` with `content` and `annotations`"
    endings = (".json",)
    options = LightTagOptions
    keeps = frozenset({NESTED, IDS, META, SPAN_IDS})
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        for value in source.head_records:
            if any(_is_example(example) for example in _examples(value)):
                return Sniff(CERTAIN, "`examples` with `content` and `annotations`")
        # A job is one object, of which the beginning alone is looked at.
        starts = source.head.lstrip()[:1] == "{" and not source.head_values
        if starts and all(mark.search(source.head) for mark in MARKS):
            return Sniff(CERTAIN, "`examples` with `content`, `annotations` and tags")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(
            lambda issues, notes: marked_texts(source, reading.options, issues), source, SHAPES
        )


LIGHTTAG = LightTag()


def marked_texts(source: Source, options: LightTagOptions, issues: IssueLog) -> Iterator[MarkedText]:
    """Read the examples of jobs.

    RAISES (UserError): What is no JSON, or an example without a text.
    """
    for place, job in json_objects(source.lines, source.name):
        tags = job["schema"].get("tags") if isinstance(job.get("schema"), dict) else None
        names = {
            as_name(tag.get("id")): as_name(tag.get("name"))
            for tag in _objects(tags)
            if as_name(tag.get("id"))
        }
        # A file of examples alone is read, too.
        examples = _examples(job) if "examples" in job else [job]
        for number, example in enumerate(examples, start=1):
            where = f"{place}, example {number}" if "examples" in job else place
            yield _of_example(example, where, names, options, issues)


def _of_example(
    example: Any, where: str, names: Mapping[str, str], options: LightTagOptions, issues: IssueLog
) -> MarkedText:
    if not isinstance(example, dict):
        raise UserError(Errors.E152.format(where=where, found=repr(example)[:60]))
    text = example.get("content")
    if not isinstance(text, str):
        raise UserError(Errors.E151.format(where=where, keys="content", found=", ".join(example) or "none"))
    metadata = example["metadata"] if isinstance(example.get("metadata"), dict) else {}
    rest = left_over(example, ("example_id", "content", "annotations", "metadata" if metadata else ""))
    marked = MarkedText(text, where, id=as_name(example.get("example_id")), meta={**rest, **metadata})
    seen_by = _annotators(example.get("seen_by"))
    items = example.get("annotations")
    if not isinstance(items, list):
        if items is None:
            check_no_annotation(rest, ("annotations",), where, issues, text)
        else:
            _refuse(items, marked, issues)
        return marked
    if not items and "seen_by" in example and not seen_by:
        issues.add("record without annotation", text[:60], where)
        return marked
    marked.spans = []
    found = [name for item in items for name in _read_span(item, marked, names, seen_by, options, issues)]
    marked.annotator = ", ".join(dict.fromkeys([*seen_by, *found]))
    return marked


def _read_span(
    item: Any,
    marked: MarkedText,
    names: Mapping[str, str],
    seen_by: list[str],
    options: LightTagOptions,
    issues: IssueLog,
) -> list[str]:
    """RETURNS (list[str]): Who set it."""
    start, end = (
        (as_offset(item.get(key)) for key in ("start", "end")) if isinstance(item, dict) else (None, None)
    )
    if start is None or end is None:
        _refuse(item, marked, issues)
        return []
    count_span_keys(item, SPAN_FIELDS, issues, marked.where)
    by = _annotators(item.get("annotated_by"))
    text = item["value"] if isinstance(item.get("value"), str) else None
    tag = item.get("tag")
    label = (tag.strip() if isinstance(tag, str) else "") or names.get(as_name(item.get("tag_id")), "")
    shown = f"{label} {text or [start, end]!r}"[:60]
    is_left_out = (options.annotations == "reviewed" and item.get("correct") is not True) or (
        options.annotations == "agreed" and not set(seen_by) <= set(by)
    )
    if item.get("correct") is False:
        issues.add("annotation that a reviewer found wrong", shown, marked.where)
    elif is_left_out:
        marked.lost.append((start, end))
    elif not label:
        issues.add("region without a label", shown, marked.where)
        marked.lost.append((start, end))
    else:
        name = as_name(item.get("tagged_token_id"))
        marked.spans = [*(marked.spans or ()), MarkedSpan(start, end, label, text, name)]
    return by


def _refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    issues.add("label not understood", repr(item)[:60], marked.where)
    marked.unread.append(repr(item)[:60])


def _annotators(value: Any) -> list[str]:
    return [
        name for item in _objects(value) if (name := as_name(item.get("annotator", item.get("annotator_id"))))
    ]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _examples(value: Mapping[str, Any]) -> list[Any]:
    found = value.get("examples")
    return found if isinstance(found, list) else []


def _is_example(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("content"), str):
        return False
    return isinstance(value.get("annotations"), list)
