"""`spacy-json`: what spaCy's `Doc.to_json()` gives, in JSON lines, an array or one object.

    {"text": "Ann left", "ents": [{"start": 0, "end": 3, "label": "PER"}], "tokens": [{"id": 0, "start": 0, "end": 3},
     {"id": 1, "start": 4, "end": 8}], "sents": [{"start": 0, "end": 8}], "spans": {"sc": [...]}, "_": {...}}

Beside what is spaCy's own, stretches of the text that aren't annotated stand under `missing`, as [start, end]. The
spans of the group `sc` stand beside the entities. Other groups, values under `_`, `cats`, and what the tokens say
beside their places are kept as meta, under their own names. `spans_key` names another group to read.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    IDS,
    LIKELY,
    META,
    MISSING,
    NESTED,
    SCORES,
    SENTENCES,
    SPACES,
    SPAN_IDS,
    TOKENS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.parsing.missing_ranges import ENTS, ERROR, read_missing
from spacy_ner_plus.data.parsing.missing_ranges import MISSING as MISSING_KEY
from spacy_ner_plus.data.parsing.offset_spans import read_spans
from spacy_ner_plus.data.parsing.record_keys import id_of, meta_of
from spacy_ner_plus.data.parsing.token_objects import read_tokens
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.record import SPANS_KEY, Record, record_of, spans_of
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings
from spacy_ner_plus.spans import missing_ranges

OWN_KEYS = frozenset({"text", "ents", "tokens", "sents", "spans"})
PLACE = frozenset({"id", "start", "end"})
SHAPES = "`ents`, or a group under `spans`, with start, end and label"


@settings
class SpacyJsonOptions(TextOptions):
    """How what `Doc.to_json` gave is read."""

    spans_key: str = setting("The group of spans that is read beside the entities.", SPANS_KEY)


class SpacyJson:
    """The format, as `formats/format.py` says."""

    name = "spacy-json"
    about = "spaCy's Doc.to_json(): text, ents, sents, tokens and groups of spans"
    endings = (".jsonl", ".json")
    options = SpacyJsonOptions
    keeps = frozenset({TOKENS, SENTENCES, SPACES, NESTED, MISSING, IDS, META, SPAN_IDS, SCORES})
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        for record in source.head_records:
            if not isinstance(record.get("text"), str):
                continue
            tokens = record.get("tokens")
            first = tokens[0] if isinstance(tokens, list) and tokens else None
            if isinstance(first, dict) and first.keys() >= PLACE and not first.keys() & {"text", "ws"}:
                return Sniff(CERTAIN, "records with spaCy's `tokens` that have `id`, `start` and `end`")
            ents = record.get("ents")
            if isinstance(ents, list) and ents and isinstance(ents[0], dict):
                return Sniff(LIKELY, "records with spaCy's `ents`")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(
            lambda issues, notes: marked_texts(source, reading.options.spans_key, issues), source, SHAPES
        )

    def write(self, docs: Iterable[Doc], path: Path, options: SpacyJsonOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for doc in docs:
                file.write(json.dumps(to_record(doc, options.spans_key), ensure_ascii=False) + "\n")


SPACY_JSON = SpacyJson()


def marked_texts(source: Source, spans_key: str, issues: IssueLog) -> Iterator[MarkedText]:
    """Read Docs.

    RAISES (UserError): What is no JSON, or has no text.
    """
    for number, record in json_records(source.lines, source.name):
        where = f"{source.name}:{number}"
        if not isinstance(record, dict):
            raise UserError(Errors.E152.format(where=where, found=json.dumps(record)[:60]))
        if not isinstance(record.get("text"), str):
            raise UserError(Errors.E151.format(where=where, keys="text", found=", ".join(record) or "none"))
        marked = MarkedText(record["text"], where)
        id_key, marked.id = id_of(record)
        marked.meta = meta_of(record, [*OWN_KEYS, id_key if id_key == "id" else None])
        _read_tokens(record, marked, issues)
        groups = record.get("spans") if isinstance(record.get("spans"), dict) else {}
        others = {key: value for key, value in groups.items() if key != spans_key}
        if others:
            marked.meta["spans"] = others
        inner = groups.get(spans_key)
        if record.get(ENTS) is not None:
            marked.spans = read_spans(_without_empty(record[ENTS]), marked, issues)
            read_missing(record, ENTS, marked, issues)
        if inner is not None:
            # Ids and scores of entities stand in the group.
            spans = read_spans(_without_empty(inner), marked, issues)
            known = {(span.start, span.end, span.label) for span in spans}
            marked.spans = spans + [
                span for span in marked.spans or () if (span.start, span.end, span.label) not in known
            ]
        if marked.spans is None:
            check_no_annotation(record, [*OWN_KEYS, "cats", "_"], where, issues, marked.text)
        yield marked


def to_record(doc: Doc, spans_key: str = SPANS_KEY) -> dict[str, Any]:
    """Write a Doc as `Doc.to_json` does, with the ids and scores of spans, and what else is known of it.

    What tokens said beside their places, and values under `_`, are taken from the meta they were read into.
    """
    known = record_of(doc)
    meta = dict(known["meta"])
    record: dict[str, Any] = {"text": doc.text}
    if known["id"]:
        record["id"] = known["id"]
    annotated = doc.has_annotation("ENT_IOB")
    if annotated:
        record[ENTS] = [_span(ent) for ent in doc.ents]
        missing = missing_ranges(doc)
        # An empty list says that an error of which the meta tells is of an earlier state.
        if missing or meta.get(ERROR):
            record[MISSING_KEY] = missing
    if doc.has_annotation("SENT_START"):
        record["sents"] = [{"start": sent.start_char, "end": sent.end_char} for sent in doc.sents]
    record["tokens"] = [{"id": token.i, "start": token.idx, "end": token.idx + len(token)} for token in doc]
    said = meta.get("tokens")
    if isinstance(said, list) and len(said) == len(doc) and all(isinstance(values, dict) for values in said):
        record["tokens"] = [values | place for values, place in zip(said, record["tokens"], strict=True)]
        del meta["tokens"]
    groups = meta.get("spans")
    groups = dict(meta.pop("spans")) if isinstance(groups, dict) and spans_key not in groups else {}
    if annotated:
        groups[spans_key] = [
            _span(span) | {"kb_id": span.kb_id_} | ({} if score is None else {"score": score})
            for span, score in spans_of(doc)
        ]
    if groups:
        record["spans"] = groups
    # What would be taken for something else keeps its name below `meta`.
    hidden = {key: value for key, value in meta.items() if key in record or key in (*OWN_KEYS, "id", "meta")}
    beside = {key: value for key, value in meta.items() if key not in hidden}
    return record | beside | ({"meta": hidden} if hidden else {})


def _span(span: Any) -> dict[str, Any]:
    written = {"start": span.start_char, "end": span.end_char, "label": span.label_}
    return written | ({"id": span.id_} if span.id_ else {}) | ({"kb_id": span.kb_id_} if span.kb_id_ else {})


def _read_tokens(record: dict[str, Any], marked: MarkedText, issues: IssueLog) -> None:
    tokens = record.get("tokens")
    read_tokens(tokens, marked, issues)
    if marked.words is None:
        return
    starts = [token["start"] for token in tokens]
    marked.spaces = [
        marked.text[token["end"] : token["end"] + 1] == " " and after > token["end"]
        for token, after in zip(tokens, [*starts[1:], len(marked.text)], strict=True)
    ]
    said = [{key: value for key, value in token.items() if key not in PLACE} for token in tokens]
    if any(said):
        marked.meta["tokens"] = said
    sents = record.get("sents")
    if isinstance(sents, list):
        marked.sentence_starts = [
            sent["start"] for sent in sents if isinstance(sent, dict) and "start" in sent
        ]


def _without_empty(spans: Any) -> Any:
    """Leave out what spaCy writes although it is empty."""
    if not isinstance(spans, list):
        return spans
    return [
        {key: value for key, value in span.items() if key != "kb_id" or value}
        if isinstance(span, dict)
        else span
        for span in spans
    ]
