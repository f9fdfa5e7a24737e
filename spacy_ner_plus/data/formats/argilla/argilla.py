"""`argilla`: records of Argilla 2 and 1, as their SDKs write them.

    [{"id": "7", "fields": {"text": "Ann left"}, "metadata": {}, "suggestions": {}, "status": "completed",
      "responses": {"spans": [{"value": [{"start": 0, "end": 3, "label": "PER"}], "user_id": "3f0c…"}]}}]
    {"id": "7", "text": "Ann left", "spans.responses": [[{"start": 0, "end": 3, "label": "PER"}]],
     "spans.responses.users": ["3f0c…"], "spans.responses.status": ["submitted"]}
    {"text": "Ann left", "tokens": ["Ann", "left"], "annotation": [["PER", 0, 3]], "annotation_agent": "ann"}

The first is what `dataset.records.to_json` writes, the second `to_list(flatten=True)`, the third a
TokenClassificationRecord of Argilla 1; records of its FeedbackDataset are read, too. Answers of several users are
chosen among by `annotations`; drafts, discarded answers and suggestions are no annotation. Answers to other questions
are kept in the Doc's meta and counted. Spans have no text of their own by which offsets could be checked, and
Argilla's page shifts them behind emojis: that there are such spans is told.

What is written is read by `dataset.records.from_json` of a dataset with a TextField `text` and a SpanQuestion `spans`
(`allow_overlapping=True` for nested spans). The server takes answers of its own users alone, by their id, which is the
annotator; with `suggestions` true it needs none.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.argilla.options import ArgillaOptions
from spacy_ner_plus.data.formats.argilla.records import (
    NOBODY,
    OWN,
    find_question,
    has_spans,
    is_flat,
    is_nested,
    is_old,
    marked_texts,
    parse_record,
    user_id_of,
)
from spacy_ner_plus.data.formats.format import (
    ANNOTATOR,
    CERTAIN,
    IDS,
    LIKELY,
    META,
    NESTED,
    SCORES,
    SPACES,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.records.record import Record, record_of, spans_of
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog

SHAPES = (
    "`responses` (with `suggestions` true: `suggestions`) whose value is a list of objects with `start`, `end` and "
    "`label`; of Argilla 1, `annotation` with lists [label, start, end]"
)
MARKS = tuple(re.compile(f'"{key}"' + r"\s*:\s*[{\[]") for key in ("fields", "responses", "suggestions"))


class Argilla:
    """The format, as `formats/format.py` says."""

    name = "argilla"
    about = "Argilla: records with answers to a span question, of its versions 2 and 1"
    endings = (".json", ".jsonl")
    options = ArgillaOptions
    keeps = frozenset({SPACES, NESTED, IDS, META, ANNOTATOR, SCORES})
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        likely = None
        for value in source.head_records:
            if is_nested(value):
                return Sniff(CERTAIN, "records with `fields`, and `responses` or `suggestions`")
            if is_flat(value):
                return Sniff(CERTAIN, "records with answers under `….responses` or `….suggestion`")
            if is_old(value):
                if any(has_spans(answer.value) for answer in parse_record(value).answers):
                    return Sniff(CERTAIN, "records with `tokens` and `annotation` of Argilla 1")
                likely = Sniff(
                    LIKELY, "records with `tokens`, `annotation` and `prediction`, as of Argilla 1"
                )
        if likely is None and source.is_json and all(mark.search(source.head) for mark in MARKS):
            return Sniff(CERTAIN, "records with `fields`, `responses` and `suggestions`")
        return likely

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        question = find_question(source, reading.options)
        yield from reading.records_of_texts(
            lambda issues, notes: marked_texts(source, reading.options, question, issues, notes),
            source,
            SHAPES,
        )

    def write(self, docs: Iterable[Doc], path: Path, options: ArgillaOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            opening = "[\n"
            for number, doc in enumerate(docs, start=1):
                record = doc_to_record(doc, options, issues, f"document {number}")
                file.write(opening + json.dumps(record, ensure_ascii=False))
                opening = ",\n"
            file.write("[]\n" if opening == "[\n" else "\n]\n")


ARGILLA = Argilla()


def doc_to_record(doc: Doc, options: ArgillaOptions, issues: IssueLog, where: str) -> dict[str, Any]:
    """Make a record of a Doc, in the shape of the SDK's `Record.to_dict`.

    issues (IssueLog): Where scores are counted, which answers have no place for.
    """
    known = record_of(doc)
    meta = known["meta"]
    own = dict(meta.pop(OWN)) if isinstance(meta.get(OWN), dict) else {}
    question, text = options.question or "spans", options.field or "text"
    fields = own.pop("fields", None)
    answers, suggestions = (
        _by_question(own.pop(key, None), kind)
        for key, kind in (("responses", "user_id"), ("suggestions", "agent"))
    )
    status = own.pop("status", None)
    record: dict[str, Any] = {
        "id": known["id"] or None,
        "fields": (fields if isinstance(fields, dict) else {}) | {text: doc.text},
        "metadata": meta,
        "suggestions": {name: given[-1] for name, given in suggestions.items()},
        "responses": answers,
        "vectors": own.pop("vectors", {}),
        "status": status or "pending",
        "_server_id": own.pop("_server_id", None),
    }
    if own:
        meta[OWN] = own
    if not doc.has_annotation("ENT_IOB"):
        return record
    spans = spans_of(doc)
    value = [{"start": span.start_char, "end": span.end_char, "label": span.label_} for span, _ in spans]
    scored = [score for _, score in spans if score is not None]
    who = known["annotator"]
    if options.suggestions:
        scores = [score for _, score in spans] if spans and len(scored) == len(spans) else None
        if scored and scores is None:
            issues.add("scores of some of a record's spans, not written", str(scored[0]), where, len(scored))
        record["suggestions"] |= {question: {"value": value, "score": scores, "agent": who or None}}
        return record
    if scored:
        issues.add("scores that argilla has no place for", str(scored[0]), where, len(scored))
    user = NOBODY
    if who:
        user = who if _is_uuid(who) else user_id_of(who)
        meta |= {} if user == who else {"annotator": who}
    record["responses"] = answers | {question: [{"value": value, "user_id": user, "status": "submitted"}]}
    record["status"] = status or "completed"
    return record


def _by_question(answers: Any, who: str) -> dict[str, list[dict[str, Any]]]:
    """Write what was read of other answers as they stood."""
    found: dict[str, list[dict[str, Any]]] = {}
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, Mapping) and isinstance(answer.get("question"), str):
            written = {"value": answer.get("value"), who: answer.get("who")}
            written |= {"score": answer.get("scores")} if who == "agent" else {}
            written |= {"status": answer["status"]} if answer.get("status") else {}
            found.setdefault(answer["question"], []).append(written)
    return found


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
