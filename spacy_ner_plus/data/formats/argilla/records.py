"""Argilla's records, read as texts with spans.

What else a record has is kept in the Doc's meta: its metadata under their own names, all else under `argilla`, from
where it is written again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from spacy_ner_plus.data.formats.argilla.options import ArgillaOptions
from spacy_ner_plus.data.records.annotators import choose_annotation
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
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

OWN = "argilla"
# A user's id that says that nobody is named.
NOBODY = "00000000-0000-0000-0000-000000000000"
NOT_GIVEN = ("draft", "discarded")
ANSWERS, SUGGESTED = ".responses", ".suggestion"
# Of Argilla 1.
OLD_FIELDS = (
    *("text", "tokens", "annotation", "prediction", "annotation_agent", "prediction_agent", "id", "metadata"),
    *("status", "event_timestamp", "metrics", "vectors", "search_keywords", "multi_label"),
)


@dataclass
class Answer:
    """One answer to a question, or a suggestion of one.

    question (str): Its name.
    value (Any): As given: for a span question a list of objects with start, end and label.
    who (str): The user, or the agent.
    status (str): 'submitted', 'draft', 'discarded'; '' where it isn't said.
    scores (Any): Of suggestions: one for each span, or one for all.
    """

    question: str
    value: Any
    who: str = ""
    status: str = ""
    scores: Any = None


@dataclass
class ArgillaRecord:
    """A record, whichever of Argilla's ways to write it was taken.

    fields (dict[str, Any]): What annotators see.
    own (dict[str, Any]): What is neither a field nor metadata nor an answer.
    flat (bool): Whether fields and metadata stand side by side, without a sign which is which.
    """

    id: str
    fields: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    suggestions: list[Answer] = field(default_factory=list)
    own: dict[str, Any] = field(default_factory=dict)
    flat: bool = False


def is_old(value: Mapping[str, Any]) -> bool:
    """RETURNS (bool): Whether this is a TokenClassificationRecord of Argilla 1."""
    marks = sum(
        key in value
        for key in ("annotation", "prediction", "annotation_agent", "prediction_agent", "metrics")
    )
    return isinstance(value.get("text"), str) and isinstance(value.get("tokens"), list) and marks >= 2


def is_flat(value: Mapping[str, Any]) -> bool:
    """RETURNS (bool): Whether this is a flattened record of Argilla 2."""
    return any(key.endswith((f"{ANSWERS}.users", f"{SUGGESTED}.agent")) for key in value)


def is_nested(value: Mapping[str, Any]) -> bool:
    """RETURNS (bool): Whether this is a record with fields, answers and suggestions in objects of their own."""
    return isinstance(value.get("fields"), dict) and ("responses" in value or "suggestions" in value)


def parse_record(value: Mapping[str, Any]) -> ArgillaRecord:
    """Read a record in any of Argilla's ways to write it."""
    if is_old(value):
        return _of_old(value)
    return _of_flat(value) if is_flat(value) else _of_nested(value)


def _of_nested(value: Mapping[str, Any]) -> ArgillaRecord:
    fields, metadata = (_object(value.get(key)) for key in ("fields", "metadata"))
    record = ArgillaRecord(
        as_name(value.get("id")) or as_name(value.get("external_id")), dict(fields), dict(metadata)
    )
    for name, given in _object(value.get("responses")).items():
        record.answers += [_answer(name, item) for item in (given if isinstance(given, list) else [given])]
    for item in value["responses"] if isinstance(value.get("responses"), list) else ():
        if isinstance(item, dict) and isinstance(item.get("values"), dict):
            # A FeedbackRecord of Argilla 1: one user's answers to all questions.
            for name, given in item["values"].items():
                record.answers.append(_answer(name, {**item, "value": _object(given).get("value")}))
        else:
            record.answers.append(_answer(as_name(_object(item).get("question_name")), item))
    for name, given in _object(value.get("suggestions")).items():
        record.suggestions.append(_suggestion(name, given))
    for given in value["suggestions"] if isinstance(value.get("suggestions"), list) else ():
        record.suggestions.append(_suggestion(as_name(_object(given).get("question_name")), given))
    record.own = left_over(value, ("id", "external_id", "fields", "metadata", "responses", "suggestions"))
    return record


