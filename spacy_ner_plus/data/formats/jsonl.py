"""`jsonl`: a text and its entities by offset, in the spellings that tools have.

    Prodigy   {"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}], "answer": "accept"}
    spaCy 2   ["Ann left", {"entities": [[0, 3, "PER"]]}]
    doccano   {"text": "Ann left", "label": [[0, 3, "PER"]]}
    GLiNER    {"tokenized_text": ["Ann", "left"], "ner": [[0, 0, "PER"]]}

Offsets count characters (code points) and ends are exclusive; GLiNER's count
tokens and its ends are inclusive. Prodigy's `tokens` keep their boundaries. The
records may also stand in an array.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.formats.format import (
    IDS,
    META,
    NESTED,
    POSSIBLE,
    SCORES,
    SPACES,
    SPAN_IDS,
    TOKENS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.record import Record, record_of, spans_of
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.data.records.whitespace import restore_spaces
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

TEXT_KEYS = ("text", "data", "content", "sentence")
SPAN_KEYS = ("spans", "entities", "label", "labels", "ner", "annotations")
START_KEYS = ("start", "start_offset", "start_char", "begin")
END_KEYS = ("end", "end_offset", "end_char")
LABEL_KEYS = ("label", "entity_group", "type", "entity", "tag", "labels")
LEFT_OUT = {"reject": "rejected answer", "ignore": "ignored answer"}
SHAPES = "a list of spans with start, end and label under " + ", ".join(SPAN_KEYS)


class Jsonl:
    """The format, as `formats/format.py` says."""

    name = "jsonl"
    about = "JSON lines, or an array, of texts with entities by offset, as many tools write them"
    endings = (".jsonl", ".ndjson")
    options = TextOptions
    keeps = frozenset({TOKENS, SPACES, NESTED, IDS, META, SPAN_IDS, SCORES})
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        for value in source.head_values:
            if _has_offsets(value):
                return Sniff(POSSIBLE, "records with spans by offset")
        if any(isinstance(record.get("text"), str) for record in source.head_records):
            return Sniff(POSSIBLE / 4, "records with a text")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return texts_to_records(
            lambda issues, notes: marked_texts(
                source.lines, reading.nlp.lang, issues=issues, where=source.name
            ),
            reading.nlp,
            reading.options,
            issues=reading.issues,
            notes=reading.notes,
            where=source.name,
            shapes=SHAPES,
        )

    def write(self, docs: Iterable[Doc], path: Path, options: TextOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(docs_to_jsonl(docs))


JSONL = Jsonl()


def jsonl_to_docs(lines: Iterable[str], nlp: Language, *, issues: IssueLog, where: str) -> Iterator[Doc]:
    """Make a Doc of each record.

    lines (Iterable[str]): The file's lines, which are read twice.
    nlp (Language): Tokenises the texts that come without tokens.
    issues (IssueLog): Where every loss and repair is counted.
    where (str): The file's name.
    RAISES (UserError): What is no JSON, or a record without a text.
    """
    lines = list(lines)
    records = texts_to_records(
        lambda log, notes: marked_texts(lines, nlp.lang, issues=log, where=where),
        nlp,
        TextOptions(),
        issues=issues,
        notes=[],
        where=where,
        shapes=SHAPES,
    )
    return (record.doc for record in records)


def marked_texts(lines: Iterable[str], lang: str, *, issues: IssueLog, where: str) -> Iterator[MarkedText]:
    """Read records.

    A record without a key for spans isn't annotated, unless Prodigy's `answer` says that it was accepted so.

    lang (str): Language code, by which words get their spaces.
    RAISES (UserError): What is no JSON, or a record without a text.
    """
    for number, value in json_records(lines, where):
        place = f"{where}:{number}"
        record = _as_object(value, place)
        answer = record.get("answer")
        if isinstance(answer, str) and answer in LEFT_OUT:
            issues.add(LEFT_OUT[answer], str(_find(record, TEXT_KEYS, str))[:60], place)
            continue
        words = record.get("tokenized_text")
        marked = (
            _of_words(words, lang, issues, place) if _is_words(words) else _of_text(record, issues, place)
        )
        items = _find(record, SPAN_KEYS, list)
        if items is None:
            present = next((key for key in SPAN_KEYS if record.get(key) is not None), None)
            if present is not None:
                _refuse(record[present], marked, issues)
            elif answer == "accept":
                marked.spans = []
            else:
                check_no_annotation(record, SPAN_KEYS, place, issues, marked.text)
            yield marked
            continue
        spans = [span for item in items if (span := _read_span(item, marked, issues))]
        marked.spans = _by_character(words, spans, marked, issues) if _is_words(words) else spans
        yield marked


def docs_to_jsonl(docs: Iterable[Doc]) -> Iterator[str]:
    """Write Docs in Prodigy's form, a record a line, with tokens.

    docs (Iterable[Doc]): Docs; one without annotation gets no key 'spans'.
    YIELDS (str): Lines.
    """
    for doc in docs:
        record: dict[str, Any] = {"text": doc.text}
        known = record_of(doc)
        if known["id"]:
            record["id"] = known["id"]
        if known["meta"]:
            record["meta"] = known["meta"]
        if doc.has_annotation("ENT_IOB"):
            record["spans"] = [_span_to_dict(span, score) for span, score in spans_of(doc)]
        record["tokens"] = [
            {
                "text": token.text,
                "start": token.idx,
                "end": token.idx + len(token),
                "id": token.i,
                "ws": bool(token.whitespace_),
            }
            for token in doc
        ]
        yield json.dumps(record, ensure_ascii=False) + "\n"


def _span_to_dict(span: Span, score: float | None) -> dict[str, Any]:
    written = {
        "start": span.start_char,
        "end": span.end_char,
        "label": span.label_,
        "token_start": span.start,
        "token_end": span.end - 1,
    }
    if span.id_:
        written["id"] = span.id_
    if score is not None:
        written["score"] = score
    return written


def _as_object(value: Any, where: str) -> dict[str, Any]:
    """Read spaCy 2's pair of a text and its annotation as one object."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        if isinstance(value[1], dict):
            return {**value[1], "text": value[0]}
        if isinstance(value[1], list):
            return {"text": value[0], "entities": value[1]}
    raise UserError(Errors.E152.format(where=where, found=json.dumps(value)[:60]))


