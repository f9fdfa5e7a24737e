"""`prodigy`: records of Prodigy's tasks, as `prodigy db-out` writes them and `prodigy db-in` reads them.

    {"text": "Ann left", "spans": [{"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "PER"}],
     "tokens": [{"text": "Ann", "start": 0, "end": 3, "id": 0, "ws": true}, ...], "answer": "accept",
     "_annotator_id": "ann", "_view_id": "ner_manual", "meta": {"source": "news"}}

Rejected and ignored answers are left out and counted. An accepted record without spans has none, unless it was shown
to choose a category: answers in views in which spans can't be marked, such as `choice` and `classification`, say
nothing of spans, whether a task has any or not. Of an answer to a yes-or-no question (the view `ner`) only its spans
are known: the other tokens are missing. Where several people annotated a text there is a Doc for each; sessions that
are named after their time alone name nobody.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import (
    ANNOTATOR,
    CERTAIN,
    IDS,
    META,
    NESTED,
    SCORES,
    SPACES,
    SPAN_IDS,
    TOKENS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.parsing.offset_spans import count_other_spans, read_spans, refuse
from spacy_ner_plus.data.parsing.record_keys import id_of, meta_of
from spacy_ner_plus.data.parsing.token_objects import read_tokens
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.record import ScoredSpan, record_of, spans_of
from spacy_ner_plus.data.records.texts import Record, TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation, looks_like_annotation
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

ACCEPTED = "accept"
LEFT_OUT = {"reject": "rejected answer", "ignore": "ignored answer"}
OWN_KEYS = ("_input_hash", "_task_hash", "_view_id", "_session_id", "_annotator_id")
ANNOTATORS = ("_annotator_id", "_session_id")
# What Prodigy calls a session whose person gave no name, perhaps after the name of the dataset.
UNNAMED = re.compile(r"(.*-)?\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
# Views in which a person marks all spans, where they aren't shown for a choice.
BINARY = "ner"
# That of the recipe `review`, which has another one within, and that which may hold any.
REVIEW, BLOCKS = "review", "blocks"
MANUAL = frozenset({"ner_manual", "spans", "spans_manual", "relations", BLOCKS, REVIEW, BINARY})
CHOICES = ("options", "accept", "label")
ELSE = "answer about something else than spans: its spans aren't read"
BESIDE_CHOICE = "spans beside a choice: only they are known"
# What stands beside the text rather than under `meta`.
BESIDE = frozenset({"options", "label", "html", "image", "priority", "relations", "config"})
# What may look like annotation of spans without being it.
KNOWN = ("spans", "tokens", "relations", "options", "config")
SHAPES = "a list of spans with start, end and label under spans"


class Prodigy:
    """The format, as `formats/format.py` says."""

    name = "prodigy"
    about = "Prodigy's annotated tasks in JSON lines (db-out)"
    endings = (".jsonl",)
    options = TextOptions
    keeps = frozenset({TOKENS, SPACES, NESTED, IDS, META, ANNOTATOR, SPAN_IDS, SCORES})
    writes = True
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        for record in source.head_records:
            if isinstance(record.get("text"), str):
                key = next((key for key in OWN_KEYS if key in record), None)
                if key is not None:
                    return Sniff(CERTAIN, f"records with Prodigy's `{key}`")
                if record.get("answer") in (ACCEPTED, *LEFT_OUT):
                    return Sniff(CERTAIN, f"records with Prodigy's `answer`: {record['answer']}")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(lambda issues, notes: marked_texts(source, issues), source, SHAPES)

    def write(self, docs: Iterable[Doc], path: Path, options: TextOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for doc in docs:
                file.write(json.dumps(to_task(doc), ensure_ascii=False) + "\n")


PRODIGY = Prodigy()


def marked_texts(source: Source, issues: IssueLog) -> Iterator[MarkedText]:
    """Read tasks.

    RAISES (UserError): What is no JSON, or a task without a text.
    """
    for number, record in json_records(source.lines, source.name):
        where = f"{source.name}:{number}"
        if not isinstance(record, dict):
            raise UserError(Errors.E152.format(where=where, found=json.dumps(record)[:60]))
        text = record.get("text")
        if not isinstance(text, str):
            raise UserError(Errors.E151.format(where=where, keys="text", found=", ".join(record) or "none"))
        answer = record.get("answer")
        if isinstance(answer, str) and answer in LEFT_OUT:
            issues.add(LEFT_OUT[answer], text[:60], where)
            continue
        yield _read_task(record, MarkedText(text, where), issues)


def _read_task(record: dict[str, Any], marked: MarkedText, issues: IssueLog) -> MarkedText:
    id_key, marked.id = id_of(record)
    annotator_key = next((key for key in ANNOTATORS if _is_name(record.get(key))), None)
    marked.annotator = record[annotator_key] if annotator_key else ""
    used = ["text", "spans", "tokens", "answer", annotator_key, id_key if id_key == "id" else None]
    marked.meta = meta_of(record, used)
    read_tokens(record.get("tokens"), marked, issues)
    answer, spans = record.get("answer"), record.get("spans")
    is_marked = answer != ACCEPTED or _can_mark(record)
    if spans is not None and (is_marked or (spans and _view(record) is None)):
        _read_spans(spans, marked, issues)
        count_other_spans(record, "spans", marked, issues)
        if not is_marked:
            # In which view isn't said: they may have been marked, and others not.
            issues.add(BESIDE_CHOICE, marked.text[:60], marked.where)
            marked.partial = True
    elif spans is not None:
        issues.add(ELSE, marked.text[:60], marked.where)
    elif answer == ACCEPTED and _shows_spans(record):
        marked.spans = []
    else:
        check_no_annotation(record, KNOWN, marked.where, issues, marked.text)
    if answer not in (None, ACCEPTED):
        refuse({"answer": answer}, marked, issues)
        marked.spans = None
    if record.get("_is_binary", record.get("_view_id") == BINARY) and marked.spans:
        issues.add("answer of yes or no: only its spans are known", marked.text[:60], marked.where)
        marked.partial = True
    return marked


def _read_spans(spans: Any, marked: MarkedText, issues: IssueLog) -> None:
    kept = spans
    if isinstance(spans, list):
        # Spans of several questions may be joined, each with its own answer.
        said_no = [span for span in spans if isinstance(span, dict) and span.get("answer") in LEFT_OUT]
        for span in said_no:
            issues.add("span of a rejected or ignored answer", json.dumps(span)[:60], marked.where)
            start, end = span.get("start"), span.get("end")
            if isinstance(start, int) and isinstance(end, int):
                marked.lost.append((start, end))
        kept = [
            {key: value for key, value in span.items() if key != "answer"} if isinstance(span, dict) else span
            for span in spans
            if not any(span is other for other in said_no)
        ]
    marked.spans = read_spans(kept, marked, issues)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and not UNNAMED.fullmatch(value)


def _view(record: Mapping[str, Any]) -> str | None:
    """RETURNS (str | None): The view in which a task was answered; None where that isn't said."""
    view = record.get("_view_id")
    view = record.get("view_id", view) if view == REVIEW else view
    return view if isinstance(view, str) else None


