"""The lines of a text file or of standard input, or one clear message why there are none."""

import io
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from spacy_ner_plus.errors import Errors, UserError

HEAD = 8192  # bytes that are looked at to refuse what is no text
MAGIC = {
    b"\x1f\x8b": ", a gzip file: unpack it first",
    b"PK\x03\x04": ", a zip file: unpack it first",
    b"BZh91AY&SY": ", a bzip2 file: unpack it first",
    b"\xfd7zXZ\0": ", an xz file: unpack it first",
    b"\x28\xb5\x2f\xfd": ", a zstd file: unpack it first",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ", a file of an older Office",
    b"%PDF-": ", a PDF file",
    b"PAR1": ", a parquet file",
    b"\xff\xfe\0\0": "; it looks like UTF-32 (--encoding utf-32)",
    b"\0\0\xfe\xff": "; it looks like UTF-32 (--encoding utf-32)",
    b"\xff\xfe": "; it looks like UTF-16 (--encoding utf-16)",
    b"\xfe\xff": "; it looks like UTF-16 (--encoding utf-16)",
}


class FileLines:
    """A file's lines, as often as they are asked for; only one is in memory at a time.

    name (str): For messages.
    number (int): The line that was read last, from 1.
    """

    def __init__(
        self, path: Path, encoding: str = "utf-8", name: str | None = None, *, line_ends: bool = False
    ):
        """Look at the beginning of the file.

        encoding (str): Its encoding; a byte-order mark is passed over.
        name (str): For messages. Default: the path.
        line_ends (bool): Whether lines keep the ends that the file has, as csv needs them. Default: they are '\\n'.
        RAISES (UserError): A file that is unreadable, empty or binary, an unknown encoding.
        """
        self.path, self.name, self.number = path, name or str(path), 0
        self.encoding = with_mark(encoding)
        self.newline = "" if line_ends else None
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise UserError(Errors.E101.format(path=path, reason=error.strerror or error)) from error
        _refuse_what_is_no_text(head, self.name, self.encoding)

    def __iter__(self) -> Iterator[str]:
        try:
            with self.path.open(encoding=self.encoding, newline=self.newline) as file:
                for self.number, line in enumerate(file, start=1):
                    yield line
        except OSError as error:
            raise UserError(Errors.E101.format(path=self.path, reason=error.strerror or error)) from error
        except UnicodeError as error:
            raise _undecodable(error, self.name, self.number, self.encoding) from error

    def peek(self, count: int) -> list[str]:
        """RETURNS (list[str]): The first lines, this many or as many as there are."""
        return list(islice(self, count))


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
        self.encoding = with_mark(encoding)
        raw = sys.stdin.buffer if stream is None else stream
        buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)
        self._peeked: list[str] = []
        _refuse_what_is_no_text(buffered.peek(HEAD)[:HEAD], name, self.encoding)
        # As open() reads a file: any line end, and characters of several bytes whole.
        self._lines = self._decode(io.TextIOWrapper(buffered, encoding=self.encoding))

    def _decode(self, stream: io.TextIOWrapper) -> Iterator[str]:
        number = 0
        try:
            for line in stream:
                number += 1
                yield line
        except UnicodeError as error:
            raise _undecodable(error, self.name, number, self.encoding) from error

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._peeked.pop(0) if self._peeked else next(self._lines)
        self.number += 1
        return line

    def peek(self, count: int) -> list[str]:
        """RETURNS (list[str]): The next lines, this many or as many as there are; they stay to be read."""
        self._peeked += islice(self._lines, max(0, count - len(self._peeked)))
        return self._peeked[:count]


def with_mark(encoding: str) -> str:
    """RETURNS (str): The encoding that passes over a byte-order mark.
    RAISES (UserError): Where there is no such encoding.
    """
    try:
        "".encode(encoding)
    # Python's codec 'undefined' only raises, and a name may have a null character.
    except (LookupError, ValueError) as error:
        raise UserError(Errors.E129.format(encoding=encoding)) from error
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _undecodable(error: UnicodeError, name: str, number: int, encoding: str) -> UserError:
    """Say on which line bytes don't decode, where `number` lines were read before."""
    if isinstance(error, UnicodeDecodeError):
        # Text is decoded in blocks; `object` is the block that the unread line begins.
        number += error.object[: error.start].count(b"\n")
    return UserError(
        Errors.E103.format(where=f"{name}:{number + 1}", encoding=encoding.removesuffix("-sig"), reason=error)
    )


def _refuse_what_is_no_text(head: bytes, name: str, encoding: str) -> None:
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise UserError(Errors.E102.format(path=name))
    hint = why_no_text(head, encoding)
    if hint is not None:
        raise UserError(Errors.E111.format(path=name, hint=hint))


def why_no_text(head: bytes, encoding: str) -> str | None:
    """Say why bytes aren't text, also where an encoding could make characters of them, as latin-1 can of any.

    head (bytes): The first bytes of a file, HEAD of them.
    RETURNS (str | None): What goes on after 'is binary': what they look like, and what to do; '' where that isn't
        known, None where they may be text.
    """
    wide = encoding.lower().replace("_", "-").startswith(("utf-16", "utf16", "utf-32", "utf32"))
    found = next(((magic, hint) for magic, hint in MAGIC.items() if head.startswith(magic)), None)
    if found is not None and not (wide and "(--encoding" in found[1]):
        return found[1]
    if wide or b"\0" not in head:
        return None
    # Without a mark: letters of most scripts that Europe writes have a null byte beside them.
    nulls = {name: head[at::2].count(0) for name, at in (("utf-16-le", 1), ("utf-16-be", 0))}
    name = max(nulls, key=lambda name: nulls[name])
    if nulls[name] * 4 > len(head) and nulls[name] == sum(nulls.values()):
        return f"; it looks like UTF-16 (--encoding {name})"
    return ""


def whole_text(path: Path, encoding: str = "utf-8", name: str | None = None) -> str:
    """Read a text whose characters are counted: with its line ends and its byte-order mark as they stand.

    encoding (str): The file's encoding.
    name (str): For messages. Default: the path.
    RETURNS (str): '' for an empty file.
    RAISES (UserError): A file that is unreadable or binary, an unknown encoding.
    """
    shown = name or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(Errors.E101.format(path=path, reason=error.strerror or error)) from error
    with_mark(encoding)
    if not content:
        return ""
    _refuse_what_is_no_text(content[:HEAD] + b".", shown, encoding)
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        raise _undecodable(error, shown, 0, encoding) from error
