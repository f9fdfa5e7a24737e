"""`gliner`: records that GLiNER is trained on, in JSON (an array) or JSON lines.

    {"tokenized_text": ["Ann", "Lee", "left", "."], "ner": [[0, 1, "PER"]]}
    {"tokenized_text": ["Ann", "Lee", "left", "."], "ner": [["Ann Lee", "PER"]]}

Spans count tokens, and their ends are inclusive; where a text is given in place of numbers, it is found among the
tokens. The white space of a text isn't kept there: it is restored by rule. Other keys, such as `ner_labels`, `label` or
`negatives`, are kept.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    IDS,
    META,
    NESTED,
    TOKENS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.parsing.mentions import place_mentions
from spacy_ner_plus.data.parsing.offset_spans import OTHER_SPANS, SPAN_KEYS, has_offsets, read_spans
from spacy_ner_plus.data.parsing.record_keys import id_of
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import Record, record_of, spans_of
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.data.records.whitespace import restore_spaces
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

TEXT_KEYS = ("tokenized_text", "tokens")
SPANS = "ner"
# Lists of labels, not of spans.
KNOWN = (*TEXT_KEYS, SPANS, "label", "labels", "ner_labels", "negatives", "ner_negatives", "ner_negative")
SHAPES = "`ner` with [first token, last token, label] or [text, label]"


@settings
class GlinerOptions:
    """How token spans are read."""

    restore_whitespace: bool = setting(
        "Whether tokens get spaces by rule for the language; without, one is set between any two.", True
    )


class Gliner:
    """The format, as `formats/format.py` says."""

    name = "gliner"
    about = "GLiNER's training records: tokens, and spans by the numbers of their first and last token"
    endings = (".json", ".jsonl")
    options = GlinerOptions
    keeps = frozenset({TOKENS, NESTED, IDS, META})
    writes = True
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        for record in source.head_records:
            if _are_texts(record.get("tokenized_text")):
                return Sniff(CERTAIN, "records with `tokenized_text`")
            if _are_texts(record.get("tokens")) and _has_token_spans(record.get(SPANS)):
                return Sniff(CERTAIN, "records with `tokens`, and `ner` by the numbers of tokens")
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

    def write(self, docs: Iterable[Doc], path: Path, options: GlinerOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            opening = "[\n"
            for doc in docs:
                file.write(opening + json.dumps(to_record(doc), ensure_ascii=False))
                opening = ",\n"
            file.write("[]\n" if opening == "[\n" else "\n]\n")


GLINER = Gliner()


def marked_texts(source: Source, reading: Reading, issues: IssueLog) -> Iterator[MarkedText]:
    """Read records.

    RAISES (UserError): What is no JSON, or a record without tokens.
    """
    for number, record in json_records(source.lines, source.name):
        where = f"{source.name}:{number}"
        if not isinstance(record, dict):
            raise UserError(Errors.E152.format(where=where, found=json.dumps(record)[:60]))
        key = next((key for key in TEXT_KEYS if _are_texts(record.get(key))), None)
        if key is None:
            found = ", ".join(record) or "none"
            raise UserError(Errors.E151.format(where=where, keys=", ".join(TEXT_KEYS), found=found))
        words = record[key]
        lang = reading.nlp.lang if reading.options.restore_whitespace else ""
        marked = _of_words(words, lang, where, issues)
        id_key, marked.id = id_of(record)
        id_key = id_key if id_key == "id" else None
        marked.meta = {name: value for name, value in record.items() if name not in (key, SPANS, id_key)}
        items = record.get(SPANS)
        if items is None:
            check_no_annotation(record, KNOWN, where, issues, marked.text)
        elif isinstance(items, list) and items and all(map(_is_mention, items)):
            place_mentions([(item[0], item[1]) for item in items], marked, reading.nlp, issues)
        else:
            marked.spans = by_character(words, read_spans(items, marked, issues), marked, issues)
        for other in SPAN_KEYS if items is not None else ():
            if other != SPANS and has_offsets(record.get(other)) and record[other] != items:
                issues.add(
                    OTHER_SPANS, f"{other!r} beside {SPANS!r}: {json.dumps(record[other])[:60]}", where
                )
                marked.partial = True
        yield marked


def by_character(
    words: Sequence[str], spans: Iterable[MarkedSpan], marked: MarkedText, issues: IssueLog
) -> list[MarkedSpan]:
    """Turn spans of tokens with inclusive ends into spans of characters.

    words (Sequence[str]): The tokens as the record has them, empty ones among them.
    """
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
            found.append(MarkedSpan(inside[0][0], inside[-1][1], span.label, span.text, span.id, span.score))
        else:
            text = f"{span.label} tokens {span.start} to {span.end}, dropped"
            issues.add("misaligned span", text, marked.where)
            marked.unread.append(text)
    return found


def to_record(doc: Doc) -> dict[str, Any]:
    """Write a Doc as a record; white space isn't among the tokens."""
    known = record_of(doc)
    words = [token for token in doc if not token.is_space]
    numbers = {token.i: number for number, token in enumerate(words)}
    record: dict[str, Any] = {"tokenized_text": [token.text for token in words]}
    if doc.has_annotation("ENT_IOB"):
        record[SPANS] = []
        for span, _ in spans_of(doc):
            inside = [numbers[token.i] for token in span if token.i in numbers]
            if inside:
                record[SPANS].append([inside[0], inside[-1], span.label_])
    if known["id"]:
        record["id"] = known["id"]
    return record | {key: value for key, value in known["meta"].items() if key not in record}


def _of_words(words: Sequence[str], lang: str, where: str, issues: IssueLog) -> MarkedText:
    """Join tokens to a text; empty ones, which a Doc can't hold, are left out."""
    kept = [word for word in words if word]
    if len(kept) < len(words):
        issues.add("empty token", " ".join(words)[:60], where, len(words) - len(kept))
    spaces = restore_spaces(kept, lang) if lang else [True] * len(kept)
    spaces = [*spaces[:-1], False] if kept else []
    text = "".join(word + " " * space for word, space in zip(kept, spaces, strict=True))
    return MarkedText(text, where, words=kept, spaces=spaces)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _has_token_spans(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(item, list) and len(item) == 3 and isinstance(item[0], int) and isinstance(item[1], int)
        for item in value
    )


def _is_mention(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item)