def _can_mark(record: Mapping[str, Any]) -> bool:
    """Whether who accepted a task could mark spans in it."""
    if _view(record) in (None, BLOCKS, REVIEW) and any(record.get(key) for key in CHOICES):
        # A choice may stand beside spans to mark: for these Prodigy needs tokens.
        return bool(record.get("tokens"))
    return _view(record) is None or _view(record) in MANUAL


def _shows_spans(record: dict[str, Any]) -> bool:
    """Whether an accepted task without spans says that there are none: it may be a choice of a category."""
    view = _view(record)
    if any(looks_like_annotation(key, value) for key, value in record.items() if key not in KNOWN):
        # Spans may stand under another key, by mistake.
        return False
    return (view is None or view in MANUAL) and not any(record.get(key) for key in CHOICES)


def to_task(doc: Doc) -> dict[str, Any]:
    """Write a Doc as a task.

    doc (Doc): One without annotation gets neither spans nor an answer.
    """
    known = record_of(doc)
    task: dict[str, Any] = {"text": doc.text}
    if known["id"]:
        task["id"] = known["id"]
    beside = {key: value for key, value in known["meta"].items() if key.startswith("_") or key in BESIDE}
    if doc.has_annotation("ENT_IOB") and not _can_mark({**beside, "tokens": True}):
        # It came as an answer about something else, and is annotated now.
        beside.pop("_view_id", None)
    meta = {key: value for key, value in known["meta"].items() if key not in beside}
    if meta:
        task["meta"] = meta
    task["tokens"] = [
        {
            "text": token.text,
            "start": token.idx,
            "end": token.idx + len(token),
            "id": token.i,
            "ws": bool(token.whitespace_),
        }
        for token in doc
    ]
    if doc.has_annotation("ENT_IOB"):
        task["spans"] = [_to_span(found) for found in spans_of(doc)]
    if known["annotator"]:
        task["_annotator_id"] = known["annotator"]
    task.update((key, value) for key, value in beside.items() if key not in task)
    if doc.has_annotation("ENT_IOB"):
        task["answer"] = ACCEPTED
    return task


def _to_span(found: ScoredSpan) -> dict[str, Any]:
    span = found.span
    written = {
        "start": span.start_char,
        "end": span.end_char,
        "token_start": span.start,
        "token_end": span.end - 1,
        "label": span.label_,
        "text": span.text,
    }
    if span.id_:
        written["id"] = span.id_
    if found.score is not None:
        written["score"] = found.score
    return written
