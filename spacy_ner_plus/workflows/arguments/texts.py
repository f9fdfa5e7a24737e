"""Where `predict` takes its texts from: plain text, JSONL or a table, from files, the command line or stdin."""

import io
import json
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from spacy_ner_plus.data.sources.lines import HEAD, why_no_text, with_mark
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.json_keys import unique_keys
from spacy_ner_plus.workflows.arguments.text_tables import BLANK, TABLE_SUFFIXES, read_text_table

TEXT_SUFFIXES = (".txt", ".text")
JSONL_SUFFIXES = (".jsonl", ".ndjson")
# Files with texts, none of which is one a line.
OTHER_SUFFIXES = frozenset(
    (
        *(".json", ".xml", ".yaml", ".yml", ".rtf", ".pdf", ".doc", ".docx", ".odt"),
        *(".xls", ".xlsx", ".xlsm", ".ods", ".sqlite", ".db", ".parquet", ".arrow", ".feather", ".pkl"),
        *(".spacy", ".conll", ".conllu", ".iob", ".bio", ".ann"),
        *(".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz"),
    )
)
INPUT_FORMATS = ("auto", "text", "jsonl", "csv")
TEXT = "text"
BLANK_FILE = "file of blank lines, passed over"


class TextRecord(NamedTuple):
    """A text, and what was read with it.

    text (str): The text.
    fields (dict[str, Any]): The whole row or JSON object, the text among it.
    """

    text: str
    fields: dict[str, Any]


@dataclass
class TableShape:
    """What the first table that is read looks like, filled in before its first row is.

    delimiter (str): What stands between cells; '' as long as there was no table.
    columns (tuple[str, ...]): The names of its columns.
    """

    delimiter: str = ""
    columns: tuple[str, ...] = ()


def check_input_format(input_format: str) -> None:
    """Refuse an unknown format of texts.

    RAISES (UserError): Where it is none of INPUT_FORMATS.
    """
    if input_format not in INPUT_FORMATS:
        values = {"value": input_format, "option": "input_format", "choices": ", ".join(INPUT_FORMATS)}
        raise UserError(Errors.E506.format(**values))


def read_texts(
    files: Iterable[str],
    texts: Iterable[str] = (),
    *,
    input_format: str = "auto",
    whole: bool = False,
    text_column: str | None = None,
    encoding: str | None = None,
    shape: TableShape | None = None,
    blank_lines: bool = False,
    issues: IssueLog | None = None,
) -> Iterator[TextRecord]:
    """Read texts one by one; blank lines are passed over, but for cells of a table's one column.

    files (Iterable[str]): Paths, '-' for stdin.
    texts (Iterable[str]): Texts given as such; they come first.
    input_format (str): 'text', 'jsonl', 'csv' for tables with any delimiter, or 'auto' for by the file's name.
    whole (bool): Whether a file is one text, instead of one a line.
    text_column (str | None): The column of a table, or the key of JSONL, that has the texts. Default: 'text' of JSONL,
        and of a table the first whose name is one that texts have.
    encoding (str | None): Of files and stdin, where it can be given. Default: UTF-8.
    shape (TableShape): Where the shape of the first table is filled in. Default: nowhere.
    blank_lines (bool): Whether blank lines of text and JSONL are texts, too, so that each line has its text.
        Default: False.
    issues (IssueLog): Where lines that are passed over are counted. Default: nowhere.
    RAISES (UserError): Where a file, a line or a row cannot be read, or isn't text.
    """
    for text in texts:
        yield TextRecord(text, {TEXT: text})
    for file in files:
        name = "stdin" if file == "-" else file
        kind = _kind(file, input_format)
        if whole and kind != "text":
            raise UserError(Errors.E505.format(path=name))
        if text_column is not None and kind == "text":
            raise UserError(Errors.E785.format(path=name, column=text_column))
        with _open(file, name, encoding, line_ends=kind == "csv") as stream:
            if whole:
                text = stream.read()
                if not text.strip() and not blank_lines:
                    _count(BLANK_FILE, name, name, issues)
                else:
                    text = text.removesuffix("\n")
                    yield TextRecord(text, {TEXT: text})
            elif kind == "csv":
                found, rows = read_text_table(stream, name, text_column, issues)
                if shape is not None and not shape.columns:
                    shape.delimiter, shape.columns = found.delimiter, found.columns
                for _, row in rows:
                    yield TextRecord(row[found.text], dict(row))
            else:
                for number, line in enumerate(stream, 1):
                    if not line.strip():
                        if blank_lines:
                            yield TextRecord(line.removesuffix("\n"), {TEXT: line.removesuffix("\n")})
                        else:
                            _count(BLANK, name, f"{name}:{number}", issues)
                        continue
                    if kind == "jsonl":
                        yield _record(line, f"{name}:{number}", text_column or TEXT)
                    else:
                        text = line.removesuffix("\n")
                        yield TextRecord(text, {TEXT: text})


