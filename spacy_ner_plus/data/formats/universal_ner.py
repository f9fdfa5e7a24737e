"""`universal-ner`: conversations that ask for the entities of a text, a type at a time, as of UniversalNER.

    {"id": "ner_0", "conversations": [
        {"from": "human", "value": "Text: Rosa Quint left."}, {"from": "gpt", "value": "I've read this text."},
        {"from": "human", "value": "What describes person in the text?"},
        {"from": "gpt", "value": "[\\"Rosa Quint\\"]"}]}

A type that was asked for is annotated, also where its answer is []. Where texts are asked for different types, nothing
is known of the others, and each Doc says which were asked for. The answers
say what the entities are, not where: they are found in the text, as `occurrences` says.
Documents that are written ask for the types that were annotated, or else for all types of the corpus.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.data.formats.format import CERTAIN, IDS, META, Reading, Sniff
from spacy_ner_plus.data.formats.strings import StringsOptions
from spacy_ner_plus.data.parsing.mentions import place_mentions
from spacy_ner_plus.data.parsing.offset_spans import refuse
from spacy_ner_plus.data.parsing.record_keys import id_of
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import Record, record_of
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

TURNS = ("conversations", "messages", "conversation")
ASKED = re.compile(r"What describes (?P<label>.+?) in the text\s*\?\s*", re.DOTALL)
TEXT = re.compile(r"\s*Text\s*:\s?(?P<text>.*)", re.DOTALL)
HUMAN, MODEL = ("human", "user"), ("gpt", "assistant")
READ = "I've read this text."
SHAPES = "questions 'What describes X in the text?' with lists of texts as answers"


class UniversalNer:
    """The format, as `formats/format.py` says."""

    name = "universal-ner"
    about = "UniversalNER's conversations: a text, and lists of its entities by type"
    endings = (".json", ".jsonl")
    options = StringsOptions
    keeps = frozenset({IDS, META})
    writes = True
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        for record in source.head_records:
            turns = _turns(record)
            if any(role in HUMAN and ASKED.fullmatch(value.strip()) for role, value in turns):
                return Sniff(CERTAIN, "conversations that ask what describes a type in the text")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        asked: dict[str, list[str]] = {}
        is_mixed = _are_mixed(source)
        records = texts_to_records(
            lambda issues, notes: marked_texts(source, reading, issues, asked),
            reading.nlp,
            # Offsets are made here, and the source is read once.
            TextOptions(offsets=AS_GIVEN),
            issues=reading.issues,
            notes=reading.notes,
            where=source.name,
            shapes=SHAPES,
        )
        for record in records:
            labels = asked.get(record.where, [])
            asked.clear()
            if labels and is_mixed and record.doc.has_annotation("ENT_IOB"):
                set_annotated_labels(record.doc, labels)
            yield record

    def write(self, docs: Iterable[Doc], path: Path, options: StringsOptions, issues: IssueLog) -> None:
        labels: set[str] = set()
        with tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
            # Which types there are is known when all Docs have been seen.
            for doc in docs:
                record = _to_parts(doc)
                labels |= set(record["mentions"])
                waiting.write(json.dumps(record, ensure_ascii=False) + "\n")
            waiting.seek(0)
            with path.open("w", encoding="utf-8", newline="\n") as file:
                opening = "[\n"
                for number, line in enumerate(waiting, start=1):
                    parts = json.loads(line)
                    if parts["is_annotated"] and not parts["is_closed"] and not labels:
                        where = f"document {number}"
                        issues.add(
                            "annotation of a corpus without labels to ask for", parts["text"][:60], where
                        )
                    file.write(opening + json.dumps(_to_record(parts, sorted(labels)), ensure_ascii=False))
                    opening = ",\n"
                file.write("[]\n" if opening == "[\n" else "\n]\n")


UNIVERSAL_NER = UniversalNer()


def marked_texts(
    source: Source, reading: Reading, issues: IssueLog, asked: dict[str, list[str]]
) -> Iterator[MarkedText]:
    """Read conversations.

    asked (dict[str, list[str]]): By a record's place, the types that were asked for; filled here.
    RAISES (UserError): What is no JSON, or a conversation without a text.
    """
    for number, record in json_records(source.lines, source.name):
        where = f"{source.name}:{number}"
        if not isinstance(record, dict):
            raise UserError(Errors.E152.format(where=where, found=json.dumps(record)[:60]))
        turns = _turns(record)
        text = next(
            (value for role, value in turns if role in HUMAN and not ASKED.fullmatch(value.strip())), None
        )
        if text is None:
            keys = " or ".join(f"{key}[…].value" for key in TURNS)
            raise UserError(Errors.E151.format(where=where, keys=keys, found=", ".join(record) or "none"))
        match = TEXT.fullmatch(text)
        marked = MarkedText(match["text"] if match else text, where)
        id_key, marked.id = id_of(record)
        used = (*TURNS, id_key if id_key == "id" else None)
        marked.meta = {key: value for key, value in record.items() if key not in used}
        labels: list[str] = []
        mentions: list[tuple[str, str]] = []
        for question, answer in _questions(turns):
            labels.append(question)
            mentions += _read_answer(question, answer, marked, issues)
        if labels:
            asked[where] = labels
            place_mentions(mentions, marked, reading.nlp, issues, reading.options.occurrences)
        else:
            issues.add("record without annotation", marked.text[:60], where)
        yield marked


def _are_mixed(source: Source) -> bool:
    """Whether some texts were asked for other types than others."""
    first: set[str] | None = None
    for _, record in json_records(source.lines, source.name):
        labels = {label for label, _ in _questions(_turns(record))} if isinstance(record, dict) else set()
        if labels and first is not None and labels != first:
            return True
        first = first or labels or None
    return False


def _questions(turns: list[tuple[str, str]]) -> Iterator[tuple[str, str | None]]:
    """Give each type with its answer; None where there is none."""
    for number, (role, value) in enumerate(turns):
        match = ASKED.fullmatch(value.strip()) if role in HUMAN else None
        if match is not None:
            after = turns[number + 1] if number + 1 < len(turns) else ("", "")
            yield match["label"].strip(), after[1] if after[0] in MODEL else None


def _read_answer(
    label: str, answer: str | None, marked: MarkedText, issues: IssueLog
) -> list[tuple[str, str]]:
    try:
        found = json.loads(answer) if answer is not None else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        refuse({label: answer}, marked, issues)
        return []
    mentions = []
    for item in found:
        if isinstance(item, str) and item.strip():
            mentions.append((item, label))
        else:
            refuse({label: item}, marked, issues)
    return mentions


def _turns(record: dict[str, Any]) -> list[tuple[str, str]]:
    """RETURNS (list[tuple[str, str]]): Who says what."""
    turns = next((record[key] for key in TURNS if isinstance(record.get(key), list)), [])
    found = []
    for turn in turns:
        if isinstance(turn, dict):
            role, value = turn.get("from", turn.get("role")), turn.get("value", turn.get("content"))
            if isinstance(role, str) and isinstance(value, str):
                found.append((role, value))
    return found


def _to_parts(doc: Doc) -> dict[str, Any]:
    """Take of a Doc what its conversation needs."""
    known = record_of(doc)
    mentions: dict[str, list[str]] = {label: [] for label in sorted(annotated_labels(doc) or ())}
    for ent in doc.ents:
        mentions.setdefault(ent.label_, []).append(ent.text)
    return {
        "text": doc.text,
        "id": known["id"],
        "meta": known["meta"],
        "mentions": mentions,
        "is_annotated": doc.has_annotation("ENT_IOB"),
        "is_closed": annotated_labels(doc) is not None,
    }


def _to_record(parts: dict[str, Any], labels: list[str]) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"Text: {parts['text']}"}, {"from": "gpt", "value": READ}]
    asked = list(parts["mentions"]) if parts["is_closed"] else labels
    for label in asked if parts["is_annotated"] else ():
        answer = json.dumps(parts["mentions"].get(label, []), ensure_ascii=False)
        turns.append({"from": "human", "value": f"What describes {label} in the text?"})
        turns.append({"from": "gpt", "value": answer})
    record = {"id": parts["id"]} if parts["id"] else {}
    record["conversations"] = turns
    return record | {key: value for key, value in parts["meta"].items() if key not in record}