def _of_flat(value: Mapping[str, Any]) -> ArgillaRecord:
    record = ArgillaRecord(as_name(value.get("id")), {}, flat=True)
    names = {
        key.removesuffix(".users").removesuffix(ANSWERS) for key in value if key.endswith(f"{ANSWERS}.users")
    }
    suggested = {
        key.removesuffix(".agent").removesuffix(SUGGESTED)
        for key in value
        if key.endswith(f"{SUGGESTED}.agent")
    }
    read = {"id", "status", "_server_id"}
    for name in sorted(names):
        keys = [f"{name}{ANSWERS}{part}" for part in ("", ".users", ".status")]
        values, users, states = ([*(value.get(key) or ())] for key in keys)
        read |= {*keys}
        for i, given in enumerate(values):
            who, status = (as_name(items[i]) if i < len(items) else "" for items in (users, states))
            record.answers.append(Answer(name, given, who, status))
    for name in sorted(suggested):
        keys = [f"{name}{SUGGESTED}{part}" for part in ("", ".agent", ".score")]
        read |= {*keys}
        if value.get(keys[0]) is not None:
            record.suggestions.append(
                Answer(name, value[keys[0]], as_name(value.get(keys[1])), scores=value.get(keys[2]))
            )
    record.own = {key: value[key] for key in ("status", "_server_id") if key in value}
    record.fields = left_over(value, read)
    return record


def _of_old(value: Mapping[str, Any]) -> ArgillaRecord:
    record = ArgillaRecord(
        as_name(value.get("id")), {"text": value["text"]}, dict(_object(value.get("metadata")))
    )
    if isinstance(value.get("annotation"), list):
        status = "discarded" if value.get("status") == "Discarded" else "submitted"
        record.answers = [
            Answer("annotation", value["annotation"], as_name(value.get("annotation_agent")), status)
        ]
    elif value.get("annotation") is not None:
        record.answers = [Answer("annotation", value["annotation"])]
    if isinstance(value.get("prediction"), list):
        record.suggestions = [
            Answer("annotation", value["prediction"], as_name(value.get("prediction_agent")))
        ]
    kept = ("status", "event_timestamp", "metrics", "vectors", "search_keywords", "multi_label")
    record.own = {key: value[key] for key in kept if key in value} | left_over(value, OLD_FIELDS)
    return record


def _answer(name: str, item: Any) -> Answer:
    if not isinstance(item, dict):
        return Answer(name, item)
    return Answer(name, item.get("value"), as_name(item.get("user_id")), as_name(item.get("status")))


