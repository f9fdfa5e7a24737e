"""`jsonl`: a text and its entities by offset, in whatever spelling, where no other format knows the records.

    {"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
    {"text": "Ann left", "entities": [[0, 3, "PER"]]}
    {"content": "Ann left", "annotations": [{"offset": 0, "length": 3, "type": "PER", "confidence": 0.9}]}
    {"sentence": "Ann left", "entities": {"PER": [[0, 3]]}}

Offsets may be numbers or strings of them, and a span may have several labels. The records may also stand in an array,
and a text and its spans in a pair. Named as `--format jsonl`, it hands a source of records that another format is surer
of, such as Prodigy's, spaCy 2's or GLiNER's, to that one. What it writes are Prodigy's records.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import POSSIBLE, Format, Reading, Sniff
from spacy_ner_plus.data.formats.prodigy import PRODIGY
from spacy_ner_plus.data.formats.registered import surest_format
from spacy_ner_plus.data.parsing.missing_ranges import read_missing
from spacy_ner_plus.data.parsing.offset_spans import (
    GUESSES,
    SHAPES,
    SPAN_KEYS,
    count_other_spans,
    has_offsets,
    read_spans,
)
from spacy_ner_plus.data.parsing.record_keys import TEXT_KEYS, find_key, id_of, meta_of
from spacy_ner_plus.data.parsing.token_objects import read_tokens
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation, looks_like_annotation
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

LEFT_OUT = {"reject": "rejected answer", "ignore": "ignored answer"}


class Jsonl:
    """The format, as `formats/format.py` says."""

    name = "jsonl"
    about = "JSON lines, or an array, of texts with entities by offset, in any spelling"
    endings = (".jsonl", ".ndjson")
    options = TextOptions
    keeps = PRODIGY.keeps
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        for value in source.head_values:
            record = _as_object(value)
            if record is not None and any(has_offsets(record.get(key)) for key in SPAN_KEYS):
                return Sniff(POSSIBLE, "records with spans by offset")
        for record in source.head_records:
            is_annotated = _span_key(record) is not None
            if (is_annotated or source.ending in self.endings) and find_key(record, TEXT_KEYS, str):
                what = "an empty list of spans" if is_annotated else "no annotation"
                return Sniff(POSSIBLE / 4, f"records with a text and {what}")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        other = self._surer(source)
        if other is not None:
            reading.notes.append(f"{source.name}: read as {other.name}")
            given = {
                field.name: getattr(reading.options, field.name)
                for field in dataclasses.fields(other.options)
                if hasattr(reading.options, field.name)
            }
            return other.read(source, dataclasses.replace(reading, options=other.options(**given)))
        return reading.records_of_texts(
            lambda issues, notes: marked_texts(source, issues),
            source,
            f"{SHAPES} under {', '.join(SPAN_KEYS)}",
        )

    def _surer(self, source: Source) -> Format | None:
        """RETURNS (Format | None): The format that is surer of a source's records than this one."""
        if not source.is_json:
            return None
        found = surest_format(source, than=POSSIBLE)
        return None if found is None or found.name == self.name else found

    def write(self, docs: Iterable[Doc], path: Path, options: TextOptions, issues: IssueLog) -> None:
        PRODIGY.write(docs, path, options, issues)


JSONL = Jsonl()


def marked_texts(source: Source, issues: IssueLog) -> Iterator[MarkedText]:
    """Read records.

    RAISES (UserError): What is no JSON, or a record without a text.
    """
    for number, value in json_records(source.lines, source.name):
        where = f"{source.name}:{number}"
        record = _as_object(value)
        if record is None:
            raise UserError(Errors.E152.format(where=where, found=json.dumps(value)[:60]))
        text_key = find_key(record, TEXT_KEYS, str)
        if text_key is None:
            found = ", ".join(record) or "none"
            raise UserError(Errors.E151.format(where=where, keys=", ".join(TEXT_KEYS), found=found))
        marked = MarkedText(record[text_key], where)
        answer = record.get("answer")
        if isinstance(answer, str) and answer in LEFT_OUT:
            issues.add(LEFT_OUT[answer], marked.text[:60], where)
            continue
        id_key, marked.id = id_of(record)
        key = _span_key(record)
        used = [
            text_key,
            key,
            id_key if id_key == "id" else None,
            "tokens",
            None if answer is None else "answer",
        ]
        if not _are_objects(record.get("tokens")):
            used.remove("tokens")
        marked.meta = meta_of(record, used)
        if "tokens" in used:
            read_tokens(record["tokens"], marked, issues)
        if key is not None:
            marked.spans = read_spans(record[key], marked, issues)
            count_other_spans(record, key, marked, issues)
            read_missing(record, key, marked, issues)
        elif answer == "accept":
            marked.spans = []
        else:
            # A text's category isn't an entity of it: {"text": ..., "label": "news"}
            known = [key for key in SPAN_KEYS if not looks_like_annotation(key, record.get(key))]
            check_no_annotation(record, known, where, issues, marked.text)
        yield marked


def _as_object(value: Any) -> dict[str, Any] | None:
    """Read a pair of a text and its annotation as one object; None for what is no record."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        if isinstance(value[1], dict):
            return {**value[1], "text": value[0]}
        if isinstance(value[1], list):
            return {"text": value[0], "entities": value[1]}
    return None


def _span_key(record: dict[str, Any]) -> str | None:
    """RETURNS (str | None): The key under which a record has its spans, even if there are none or unreadable ones."""
    for guessed in (False, True):
        keys = [key for key in SPAN_KEYS if (key in GUESSES) == guessed]
        with_offsets = next((key for key in keys if has_offsets(record.get(key))), None)
        if with_offsets is not None:
            return with_offsets
        held = next((key for key in keys if isinstance(record.get(key), list | dict)), None)
        if held is not None:
            return held
    return None


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
