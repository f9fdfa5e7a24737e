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
from functools import partial
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.conll.whitespace import restore_spaces
from spacy_ner_plus.data.json_records import json_records
from spacy_ner_plus.data.offsets import annotate, text_to_doc
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import CharSpan

TEXT_KEYS = ("text", "data", "content", "sentence")
SPAN_KEYS = ("spans", "entities", "label", "labels", "ner", "annotations")
START_KEYS = ("start", "start_offset", "start_char", "begin")
END_KEYS = ("end", "end_offset", "end_char")
LABEL_KEYS = ("label", "entity_group", "type", "entity", "tag", "labels")
LEFT_OUT = {"reject": "rejected answer", "ignore": "ignored answer"}


def jsonl_to_docs(lines: Iterable[str], nlp: Language, *, issues: IssueLog, where: str) -> Iterator[Doc]:
    """Make a Doc of each record.

    A record without a key for spans becomes a Doc whose annotation is missing,
    which is not O, unless Prodigy's `answer` says that it was accepted so.

    nlp (Language): Tokenises the texts that come without tokens.
    issues (IssueLog): Where every loss and repair is counted.
    where (str): The file's name.
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
        make = partial(_words_to_doc, words) if _is_words(words) else partial(_text_to_doc, record)
        doc = make(nlp, issues, place)
        if doc is None:
            continue
        items = _find(record, SPAN_KEYS, list)
        if items is None:
            present = next((key for key in SPAN_KEYS if record.get(key) is not None), None)
            if present is not None:
                _refuse(record[present], issues, place)
            if present is not None or answer != "accept":
                issues.add("record without labels", doc.text[:60], place)
                yield doc
                continue
        spans = [span for item in items or () if (span := _read_span(item, issues, place))]
        if _is_words(words):
            spans = _by_character(doc, words, spans, issues, place)
        yield annotate(doc, spans, issues=issues, where=place)


def docs_to_jsonl(docs: Iterable[Doc]) -> Iterator[str]:
    """Write Docs in Prodigy's form, a record a line, with tokens.

    docs (Iterable[Doc]): Docs; one without annotation gets no key 'spans'.
    YIELDS (str): Lines.
    """
    for doc in docs:
        record: dict[str, Any] = {"text": doc.text}
        if doc.has_annotation("ENT_IOB"):
            record["spans"] = [
                {
                    "start": ent.start_char,
                    "end": ent.end_char,
                    "label": ent.label_,
                    "token_start": ent.start,
                    "token_end": ent.end - 1,
                }
                for ent in doc.ents
            ]
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


def _words_to_doc(words: list[str], nlp: Language, issues: IssueLog, where: str) -> Doc | None:
    """Make a Doc of tokens; empty ones, which a Doc can't hold, are left out."""
    kept = [word for word in words if word]
    if len(kept) < len(words):
        issues.add("empty token", " ".join(words)[:60], where, len(words) - len(kept))
    if not any(word.strip() for word in kept):
        issues.add("empty text", repr(" ".join(words)), where)
        return None
    spaces = [*restore_spaces(kept, nlp.lang)[:-1], False]
    return Doc(nlp.vocab, words=kept, spaces=spaces)


def _text_to_doc(record: dict[str, Any], nlp: Language, issues: IssueLog, where: str) -> Doc | None:
    text = _find(record, TEXT_KEYS, str)
    if text is None:
        keys = ", ".join((*TEXT_KEYS, "tokenized_text"))
        raise UserError(Errors.E151.format(where=where, keys=keys, found=", ".join(record) or "none"))
    doc = text_to_doc(text, nlp, issues=issues, where=where)
    tokens = record.get("tokens")
    if doc is None or not isinstance(tokens, list) or not tokens:
        return doc
    own = _tokens_to_doc(tokens, nlp)
    if own is None or own.text != doc.text:
        issues.add("tokens that do not make up the text", doc.text[:60], where)
        return doc
    return own


def _tokens_to_doc(tokens: list[Any], nlp: Language) -> Doc | None:
    """Make a Doc of Prodigy's tokens; without `ws` a gap between offsets is a space."""
    if not all(isinstance(token, dict) and isinstance(token.get("text"), str) for token in tokens):
        return None
    words = [token["text"] for token in tokens]
    spaces = []
    for token, after in zip(tokens, [*tokens[1:], {}], strict=True):
        end, start = token.get("end"), after.get("start")
        gap = isinstance(end, int) and isinstance(start, int) and start > end
        spaces.append(bool(token.get("ws", gap)))
    if not all(words):
        return None
    return Doc(nlp.vocab, words=words, spaces=spaces)


def _read_span(item: Any, issues: IssueLog, where: str) -> CharSpan | None:
    """Read one span in any spelling; the offsets are as written."""
    start = end = label = None
    if isinstance(item, list) and len(item) >= 3:
        start, end, label = item[:3]
    elif isinstance(item, dict):
        start, end, label = (
            next((item[key] for key in keys if key in item), None)
            for keys in (START_KEYS, END_KEYS, LABEL_KEYS)
        )
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    start, end = _as_int(start), _as_int(end)
    if start is None or end is None or not isinstance(label, str) or not label.strip():
        _refuse(item, issues, where)
        return None
    return CharSpan(start, end, label.strip())


def _as_int(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 else None


def _by_character(
    doc: Doc, words: list[str], spans: Iterable[CharSpan], issues: IssueLog, where: str
) -> list[CharSpan]:
    """Turn token offsets with inclusive ends into characters; `words` are as in the record."""
    # Where each word of the record lies; one that was left out lies nowhere.
    tokens = iter(doc)
    offsets = [
        (token.idx, token.idx + len(token)) if (token := word and next(tokens)) else None for word in words
    ]
    found = []
    for first, last, label in spans:
        is_inside = 0 <= first <= last < len(words)
        inside = [bounds for bounds in offsets[first : last + 1] if bounds] if is_inside else []
        if inside:
            found.append(CharSpan(inside[0][0], inside[-1][1], label))
        else:
            issues.add("misaligned span", f"{label} tokens {first} to {last}, dropped", where)
    return found


def _refuse(item: Any, issues: IssueLog, where: str) -> None:
    issues.add("label not understood", json.dumps(item, ensure_ascii=False)[:60], where)