def _suggestion(name: str, item: Any) -> Answer:
    if not isinstance(item, dict):
        return Answer(name, item)
    return Answer(name, item.get("value"), as_name(item.get("agent")), scores=item.get("score"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def has_spans(value: Any) -> bool:
    """RETURNS (bool): Whether an answer's value is a list of spans, which isn't empty."""
    return isinstance(value, list) and any(_span_parts(item) for item in value)


def _span_parts(item: Any) -> tuple[Any, Any, Any, Any] | None:
    """RETURNS (tuple[Any, Any, Any, Any] | None): Start, end, label and score as they are written."""
    if isinstance(item, dict) and "start" in item and "end" in item:
        return item["start"], item["end"], item.get("label"), item.get("score")
    if isinstance(item, list) and len(item) in (3, 4) and isinstance(item[0], str | None):
        # Argilla 1: (label, start, end), of predictions with a score.
        return item[1], item[2], item[0], item[3] if len(item) == 4 else None
    return None


def find_question(source: Source, options: ArgillaOptions) -> str:
    """Find which question's answers are spans.

    RETURNS (str): Its name; '' where nothing tells.
    """
    if options.question:
        return options.question
    empty = ""
    for _, value in json_objects(source.lines, source.name):
        record = parse_record(value)
        for answer in (*record.answers, *record.suggestions):
            if has_spans(answer.value):
                return answer.question
            empty = empty or (answer.question if answer.value == [] else "")
    return empty


def marked_texts(
    source: Source, options: ArgillaOptions, question: str, issues: IssueLog, notes: list[str]
) -> Iterator[MarkedText]:
    """Read records.

    question (str): The name of the span question.
    notes (list[str]): Where is written what Argilla doesn't say.
    RAISES (UserError): What is no JSON, or a record without a text.
    """
    behind = unsaid = suggested = 0
    for place, value in json_objects(source.lines, source.name):
        record = parse_record(value)
        key = _text_field(record, options, place)
        views = []
        for answer in record.answers:
            if answer.question != question:
                kind = f"answer to another question, kept in meta: {answer.question}"
                issues.add(kind, repr(answer.value)[:60], place)
            elif answer.status in NOT_GIVEN:
                issues.add(f"answer that is no answer: {answer.status}", record.fields[key][:60], place)
            elif answer.value is None:
                issues.add("answer without a value", record.fields[key][:60], place)
            else:
                unsaid += not answer.status
                views.append(_view(record, key, answer, question, place, issues))
        offered = [answer for answer in record.suggestions if answer.question == question]
        if not views and offered and options.suggestions:
            views = [_view(record, key, answer, question, place, issues) for answer in offered]
        elif not views:
            suggested += bool(offered)
        if not views:
            others = [answer for answer in record.answers if answer.question != question]
            blank = _view(record, key, Answer(question, []), question, place, IssueLog())
            blank.spans, blank.annotator = None, ""
            if not question and others:
                # Nothing in the source is a span, and there are answers.
                blank.unread = [repr(answer.value)[:60] for answer in others]
            else:
                read = (
                    "fields",
                    "metadata",
                    "responses",
                    "suggestions",
                    "prediction",
                    "annotation",
                    "tokens",
                    "vectors",
                )
                rest = {} if record.flat else left_over(value, read)
                check_no_annotation(rest, ("responses",), place, issues, blank.text)
            views = [blank]
        for marked in choose_annotation(views, options.annotations, issues):
            behind += _behind_emoji(marked)
            yield marked
    if behind:
        notes.append(
            f"{source.name}: {behind:,} spans stand behind emojis or other characters beyond U+FFFF. Argilla's page "
            "counts these as two, and its server as one: look at some of the spans, and take `offsets` utf-16 "
            "(--offsets) where they are shifted"
        )
    if unsaid:
        notes.append(
            f"{source.name}: {unsaid:,} answers don't say whether they were submitted, as Argilla's to_json leaves it "
            "out; drafts may be among them. to_list(flatten=True) says it"
        )
    if suggested:
        notes.append(
            f"{source.name}: {suggested:,} records have suggestions and no answer; suggestions are no annotation "
            "unless `suggestions` is true"
        )


def _view(
    record: ArgillaRecord, key: str, answer: Answer, question: str, where: str, issues: IssueLog
) -> MarkedText:
    """A record as one answer has it."""
    usual = {
        "status": "completed" if any(other.question == question for other in record.answers) else "pending"
    }
    own = {
        name: value
        for name, value in record.own.items()
        if value not in NOTHING and (name, value) not in usual.items()
    }
    metadata, who = dict(record.metadata), "" if answer.who == NOBODY else answer.who
    if isinstance(name := metadata.get("annotator"), str) and who == user_id_of(name):
        who = metadata.pop("annotator")
    others = left_over(record.fields, (key,))
    if record.flat:
        metadata |= others
    elif others:
        own["fields"] = others
    answers = [vars(other) for other in record.answers if other.question != question]
    suggestions = [vars(other) for other in record.suggestions if other is not answer]
    own |= {"responses": answers} if answers else {}
    own |= {"suggestions": suggestions} if suggestions else {}
    if own and OWN in metadata and not isinstance(metadata[OWN], dict):
        issues.add(f"key of the metadata that isn't kept: {OWN}", repr(metadata[OWN])[:60], where)
    kept = _object(metadata.get(OWN))
    meta = metadata | ({OWN: {**kept, **own}} if own else {})
    marked = MarkedText(record.fields[key], where, spans=[], id=record.id, meta=meta, annotator=who)
    items = answer.value
    if not isinstance(items, list):
        issues.add("label not understood", repr(items)[:60], where)
        marked.spans, marked.unread = None, [repr(items)[:60]]
        return marked
    for i, item in enumerate(items):
        scores = answer.scores
        score = scores[i] if isinstance(scores, list) and i < len(scores) else scores
        _read_span(item, as_score(score), marked, issues)
    return marked


def _read_span(item: Any, score: float | None, marked: MarkedText, issues: IssueLog) -> None:
    start, end, label, own = _span_parts(item) or (None, None, None, None)
    start, end = as_offset(start), as_offset(end)
    if start is None or end is None:
        issues.add("label not understood", repr(item)[:60], marked.where)
        marked.unread.append(repr(item)[:60])
        return
    if isinstance(item, dict):
        count_span_keys(item, ("start", "end", "label", "score"), issues, marked.where)
    if not isinstance(label, str) or not label.strip():
        issues.add("region without a label", repr(item)[:60], marked.where)
        marked.lost.append((start, end))
        return
    own = as_score(own)
    marked.spans = [
        *(marked.spans or ()),
        MarkedSpan(start, end, label.strip(), score=score if own is None else own),
    ]


def _text_field(record: ArgillaRecord, options: ArgillaOptions, where: str) -> str:
    """Find the field that is annotated.

    RAISES (UserError): Where there is none, or nothing tells which of several.
    """
    texts = [key for key, value in record.fields.items() if isinstance(value, str)]
    wanted = options.field or "text"
    if wanted in texts:
        return wanted
    if options.field or not texts:
        keys = f"`{options.field}` (field)" if options.field else "its fields"
        raise UserError(Errors.E151.format(where=where, keys=keys, found=", ".join(record.fields) or "none"))
    if len(texts) > 1:
        raise UserError(Errors.E603.format(where=where, keys=", ".join(texts)))
    return texts[0]


def _behind_emoji(marked: MarkedText) -> int:
    """RETURNS (int): How many spans have a character before their end that JavaScript counts as two."""
    first = next((i for i, char in enumerate(marked.text) if ord(char) > 0xFFFF), None)
    return 0 if first is None else sum(span.end > first for span in marked.spans or ())


def user_id_of(annotator: str) -> str:
    """RETURNS (str): A UUID for the name of an annotator, as Argilla's users have one."""
    return str(uuid5(NAMESPACE_URL, annotator))
