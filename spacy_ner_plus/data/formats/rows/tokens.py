"""`tokens`: JSON of tokens and their tags, as Hugging Face's scripts and many others have it.

    {"id": "0", "tokens": ["Ann", "left", "."], "ner_tags": ["B-PER", "O", "O"]}
    {"words": ["Ann", "left"], "labels": [1, 0]}                        with labels=O,B-PER
    {"text": "Ann left .", "tags": ["B-PER", "O", "O"]}
    {"sentence": "Ann left .", "tags": "B-PER O O"}
    {"data": {"words": ["Ann"], "ner": ["B-PER"]}}                      columns inside others
    {"tokens": [["Ann", "left"], ["Bye"]], "tags": [["B-PER", "O"], ["O"]]}    a document of sentences
    [["Ann", "B-PER"], ["left", "O"]]                                   pairs; a tag after other columns, too

JSON lines, an array, or objects in succession. Tags are strings in any scheme, or numbers: what they mean is
taken from the option `labels`, or from a `dataset_infos.json`, `dataset_info.json` or README.md beside the file. A
text keeps its spaces; a tag stands for each of its words, or of the tokens of its language, or of its characters,
whichever fits most rows. Tags that are null, or fewer or more than the tokens, are missing. What else stands in a
record is in the Doc's meta. Spans by token, as `[0, 1, "PER"]`, aren't read here.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    IDS,
    LIKELY,
    META,
    MISSING,
    TOKENS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.formats.rows.token_columns import TEXT_KEYS, TokenColumns, guess_token_columns, pick
from spacy_ner_plus.data.formats.rows.token_rows import TokenRowOptions, rows_to_records, spaces_in
from spacy_ner_plus.data.records.record import Record, record_of
from spacy_ner_plus.data.records.schemes import is_tag
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.label_names import names_beside
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import MISSING as MISSING_TAG
from spacy_ner_plus.spans import doc_to_tags

TOKEN, TAG = "tokens", "ner_tags"
BESIDE = (CERTAIN + LIKELY) / 2


class Tokens:
    """The format, as `formats/format.py` says."""

    name = "tokens"
    about = "JSON of tokens and tags: Hugging Face's `tokens` and `ner_tags`, and their like"
    endings = (".jsonl", ".json", ".ndjson")
    options = TokenRowOptions
    keeps = frozenset({TOKENS, MISSING, IDS, META})
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        rows = [_as_row(value) for value in source.head_values]
        if not rows or None in rows:
            return None
        columns = guess_token_columns(rows)
        if columns is None or _are_parts(rows, columns):
            return None
        # As many tags as tokens say more than the names of keys around them.
        return Sniff(LIKELY if columns.is_text else BESIDE, f"records with {columns}")

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return rows_to_records(
            lambda issues: _rows(source),
            reading.nlp,
            reading.options,
            issues=reading.issues,
            notes=reading.notes,
            where=source.name,
            names=lambda column: names_beside(source.path, column),
        )

    def write(self, docs: Iterable[Doc], path: Path, options: TokenRowOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for doc in docs:
                file.write(json.dumps(_row_of(doc), ensure_ascii=False) + "\n")


TOKENS_FORMAT = Tokens()


def _rows(source: Source) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, value in json_records(source.lines, source.name):
        row = _as_row(value)
        if row is None:
            raise UserError(Errors.E152.format(where=f"{source.name}:{number}", found=json.dumps(value)[:60]))
        yield number, row


def _as_row(value: Any) -> Mapping[str, Any] | None:
    """Read pairs of token and tag as a row as well; None where it is neither."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list) or not value or not all(_is_tagged_token(pair) for pair in value):
        return None
    return {TOKEN: [pair[0] for pair in value], TAG: [pair[-1] for pair in value]}


def _are_parts(rows: Sequence[Mapping[str, Any]], columns: TokenColumns) -> bool:
    """Whether tokens are some of a text beside them, as language models write them: `bio-json` finds their places."""
    beside = [
        (row[key], [str(token) for token in pick(row, columns.token) or ()])
        for row in rows
        for key in TEXT_KEYS
        if isinstance(row.get(key), str) and not columns.is_text
    ]
    in_text = [(text, tokens) for text, tokens in beside if all(token in text for token in tokens)]
    return bool(in_text) and not any(spaces_in(text, tokens) for text, tokens in in_text)


def _is_tagged_token(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) < 2 or not all(isinstance(part, str) for part in pair):
        return False
    return is_tag(pair[-1])


def _row_of(doc: Doc) -> dict[str, Any]:
    known = record_of(doc)
    row: dict[str, Any] = {"id": known["id"]} if known["id"] else {}
    row[TOKEN] = [token.text for token in doc]
    if doc.has_annotation("ENT_IOB"):
        row[TAG] = [None if tag == MISSING_TAG else tag for tag in doc_to_tags(doc)]
    return {**row, **{key: value for key, value in known["meta"].items() if key not in row}}
