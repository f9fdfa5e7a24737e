"""The tasks of Label Studio's exports, read as texts with spans.

A task's other keys, and those of its annotation, are kept in the Doc's meta under `label_studio`, from where they are
written again; the other values of its data are kept beside it under their own names.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from spacy_ner_plus.data.formats.label_studio.options import LabelStudioOptions
from spacy_ner_plus.data.records.annotators import choose_annotation
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import is_text_of
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation, looks_like_annotation
from spacy_ner_plus.data.sources.fields import (
    NOTHING,
    as_name,
    as_offset,
    as_score,
    count_span_keys,
    left_over,
)
from spacy_ner_plus.data.sources.json_records import json_objects
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

OWN = "label_studio"
ANNOTATIONS = ("annotations", "completions")
LABELS = ("labels", "hypertextlabels")
# Results that say something about a text, or about a region that another result marks.
NO_SPANS = frozenset(
    {
        "choices",
        "textarea",
        "rating",
        "number",
        "datetime",
        "taxonomy",
        "pairwise",
        "ranker",
        "relation",
        "magicwand",
    }
)
# Of a task, beside what may be annotation.
READ = ("data", "predictions", "drafts", *ANNOTATIONS)
VALUE_FIELDS = ("start", "end", "text", *LABELS, "score", "globalOffsets", "startOffset", "endOffset")
# Of a row of JSON-MIN, about its annotation.
ABOUT = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
REGION_FIELDS = ("id", "value", "score")
# What goes without saying, and is written of itself.
TAGS = {"from_name": "label", "to_name": "text", "type": "labels"}
USUAL = {"was_cancelled": False, "ground_truth": False}


def is_task(record: Mapping[str, Any]) -> bool:
    """RETURNS (bool): Whether this is a task with its data in an object, not a row of JSON-MIN."""
    return isinstance(record.get("data"), dict)


def is_region(result: Any) -> bool:
    """RETURNS (bool): Whether this is a result that marks a piece of a text."""
    if not isinstance(result, dict) or not isinstance(result.get("value"), dict):
        return False
    return result.get("type") in LABELS or _is_value(result["value"])


def span_lists(record: Mapping[str, Any]) -> dict[str, list[Any]]:
    """RETURNS (dict[str, list[Any]]): The lists of spans in a row of JSON-MIN, by the name of their control."""
    found = {}
    for key, value in record.items():
        items = value if isinstance(value, list) else []
        if items and all(isinstance(item, dict) for item in items) and any(map(_is_value, items)):
            found[key] = items
    return found


def results_of(record: Mapping[str, Any]) -> list[Any]:
    """RETURNS (list[Any]): All results of a record's annotations, whoever's they are."""
    if not is_task(record):
        return [
            {"value": value, "from_name": name}
            for name, found in span_lists(record).items()
            for value in found
        ]
    return [result for annotation in _annotations(record) for result in _list(annotation, "result")]


@dataclass(frozen=True)
class Known:
    """What is found out about a source before it is read.

    text_key (str): Under which key of the data its texts are; '' where nothing tells.
    has_spans (bool): Whether anything in it marks a piece of a text. Where nothing does, an annotation of another
        kind, such as a choice, doesn't say that a text has no entities.
    controls (frozenset[str]): Under which names JSON-MIN has spans.
    """

    text_key: str
    has_spans: bool
    controls: frozenset[str] = frozenset({"label"})


def look_through(source: Source, options: LabelStudioOptions) -> Known:
    """Find where the texts are; reads until a span tells."""
    has_spans, controls = False, {"label"}
    for _, record in json_objects(source.lines, source.name):
        results = results_of(record)
        if options.predictions:
            results += [part for made in _list(record, "predictions") for part in _list(made, "result")]
        regions = [result for result in results if is_region(result)]
        has_spans = has_spans or bool(regions)
        controls |= set() if is_task(record) else set(span_lists(record))
        if regions and (key := _fitting_key(_texts(record), regions)):
            return Known(key, has_spans, frozenset(controls))
    return Known("", has_spans, frozenset(controls))


def marked_texts(
    source: Source, options: LabelStudioOptions, known: Known, issues: IssueLog, notes: list[str]
) -> Iterator[MarkedText]:
    """Read tasks, or rows of JSON-MIN.

    notes (list[str]): Where it is written that there are predictions.
    RAISES (UserError): What is no JSON, or a task without a text.
    """
    predicted = 0
    records = json_objects(source.lines, source.name)
    # JSON-MIN has a row for each annotation of a task.
    for (whole, _), group in groupby(
        records, key=lambda item: (is_task(item[1]), as_name(item[1].get("id")) or item[0])
    ):
        if whole:
            for place, record in group:
                predicted += bool(_list(record, "predictions")) and not options.predictions
                yield from _Task(record, place, options, known, issues).read()
        else:
            yield from _of_rows(list(group), options, known, issues)
    if predicted:
        notes.append(
            f"{source.name}: {predicted:,} tasks have predictions, which are no annotation; they are read where a task "
            "has no other with `predictions` true"
        )


class _Task:
    """Reads one task.

    record (Mapping[str, Any]): As exported.
    where (str): Its place.
    """

    def __init__(
        self,
        record: Mapping[str, Any],
        where: str,
        options: LabelStudioOptions,
        known: Known,
        issues: IssueLog,
    ):
        self.record, self.where, self.issues = record, where, issues
        self.options, self.known = options, known
        data: dict[str, Any] = record["data"]
        self.key = _text_key(data, results_of(record), options, known, where)
        self.text: str = data[self.key]
        self.data = left_over(data, (self.key,))
        self.about = dict(record["meta"]) if isinstance(record.get("meta"), dict) else {}
        self.id = as_name(self.about.pop("id", None)) or as_name(record.get("id"))
        self.annotator = as_name(self.about.pop("annotator", None))

    def read(self) -> Iterator[MarkedText]:
        views = [self._view(annotation, "completed_by") for annotation in self._chosen()]
        views = [view for view in views if view is not None]
        if not views and self.options.predictions:
            made = [part for part in _list(self.record, "predictions") if isinstance(part, dict)]
            views = [view for part in made if (view := self._view(part, "model_version")) is not None]
        if views:
            yield from choose_annotation(views, self.options.annotations, self.issues)
            return
        for key, value in self.record.items():
            if key not in READ and any(
                isinstance(part, dict) and "result" in part for part in _list(self.record, key)
            ):
                known = ", ".join(ANNOTATIONS)
                raise UserError(
                    Errors.E180.format(where=self.where, known=known, key=key, value=repr(value)[:60])
                )
        rest = left_over(self.record, READ)
        if isinstance(rest.get("meta"), dict):
            # What was kept there of another project's task, predictions among it, is none of this one's annotation.
            rest["meta"] = left_over(rest["meta"], (OWN,))
        check_no_annotation(rest, ANNOTATIONS, self.where, self.issues, self.text)
        marked = self._marked({}, [], {}, {})
        # Of these only the ids were exported.
        marked.unread = [
            str(part) for key in ANNOTATIONS for part in _list(self.record, key) if not isinstance(part, dict)
        ]
        for unread in marked.unread:
            self.issues.add("annotation not exported", unread, self.where)
        yield marked

    def _chosen(self) -> list[dict[str, Any]]:
        """The annotations that count, in the order of time; what was marked as the truth comes last."""
        found = []
        for annotation in _annotations(self.record):
            if annotation.get("was_cancelled") is True or annotation.get("skipped") is True:
                self.issues.add("skipped annotation", self.text[:60], self.where)
            elif not isinstance(annotation.get("result"), list):
                self.issues.add("annotation without a result", self.text[:60], self.where)
            else:
                found.append(annotation)
        return sorted(_in_time(found), key=lambda annotation: annotation.get("ground_truth") is True)

    def _view(self, annotation: Mapping[str, Any], who: str) -> MarkedText | None:
        """The task as one annotation, or prediction, has it."""
        results = annotation.get("result")
        if not isinstance(results, list):
            return None
        annotator = annotation.get(who)
        annotator = (
            annotator.get("email") or annotator.get("id") if isinstance(annotator, dict) else annotator
        )
        name = self.annotator or as_name(annotator) or as_name(annotation.get("created_username"))
        regions = [result for result in results if is_region(result)]
        others = [result for result in results if not is_region(result)]
        shared, of_each = _region_keys(regions)
        about = {
            key: value
            for key, value in left_over(annotation, ("result",)).items()
            if value not in NOTHING and (key, value) not in USUAL.items()
        }
        marked = self._marked(about, others, shared, of_each)
        marked.annotator, marked.spans = name, []
        default = as_score(annotation.get("score")) if who == "model_version" else None
        for result in regions:
            if self._is_of_another_text(result):
                continue
            read_value(result["value"], marked, self.issues, result, default)
        for other in others:
            self._read_other(other, marked)
        for result in regions:
            if not as_name(result.get("id")) and (extra := _differing(result, shared)):
                self.issues.add(
                    f"keys of spans that aren't kept: {', '.join(extra)}", repr(extra)[:60], self.where
                )
        return marked

    def _read_other(self, result: Any, marked: MarkedText) -> None:
        """Count a result that is no span, or isn't understood."""
        kind = as_name(result.get("type")) if isinstance(result, dict) else ""
        shown = json.dumps(result, ensure_ascii=False)[:60]
        self.issues.add(f"result that is no span, kept in meta: {kind or 'unknown'}", shown, self.where)
        if kind in NO_SPANS and self.known.has_spans:
            return
        value = result.get("value") if isinstance(result, dict) else None
        value = value if isinstance(value, dict) else {}
        start, end = as_offset(value.get("start")), as_offset(value.get("end"))
        if start is None or end is None:
            marked.unread.append(shown)
        else:
            marked.lost.append((start, end))

    def _is_of_another_text(self, result: Mapping[str, Any]) -> bool:
        name = result.get("to_name")
        if name == self.key or not isinstance(self.data.get(name) if isinstance(name, str) else None, str):
            return False
        self.issues.add(
            f"span of another text than `text_key` {self.key}", repr(result["value"])[:60], self.where
        )
        return True

    def _marked(
        self,
        annotation: Mapping[str, Any],
        results: Sequence[Any],
        region: Mapping[str, Any],
        regions: Mapping[str, Any],
    ) -> MarkedText:
        read = {"data", "id", "meta", *ANNOTATIONS}
        task = {key: value for key, value in self.record.items() if key not in read and value not in NOTHING}
        if as_name(self.record.get("id")) not in ("", self.id):
            task["id"] = self.record["id"]
        about = dict(self.about)
        kept = about.pop(OWN, None) if isinstance(about.get(OWN), dict) else None
        if about:
            task["meta"] = about
        named = {
            "task": task,
            "annotation": annotation,
            "results": results,
            "region": region,
            "regions": regions,
        }
        return MarkedText(
            self.text,
            self.where,
            id=self.id,
            annotator=self.annotator,
            meta=_with_own(self.data, named, kept, self.issues, self.where),
        )


