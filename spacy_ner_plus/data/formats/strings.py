"""`strings`: a text and what its entities are called, without their places.

    {"text": "Rosa Quint left Lund", "entities": [{"text": "Rosa Quint", "label": "PER"}]}
    {"text": "Rosa Quint left Lund", "entities": {"PER": ["Rosa Quint"], "LOC": ["Lund"]}}
    {"text": "Rosa Quint left Lund", "PER": ["Rosa Quint"], "LOC": ["Lund"]}
    {"input": "Rosa Quint left Lund", "output": {"entities": {"PER": ["Rosa Quint"]}}}

Mentions are found in the text. One that stands there more often than it is listed takes the first place, is counted,
and its other places are missing, unless `occurrences` says otherwise; what isn't found is counted, and makes missing
whatever no other entity covers.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

from spacy_ner_plus.data.formats.format import LIKELY, POSSIBLE, Reading, Sniff
from spacy_ner_plus.data.parsing.mentions import place_mentions
from spacy_ner_plus.data.parsing.offset_spans import (
    LABELS,
    OTHER_SPANS,
    count_other_spans,
    has_offsets,
    plain_key,
    read_spans,
    refuse,
)
from spacy_ner_plus.data.parsing.record_keys import TEXT_KEYS, find_key, id_of, meta_of
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.schemes import is_tag
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.json_records import JsonObject, json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

ENTITY_KEYS = (
    "entities", "ents", "ner", "mentions", "named_entities", "annotations", "labels", "label", "output",
    "answer", "tags",
)  # fmt: skip
MENTIONS = (
    "text",
    "name",
    "word",
    "mention",
    "span",
    "entity",
    "value",
    "surface",
    "phrase",
    "string",
    "quote",
)
SHAPES = "entities with their text and label, or lists of texts by label"
Mentions = list[tuple[str, str]]


@settings
class StringsOptions:
    """How entities without places are found."""

    occurrences: Literal["listed", "all", "first"] = setting(
        "Which places a mention takes that stands at several: as many as it is listed; all; the first.",
        "listed",
    )


class Strings:
    """The format, as `formats/format.py` says."""

    name = "strings"
    about = "Texts with their entities by name alone, without offsets, which are found in the text"
    endings = (".jsonl", ".json")
    options = StringsOptions
    keeps = frozenset()
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        for record in source.head_records:
            if find_key(record, TEXT_KEYS, str) is None:
                continue
            key = _entity_key(record)
            if key is not None:
                if read_mentions(record[key], None, IssueLog()):
                    return Sniff(LIKELY, f"records with `{key}` that say what entities are, not where")
            elif _labels_beside(record):
                return Sniff(
                    POSSIBLE, f"records with lists of texts under `{'`, `'.join(_labels_beside(record)[:3])}`"
                )
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return texts_to_records(
            lambda issues, notes: marked_texts(source, reading, issues),
            reading.nlp,
            # Offsets are made here.
            TextOptions(offsets=AS_GIVEN),
            issues=reading.issues,
            notes=reading.notes,
            where=source.name,
            shapes=SHAPES,
        )


STRINGS = Strings()


def marked_texts(source: Source, reading: Reading, issues: IssueLog) -> Iterator[MarkedText]:
    """Read records.

    RAISES (UserError): What is no JSON, or a record without a text.
    """
    for number, record in json_records(source.lines, source.name, pairs=True):
        where = f"{source.name}:{number}"
        if not isinstance(record, JsonObject):
            raise UserError(Errors.E152.format(where=where, found=json.dumps(record)[:60]))
        text_key = find_key(record, TEXT_KEYS, str)
        if text_key is None:
            found = ", ".join(record) or "none"
            raise UserError(Errors.E151.format(where=where, keys=", ".join(TEXT_KEYS), found=found))
        marked = MarkedText(record[text_key], where)
        id_key, marked.id = id_of(record)
        located = next((key for key in ENTITY_KEYS if has_offsets(record.get(key))), None)
        key = _entity_key(record)
        beside = _labels_beside(record) if key is None and located is None else []
        marked.meta = meta_of(record, [text_key, key, located, id_key if id_key == "id" else None, *beside])
        value = (
            record[key]
            if key is not None
            else JsonObject([pair for pair in record.pairs if pair[0] in beside])
        )
        if located is not None:
            # A record among others that says where its entities are.
            marked.spans = read_spans(record[located], marked, issues)
            count_other_spans(record, located, marked, issues)
        elif key is None and not beside:
            check_no_annotation(record, ENTITY_KEYS, where, issues, marked.text)
        else:
            mentions = read_mentions(value, marked, issues)
            place_mentions(mentions, marked, reading.nlp, issues, reading.options.occurrences)
            _count_others(record, key, mentions, marked, issues)
        yield marked


def _count_others(
    record: dict[str, Any], used: str | None, known: Mentions, marked: MarkedText, issues: IssueLog
) -> None:
    """Count entities under another key than the one that is read; what is no entity there is missing then."""
    for key in ENTITY_KEYS if used is not None else ():
        value = record.get(key) if key != used else None
        others = read_mentions(value, None, IssueLog()) if isinstance(value, dict | list) else []
        unread = [mention for mention in others if mention not in known]
        if unread:
            text, label = unread[0]
            issues.add(OTHER_SPANS, f"{key!r} beside {used!r}: {label} {text!r}", marked.where)
            marked.partial = True


def read_mentions(value: Any, marked: MarkedText | None, issues: IssueLog) -> Mentions:
    """Read what entities are called, and their labels.

    value (Any): A list of entities, or texts by label; of a JsonObject a label that stands there twice has both lists.
    marked (MarkedText | None): The record; what can't be read is added to its `unread`. None to pass over it.
    """
    if isinstance(value, dict):
        inner = next((value[key] for key in ENTITY_KEYS if isinstance(value.get(key), dict | list)), None)
        # A chat model that comes back to a label writes its key again.
        lists = value.pairs if isinstance(value, JsonObject) else list(value.items())
        if inner is not None and len(lists) == 1:
            return read_mentions(inner, marked, issues)
        pairs = [(item, label) for label, items in lists for item in _as_list(items)]
    else:
        pairs = [(item, None) for item in value] if isinstance(value, list) else [(value, None)]
    found: Mentions = []
    for item, label in pairs:
        mentions = _read_one(item, label)
        if mentions is None and marked is not None:
            refuse(item, marked, issues)
        found += mentions or []
    return found


def _read_one(item: Any, label: str | None) -> Mentions | None:
    """RETURNS (list[tuple[str, str]] | None): A mention with each of its labels; None where it can't be read."""
    if isinstance(item, str):
        return [(item, label.strip())] if label and label.strip() and item.strip() else None
    if isinstance(item, list):
        is_pair = len(item) == 2 and all(isinstance(part, str) and part.strip() for part in item)
        # ["Lund", "B-LOC"] is a word with its tag.
        return [(item[0], item[1].strip())] if is_pair and label is None and not is_tag(item[1]) else None
    if not isinstance(item, dict):
        return None
    keys = {plain_key(key): key for key in reversed(item)}
    label_key = next((keys[name] for name in LABELS if name in keys and name not in ("name", "entity")), None)
    if label_key is None and label is None:
        # {"word": "Lund", "entity": "LOC"}
        label_key = keys.get("entity")
    text_key = next((keys[name] for name in MENTIONS if name in keys and keys[name] != label_key), None)
    text, labels = item.get(text_key), item.get(label_key) if label_key is not None else label
    labels = labels if isinstance(labels, list) else [labels]
    if not isinstance(text, str) or not text.strip() or not labels:
        return None
    if not all(isinstance(each, str) and each.strip() for each in labels):
        return None
    return [(text, each.strip()) for each in labels]


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _entity_key(record: dict[str, Any]) -> str | None:
    """RETURNS (str | None): The key under which a record has its entities, if they have no offsets."""
    if any(has_offsets(record.get(key)) for key in ENTITY_KEYS):
        return None
    return next((key for key in ENTITY_KEYS if isinstance(record.get(key), list | dict)), None)


def _labels_beside(record: dict[str, Any]) -> list[str]:
    """RETURNS (list[str]): The keys of a record that are labels with the texts of their entities."""
    text_key = find_key(record, TEXT_KEYS, str)
    if any(has_offsets(value) for value in record.values()):
        return []
    text = record[text_key] if text_key else ""
    found = [
        key
        for key, value in record.items()
        if isinstance(value, list) and key != text_key and all(isinstance(item, str) for item in value)
    ]
    # Lists of anything else, such as tokens, tags or urls, are no entities of the text.
    named = [key for key in found if key.isupper()]
    held = [item in text for key in named for item in record[key]]
    return named if held and any(held) else []