def _count(kind: str, name: str, where: str, issues: IssueLog | None) -> None:
    if issues is not None:
        issues.add(kind, name, where)


def _kind(file: str, input_format: str) -> str:
    """RETURNS (str): 'text', 'jsonl' or 'csv'.
    RAISES (UserError): A file that isn't text by its ending, where nobody says that it is.
    """
    if input_format != "auto":
        return input_format
    name = file.lower()
    ending = Path(name).suffix
    if ending in OTHER_SUFFIXES:
        raise UserError(Errors.E843.format(path=file, ending=ending))
    return "jsonl" if name.endswith(JSONL_SUFFIXES) else "csv" if name.endswith(TABLE_SUFFIXES) else "text"


def has_texts(file: str) -> bool:
    """RETURNS (bool): Whether `read_texts` is what reads a file: stdin, plain text, or JSONL with 'text'."""
    if file == "-" or file.lower().endswith(TEXT_SUFFIXES):
        return True
    if not file.lower().endswith(JSONL_SUFFIXES) or not Path(file).is_file():
        return False
    with _open(file, file) as stream:
        line = next(filter(str.strip, stream), "")
    try:
        return isinstance(json.loads(line).get("text"), str)
    except (ValueError, AttributeError):
        return False


@contextmanager
def _open(file: str, name: str, encoding: str | None = None, *, line_ends: bool = False) -> Iterator[TextIO]:
    """Open a file or stdin, and turn what fails while it is read into one message.

    encoding (str | None): Its encoding; a byte-order mark is passed over. None for UTF-8, and for a message that
        names no other.
    line_ends (bool): Whether lines keep the ends that they have, as csv needs them.
    """
    if file != "-" and Path(file).is_dir():
        raise UserError(Errors.E844.format(path=name))
    newline = "" if line_ends else None
    marked = with_mark(encoding or "utf-8")
    try:
        if file == "-":
            # Not sys.stdin itself, whose encoding depends on the locale.
            given = sys.stdin.buffer
            raw = given if isinstance(given, io.BufferedReader) else io.BufferedReader(given)
            _check_text(raw, name, marked)
            stream = io.TextIOWrapper(raw, encoding=marked, newline=newline)
            yield stream
            stream.detach()
            if raw is not given:
                raw.detach()
        else:
            with Path(file).open("rb") as raw:
                _check_text(raw, name, marked)
                with io.TextIOWrapper(raw, encoding=marked, newline=newline) as stream:
                    yield stream
    except UnicodeError as error:
        if encoding is None:
            raise UserError(Errors.E503.format(path=name, reason=error)) from error
        raise UserError(Errors.E103.format(where=name, encoding=encoding, reason=error)) from error
    except OSError as error:
        raise UserError(Errors.E503.format(path=name, reason=error.strerror)) from error


def _check_text(raw: io.BufferedReader, name: str, encoding: str) -> None:
    """Look at the first bytes of a file or stream, without taking them.

    RAISES (UserError): Where they aren't text in this encoding, although they may decode in it.
    """
    hint = why_no_text(raw.peek(HEAD)[:HEAD], encoding)
    if hint is not None:
        raise UserError(Errors.E836.format(path=name, hint=hint))


def _record(line: str, where: str, key: str) -> TextRecord:
    def refuse(reason: object) -> UserError:
        return UserError(Errors.E504.format(where=where, key=key, reason=reason))

    try:
        record = json.loads(line, object_pairs_hook=unique_keys, parse_float=_number)
    except ValueError as error:
        raise refuse(error) from error
    if not isinstance(record, dict):
        raise refuse(f"it is of type {type(record).__name__}")
    if not isinstance(record.get(key), str):
        raise refuse(f"'{key}' is no string" if key in record else f"it has no '{key}'")
    if "\\u" in line:
        try:
            json.dumps(record, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise refuse("it has one half of a character that takes two (a lone surrogate)") from error
    return TextRecord(record[key], record)


def _number(digits: str) -> float:
    """RAISES (ValueError): A number that would be written as Infinity, which isn't JSON."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:40]} is too large")
    return number