def _of_rows(
    rows: Sequence[tuple[str, Mapping[str, Any]]], options: LabelStudioOptions, known: Known, issues: IssueLog
) -> Iterator[MarkedText]:
    """Read the rows of JSON-MIN that are of one task."""
    views = []
    for place, row in _in_time(rows, lambda item: item[1]):
        found = span_lists(row)
        results = [{"value": value, "from_name": name} for name, values in found.items() for value in values]
        about = {key: row[key] for key in ABOUT if key in row and row[key] is not None}
        data = left_over(row, ("id", *ABOUT, *found))
        key = _text_key(data, results, options, known, place)
        text = data.pop(key)
        annotation = {name: value for name, value in about.items() if name != "annotator"}
        control = next(iter(found), "") if len(found) == 1 else ""
        region = {"from_name": control} if control and control != TAGS["from_name"] else {}
        named = {"annotation": annotation, "region": region}
        marked = MarkedText(
            text,
            place,
            id=as_name(row.get("id")),
            annotator=as_name(about.get("annotator")),
            meta=_with_own(data, named, None, issues, place),
        )
        if len(found) > 1:
            issues.add("key of spans that isn't kept: from_name", ", ".join(found), place)
        is_annotated = known.has_spans and ("annotation_id" in about or "annotator" in about)
        if found or is_annotated or any(data.get(name) == [] for name in known.controls):
            marked.spans = []
        for result in results:
            read_value(result["value"], marked, issues, {}, None)
        for name, value in () if found else data.items():
            if looks_like_annotation("", value):
                issues.add("label not understood", repr(value)[:60], place)
                marked.unread.append(f"{name}: {value!r}"[:60])
        if marked.spans is None and not marked.unread:
            issues.add("record without annotation", text[:60], place)
        views.append(marked)
    yield from choose_annotation(views, options.annotations, issues)


