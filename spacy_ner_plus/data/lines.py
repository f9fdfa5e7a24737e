"""The lines of a text file or of standard input, or one clear message why there are none."""

import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from spacy_ner_plus.errors import Errors, UserError

HEAD = 8192  # bytes that are looked at to refuse what is no text
MAGIC = {
    b"\x1f\x8b": ", a gzip file: unpack it first",
    b"PK\x03\x04": ", a zip file: unpack it first",
    b"PAR1": ", a parquet file",
    b"\xff\xfe": "; it looks like UTF-16 (--encoding utf-16)",
    b"\xfe\xff": "; it looks like UTF-16 (--encoding utf-16)",
}


class FileLines:
    """A file's lines, as often as they are asked for; only one is in memory at a time.

    name (str): For messages.
    number (int): The line that was read last, from 1.
    """

    def __init__(self, path: Path, encoding: str = "utf-8"):
        """Look at the beginning of the file.

        path (Path): The file.
        encoding (str): Its encoding; a byte-order mark is passed over.
        RAISES (UserError): A file that is unreadable, empty or binary, an unknown encoding.
        """
        self.path, self.name, self.number = path, str(path), 0
        self.encoding = _with_mark(encoding)
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise UserError(Errors.E101.format(path=path, reason=error.strerror or error)) from error
        _refuse_what_is_no_text(head, self.name, self.encoding)

    def __iter__(self) -> Iterator[str]:
        try:
            with self.path.open(encoding=self.encoding) as file:
                for self.number, line in enumerate(file, start=1):
                    yield line
        except OSError as error:
            raise UserError(Errors.E101.format(path=self.path, reason=error.strerror or error)) from error
        except UnicodeError as error:
            # Files are decoded in blocks, so the line is found in a second reading.
            place = f"{self.name}:{self._first_undecodable()}"
            raise UserError(
                Errors.E103.format(where=place, encoding=self.encoding.removesuffix("-sig"), reason=error)
            ) from error

    def peek(self, count: int) -> list[str]:
        """Look at the first lines.

        count (int): How many.
        RETURNS (list[str]): The lines.
        """
        return list(islice(self, count))

    def _first_undecodable(self) -> int:
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode(self.encoding)
                except UnicodeError:
                    return number
        return self.number + 1


class StreamLines:
    """The lines of a stream such as standard input, once.

    name (str): For messages.
    number (int): The line that was read last, from 1.
    """

    def __init__(self, stream: BinaryIO | None = None, encoding: str = "utf-8", name: str = "stdin"):
        """Begin to read.

        stream (BinaryIO): The stream, standard input where there is none.
        encoding (str): Its encoding; a byte-order mark is passed over.
        name (str): For messages.
        RAISES (UserError): A stream that is empty or binary, an unknown encoding.
        """
        self.name, self.number = name, 0
        self.encoding = _with_mark(encoding)
        self._raw: Iterator[bytes] = iter(sys.stdin.buffer if stream is None else stream)
        self._peeked: list[str] = []
        head = list(islice(self._raw, 20))
        _refuse_what_is_no_text(b"".join(head)[:HEAD], name, self.encoding)
        self._lines = self._decode(chain(head, self._raw))

    def _decode(self, raw: Iterator[bytes]) -> Iterator[str]:
        for number, line in enumerate(raw, start=1):
            try:
                # Only the first line has a byte-order mark.
                text = line.decode(self.encoding if number == 1 else self.encoding.removesuffix("-sig"))
            except UnicodeError as error:
                raise UserError(
                    Errors.E103.format(
                        where=f"{self.name}:{number}",
                        encoding=self.encoding.removesuffix("-sig"),
                        reason=error,
                    )
                ) from error
            yield text.rstrip("\r\n") + "\n"

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._peeked.pop(0) if self._peeked else next(self._lines)
        self.number += 1
        return line

    def peek(self, count: int) -> list[str]:
        """Look at the first lines, which stay to be read.

        count (int): How many.
        RETURNS (list[str]): The lines.
        """
        self._peeked += islice(self._lines, max(0, count - len(self._peeked)))
        return self._peeked[:count]


def _with_mark(encoding: str) -> str:
    """The encoding that passes over a byte-order mark."""
    try:
        "".encode(encoding)
    except LookupError as error:
        raise UserError(Errors.E129.format(encoding=encoding)) from error
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _refuse_what_is_no_text(head: bytes, name: str, encoding: str) -> None:
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise UserError(Errors.E102.format(path=name))
    if encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32")):
        return
    hint = next((hint for magic, hint in MAGIC.items() if head.startswith(magic)), "")
    if hint or b"\0" in head:
        raise UserError(Errors.E111.format(path=name, hint=hint))
