"""Where `predict` takes its texts from: plain text or JSONL, from files, the command line or stdin."""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from spacy_ner_plus.errors import Errors, UserError

TEXT_SUFFIXES = (".txt", ".text")
JSONL_SUFFIXES = (".jsonl", ".ndjson")
INPUT_FORMATS = ("auto", "text", "jsonl")


def check_input_format(input_format: str) -> None:
    """Refuse an unknown format of texts.

    RAISES (UserError): Where it is none of INPUT_FORMATS.
    """
    if input_format not in INPUT_FORMATS:
        values = {"value": input_format, "option": "input_format", "choices": ", ".join(INPUT_FORMATS)}
        raise UserError(Errors.E506.format(**values))


def read_texts(
    files: Iterable[str], texts: Iterable[str] = (), *, input_format: str = "auto", whole: bool = False
) -> Iterator[dict[str, Any]]:
    """Read texts one by one; lines without any text are passed over.

    files (Iterable[str]): Paths, '-' for stdin.
    texts (Iterable[str]): Texts given as such; they come first.
    input_format (str): 'text', 'jsonl', or 'auto' for by the file's name.
    whole (bool): Whether a file is one text, instead of one a line.
    YIELDS (dict[str, Any]): Records with `text`, and of JSONL their other keys.
    RAISES (UserError): Where a file or a line cannot be read.
    """
    for text in texts:
        yield {"text": text}
    for file in files:
        name = "stdin" if file == "-" else file
        jsonl = input_format == "jsonl" or (input_format == "auto" and file.lower().endswith(JSONL_SUFFIXES))
        if jsonl and whole:
            raise UserError(Errors.E505.format(path=name))
        with _open(file, name) as stream:
            if whole:
                text = stream.read()
                if text.strip():
                    yield {"text": text.removesuffix("\n")}
                continue
            for number, line in enumerate(stream, 1):
                if line.strip():
                    where = f"{name}:{number}"
                    yield _record(line, where) if jsonl else {"text": line.removesuffix("\n")}


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
def _open(file: str, name: str) -> Iterator[TextIO]:
    """Open a file or stdin as UTF-8, and turn what fails while it is read into one message."""
    try:
        if file == "-":
            # Not sys.stdin itself, whose encoding depends on the locale.
            stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig")
            yield stream
            stream.detach()
        else:
            with Path(file).open(encoding="utf-8-sig") as stream:
                yield stream
    except UnicodeDecodeError as error:
        raise UserError(Errors.E503.format(path=name, reason=error)) from error
    except OSError as error:
        raise UserError(Errors.E503.format(path=name, reason=error.strerror)) from error


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(Errors.E504.format(where=where, reason=error)) from error
    if not isinstance(record, dict):
        raise UserError(Errors.E504.format(where=where, reason=f"it is of type {type(record).__name__}"))
    if not isinstance(record.get("text"), str):
        reason = "'text' is no string" if "text" in record else "it has no 'text'"
        raise UserError(Errors.E504.format(where=where, reason=reason))
    return record