def read_value(
    value: Mapping[str, Any],
    marked: MarkedText,
    issues: IssueLog,
    result: Mapping[str, Any],
    default: float | None,
) -> None:
    """Read one region: a span for each of its labels.

    result (Mapping[str, Any]): With id and score, where there are any.
    default (float | None): The score of a region that has none of its own.
    """
    start, end = as_offset(value.get("start")), as_offset(value.get("end"))
    if (start is None or end is None) and isinstance(value.get("globalOffsets"), dict):
        # A region of a HyperText: paths within its HTML, and characters of what is shown.
        start, end = (as_offset(value["globalOffsets"].get(key)) for key in ("start", "end"))
    if start is None or end is None:
        shown = json.dumps(value, ensure_ascii=False)[:60]
        issues.add("label not understood", shown, marked.where)
        marked.unread.append(shown)
        return
    count_span_keys(value, VALUE_FIELDS, issues, marked.where)
    text = value["text"] if isinstance(value.get("text"), str) else None
    if text is not None and "\\n" in text and text not in marked.text:
        # The page of version 1.23 writes a line break so.
        text = text.replace("\\n", "\n")
    found = next((value[key] for key in LABELS if value.get(key) is not None), [])
    found = found if isinstance(found, list) else [found]
    labels = [label.strip() for label in found if isinstance(label, str) and label.strip()]
    if len(labels) < max(len(found), 1):
        issues.add("region without a label", repr(text or [start, end])[:60], marked.where)
        marked.lost.append((start, end))
    score = as_score(result.get("score", value.get("score")))
    score = default if score is None else score
    spans = [MarkedSpan(start, end, label, text, as_name(result.get("id")), score) for label in labels]
    marked.spans = [*(marked.spans or ()), *spans]


