"""What a user names as a source: a file, a folder, '-', a dataset; and its beginning, by which formats know it."""

import json
import shutil
import sys
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from spacy_ner_plus.data.sources.lines import FileLines
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.files import writing

HEAD_BYTES = 65_536
STDIN = "-"


class Source:
    """A source, and what formats look at to recognise it.

    name (str): As the user would know it; 'stdin' for standard input.
    path (Path): Where it lies: a file or folder, or a place that isn't there, such as a dataset's name.
    encoding (str): Of text files. Default: 'utf-8'.
    """

    def __init__(self, name: str, path: Path | None = None, encoding: str = "utf-8"):
        self.name = name
        self.path = Path(name) if path is None else path
        self.encoding = encoding

    @classmethod
    def of_stdin(cls, encoding: str = "utf-8", stream: BinaryIO | None = None) -> "Source":
        """Keep standard input in a temporary file, as a source may be read more than once."""
        raw = sys.stdin.buffer if stream is None else stream
        spool = tempfile.NamedTemporaryFile(prefix="spacy-ner-plus-")  # noqa: SIM115 - goes with the source
        with writing(Path(spool.name)):
            shutil.copyfileobj(raw, spool)
            spool.flush()
        source = cls("stdin", Path(spool.name), encoding)
        source._spool = spool
        return source

    @property
    def ending(self) -> str:
        """RETURNS (str): The ending of its name in lower case, such as '.json'; '' where there is none."""
        return "" if self.name == "stdin" else self.path.suffix.lower()

    @property
    def is_folder(self) -> bool:
        return self.path.is_dir()

    @property
    def is_file(self) -> bool:
        return self.path.is_file()

    @cached_property
    def files(self) -> list[str]:
        """The names of the files in a folder, hidden ones left out, sorted; [] for a file."""
        if not self.is_folder:
            return []
        return sorted(
            entry.name for entry in self.path.iterdir() if entry.is_file() and not entry.name.startswith(".")
        )

    @cached_property
    def head_bytes(self) -> bytes:
        """A file's first 64 KB; b'' where there are none."""
        try:
            with self.path.open("rb") as file:
                return file.read(HEAD_BYTES)
        except OSError:
            return b""

    @cached_property
    def lines(self) -> FileLines:
        """A text file's lines, as often as they are asked for.

        RAISES (UserError): A file that is unreadable, empty or binary, an unknown encoding.
        """
        return FileLines(self.path, self.encoding, self.name)

    @cached_property
    def is_text(self) -> bool:
        """Whether it is a text file, by its beginning."""
        try:
            return self.is_file and self.lines is not None
        except UserError:
            return False

    @cached_property
    def head(self) -> str:
        """A text file's first 64 KB, without a byte-order mark; '' for anything else."""
        if not self.is_text:
            return ""
        text = self.head_bytes.decode(self.lines.encoding, "ignore")
        return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def head_lines(self) -> list[str]:
        """The whole lines of the head, without their ends; blank ones are among them."""
        lines = self.head.split("\n")
        # The last may be cut.
        return lines[:-1] if len(self.head_bytes) == HEAD_BYTES and len(lines) > 1 else lines

    @cached_property
    def head_values(self) -> list[Any]:
        """The whole JSON values at the beginning, out of an array or one after the other; [] for anything else."""
        return _whole_values(self.head)

    @property
    def head_records(self) -> list[dict[str, Any]]:
        """Those of `head_values` that are objects."""
        return [value for value in self.head_values if isinstance(value, dict)]

    @cached_property
    def is_json(self) -> bool:
        """Whether it begins as JSON does."""
        return self.head.lstrip()[:1] in ("{", "[") and self.head.lstrip()[:1] != ""


def _whole_values(text: str) -> list[Any]:
    decoder = json.JSONDecoder()
    text = text.lstrip()
    if text[:1] not in ("{", "["):
        return []
    values: list[Any] = []
    at = 0
    if text[0] == "[":
        try:
            # One array to a line, as ["text", {...}], or one array of all records.
            first, end = decoder.raw_decode(text)
            if text[end:].strip():
                values, at = [first], end
            else:
                is_pair = len(first) == 2 and isinstance(first[0], str)
                return [first] if is_pair else first
        except (ValueError, RecursionError):
            at = 1
    while at < len(text):
        while at < len(text) and (text[at].isspace() or text[at] == ","):
            at += 1
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        values.append(value)
    return values