def _find(record: dict[str, Any], keys: Iterable[str], kind: type) -> Any:
    return next((record[key] for key in keys if isinstance(record.get(key), kind)), None)


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _of_words(words: list[str], lang: str, issues: IssueLog, where: str) -> MarkedText:
    """Read tokens; empty ones, which a Doc can't hold, are left out."""
    kept = [word for word in words if word]
    if len(kept) < len(words):
        issues.add("empty token", " ".join(words)[:60], where, len(words) - len(kept))
    spaces = [*restore_spaces(kept, lang)[:-1], False] if kept else []
    text = "".join(word + " " * space for word, space in zip(kept, spaces, strict=True))
    return MarkedText(text, where, words=kept, spaces=spaces)


def _of_text(record: dict[str, Any], issues: IssueLog, where: str) -> MarkedText:
    text = _find(record, TEXT_KEYS, str)
    if text is None:
        keys = ", ".join((*TEXT_KEYS, "tokenized_text"))
        raise UserError(Errors.E151.format(where=where, keys=keys, found=", ".join(record) or "none"))
    marked = MarkedText(text, where)
    tokens = record.get("tokens")
    if isinstance(tokens, list) and tokens:
        if not all(isinstance(token, dict) and isinstance(token.get("text"), str) for token in tokens):
            issues.add("tokens that do not make up the text", text[:60], where)
            return marked
        marked.words = [token["text"] for token in tokens]
        marked.spaces = _spaces(tokens)
    return marked


def _spaces(tokens: list[dict[str, Any]]) -> list[bool]:
    """Read which of Prodigy's tokens a space follows; without `ws` a gap between offsets is one."""
    spaces = []
    for token, after in zip(tokens, [*tokens[1:], {}], strict=True):
        end, start = token.get("end"), after.get("start")
        gap = isinstance(end, int) and isinstance(start, int) and start > end
        spaces.append(bool(token.get("ws", gap)))
    return spaces


def _read_span(item: Any, marked: MarkedText, issues: IssueLog) -> MarkedSpan | None:
    """Read one span in any spelling; the offsets are as written."""
    start = end = label = text = None
    if isinstance(item, list) and len(item) >= 3:
        start, end, label = item[:3]
    elif isinstance(item, dict):
        start, end, label = (
            next((item[key] for key in keys if key in item), None)
            for keys in (START_KEYS, END_KEYS, LABEL_KEYS)
        )
        text = item["text"] if isinstance(item.get("text"), str) else None
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    start, end = _as_int(start), _as_int(end)
    if start is None or end is None or not isinstance(label, str) or not label.strip():
        _refuse(item, marked, issues)
        return None
    return MarkedSpan(start, end, label.strip(), text)


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 else None


def _by_character(
    words: list[str], spans: Iterable[MarkedSpan], marked: MarkedText, issues: IssueLog
) -> list[MarkedSpan]:
    """Turn token offsets with inclusive ends into characters; `words` are as in the record."""
    # Where each word of the record lies; one that was left out lies nowhere.
    places: list[tuple[int, int] | None] = []
    at = 0
    kept = iter(marked.spaces or ())
    for word in words:
        places.append((at, at + len(word)) if word else None)
        at += len(word) + bool(word and next(kept))
    found = []
    for span in spans:
        is_inside = 0 <= span.start <= span.end < len(words)
        inside = [bounds for bounds in places[span.start : span.end + 1] if bounds] if is_inside else []
        if inside:
            found.append(MarkedSpan(inside[0][0], inside[-1][1], span.label))
        else:
            text = f"{span.label} tokens {span.start} to {span.end}, dropped"
            issues.add("misaligned span", text, marked.where)
            marked.unread.append(text)
    return found


def _refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    shown = json.dumps(item, ensure_ascii=False)[:60]
    issues.add("label not understood", shown, marked.where)
    marked.unread.append(shown)


def _has_offsets(record: Any) -> bool:
    """Whether a record's entities are given by offset."""
    if isinstance(record, list):  # ["text", {"entities": [...]}], as of spaCy 2
        return len(record) == 2 and isinstance(record[1], dict) and "entities" in record[1]
    if not isinstance(record, dict):
        return False
    if "tokenized_text" in record or "spans" in record:
        return True
    for key in SPAN_KEYS:
        for item in record.get(key) or () if isinstance(record.get(key), list) else ():
            if isinstance(item, dict) and any(name.startswith("start") or name == "begin" for name in item):
                return True
            if isinstance(item, list) and len(item) == 3 and isinstance(item[0], int):
                return True
    return False
