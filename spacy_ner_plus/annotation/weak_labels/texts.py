"""Texts that wait to be annotated, in a temporary file, so that a corpus needn't fit the memory."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.data.records.record import Record


@dataclass(frozen=True)
class SourceText:
    """A text as its source has it, without annotation.

    words (list[str]): Its tokens.
    spaces (list[bool]): Whether white space follows each.
    knows_spaces (bool): Whether the white space is the source's own.
    where (str): Its place in the source.
    id (str): What the source calls it.
    meta (dict[str, Any]): What else the source says about it.
    """

    words: list[str]
    spaces: list[bool]
    knows_spaces: bool = True
    where: str = ""
    id: str = ""
    meta: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Record) -> "SourceText":
        """Take a record's text; its annotation isn't looked at."""
        return cls.of_doc(record.doc, record.where, record.id, record.meta)

    @classmethod
    def of_doc(
        cls, doc: Doc, where: str = "", id: str = "", meta: dict[str, Any] | None = None
    ) -> "SourceText":
        """Take a Doc's text."""
        words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
        return cls(words, spaces, not doc.has_unknown_spaces, where, id, meta or {})

    @property
    def text(self) -> str:
        return "".join(word + " " * space for word, space in zip(self.words, self.spaces, strict=True))

    def doc(self, vocab: Vocab) -> Doc:
        """RETURNS (Doc): Its tokens, without annotation."""
        if not self.knows_spaces:
            return Doc(vocab, words=self.words)
        return Doc(vocab, words=self.words, spaces=self.spaces)


class TextSpool:
    """Takes texts one at a time, and gives them back in shards, as often as they are asked for.

    folder (Path): Where the temporary file lies; it has no name and goes with the process.
    """

    def __init__(self, folder: Path):
        self._file = tempfile.TemporaryFile("w+", dir=folder, encoding="utf8")  # noqa: SIM115 - closed by `close`
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, text: SourceText) -> None:
        self._file.write(json.dumps(asdict(text)) + "\n")
        self._count += 1

    def flush(self) -> None:
        """Write what is held back; a disk that is full refuses it here."""
        self._file.flush()

    def shards(self, size: int) -> Iterator[list[SourceText]]:
        """YIELDS (list[SourceText]): So many texts at once, in order; the last may be fewer."""
        self._file.seek(0)
        while lines := list(islice(self._file, size)):
            yield [SourceText(**json.loads(line)) for line in lines]

    def close(self) -> None:
        """Close the temporary file, which removes it."""
        # What it still holds back is written then, which a full disk refuses; it is closed all the same.
        with suppress(OSError):
            self._file.close()