def _with_own(
    data: Mapping[str, Any],
    named: Mapping[str, Any],
    kept: Mapping[str, Any] | None,
    issues: IssueLog,
    where: str,
) -> dict[str, Any]:
    """A Doc's meta: the task's other data, and what Label Studio says about it under a key of its own."""
    own = {**(kept or {}), **{name: value for name, value in named.items() if value}}
    if own and OWN in data:
        issues.add(f"key of the data that isn't kept: {OWN}", repr(data[OWN])[:60], where)
    return {**data, **({OWN: own} if own else {})}


def _region_keys(regions: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """RETURNS (tuple[dict[str, Any], dict[str, dict[str, Any]]]): What all regions of an annotation have in common,
    such as from_name; and by id what else each says."""
    if not regions:
        return {}, {}
    first = left_over(regions[0], REGION_FIELDS)
    missing = object()
    shared = {
        key: value
        for key, value in first.items()
        if all(other.get(key, missing) == value for other in regions)
    }
    of_each = {as_name(region.get("id")): _differing(region, shared) for region in regions}
    unusual = {key: value for key, value in shared.items() if TAGS.get(key) != value}
    return unusual, {name: keys for name, keys in of_each.items() if name and keys}


def _differing(region: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in left_over(region, REGION_FIELDS).items()
        if key not in shared and value not in NOTHING and TAGS.get(key) != value
    }


def _text_key(
    data: Mapping[str, Any],
    results: Iterable[Any],
    options: LabelStudioOptions,
    known: Known,
    where: str,
) -> str:
    """Find which of a task's values is its text.

    RAISES (UserError): Where there is none, or nothing tells which of several.
    """
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    if options.text_key:
        if options.text_key not in texts:
            found = ", ".join(data) or "none"
            raise UserError(
                Errors.E151.format(where=where, keys=f"`{options.text_key}` (text_key)", found=found)
            )
        return options.text_key
    regions = [result for result in results if is_region(result)]
    names = [result["to_name"] for result in regions if isinstance(result.get("to_name"), str)]
    for key in (known.text_key, *names, _fitting_key(texts, regions), "text"):
        if key in texts:
            return key
    if len(texts) == 1:
        return next(iter(texts))
    if not texts:
        found = ", ".join(data) or "none"
        raise UserError(Errors.E151.format(where=where, keys="a key of its data", found=found))
    raise UserError(Errors.E602.format(where=where, keys=", ".join(texts)))


def _fitting_key(texts: Mapping[str, str], regions: Iterable[Mapping[str, Any]]) -> str:
    """RETURNS (str): The first key under whose text most regions have theirs; '' where none has any."""
    fits = dict.fromkeys(texts, 0)
    for region in regions:
        probe = MarkedText("", "", spans=None)
        read_value(region["value"], probe, IssueLog(), region, None)
        for key, text in texts.items():
            for span in (probe.spans or ())[:1]:
                # At the offsets is better than elsewhere, where they count differently.
                fits[key] += 2 * is_text_of(text, span) or bool(span.text and span.text in text)
    best = max(fits, key=fits.__getitem__, default="")
    return best if best and fits[best] else ""


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    data = record["data"] if is_task(record) else left_over(record, ABOUT)
    return {key: value for key, value in data.items() if isinstance(value, str)}


def _annotations(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [part for key in ANNOTATIONS for part in _list(record, key) if isinstance(part, dict)]


def _list(record: Any, key: str) -> list[Any]:
    found = record.get(key) if isinstance(record, dict) else None
    return found if isinstance(found, list) else []


def _in_time(items: Iterable[Any], about=lambda item: item) -> list[Any]:
    """Sort by the time of creation, where each says it in the same way."""
    items = list(items)
    times = [about(item).get("created_at") for item in items]
    alike = all(isinstance(time, str) for time in times) or all(
        isinstance(time, int | float) for time in times
    )
    return sorted(items, key=lambda item: about(item)["created_at"]) if alike else items


def _is_value(item: Mapping[str, Any]) -> bool:
    has_place = ("start" in item and "end" in item) or "globalOffsets" in item
    return has_place and any(key in item for key in (*LABELS, "text"))
