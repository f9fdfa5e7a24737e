"""Vectors of texts on disk, so that no text is embedded twice by the same model.

A SQLite file for each model: what is written is there whole or not at all, also after kill -9, and several processes
may share it. A cache: one that is damaged gives way to a new one.
"""

import hashlib
import re
import sqlite3
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.models.embeddings.model_folder import ModelFolder
from spacy_ner_plus.sqlite_files import is_damaged, pragma, set_aside, use_wal

_VERSION = 1
# "snpv", by which a file is known.
_APPLICATION = 0x736E7076
_BUSY_SECONDS = 60.0
# SQLite takes so many values in a statement, in all of its versions.
_AT_ONCE = 500
_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
    text BLOB NOT NULL, precision TEXT NOT NULL, parts INTEGER NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (text, precision)
)
"""


class EmbeddingsNotKept(UserError):
    """A file of embeddings can't be opened, read or written."""


class Stored(NamedTuple):
    """A vector as it is kept.

    vector (Floats1d): Of length 1, float32.
    parts (int): In how many parts its text was read.
    """

    vector: np.ndarray
    parts: int


def text_key(text: str, prompt: str = "") -> bytes:
    """RETURNS (bytes): What a text is kept under; the text itself isn't kept."""
    # Half of a surrogate pair can't be encoded otherwise.
    return hashlib.sha256(f"{prompt}{text}".encode("utf8", "surrogatepass")).digest()


class VectorStore:
    """The vectors that one model has made.

    folder (Path): Where the files of all models lie; it is made where it is missing.
    model (ModelFolder): The model; its name and hash are the file's name.
    RAISES (EmbeddingsNotKept): Where the file can't be opened.
    """

    def __init__(self, folder: Path, model: ModelFolder):
        name = re.sub(r"[^\w.-]+", "-", model.name).strip("-.") or "model"
        self.path = folder / f"{name}-{model.hash[:16]}.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = _open(self.path)
            except sqlite3.DatabaseError as error:
                if not is_damaged(error):
                    raise
                aside = set_aside(self.path)
                warnings.warn(Warnings.W335.format(path=self.path, reason=error, aside=aside), stacklevel=2)
                self._connection = _open(self.path)
        except (OSError, sqlite3.Error) as error:
            raise _failed(self.path, error) from error

    def get(self, keys: Sequence[bytes], precision: str | None) -> dict[bytes, Stored]:
        """Look vectors up.

        keys (Sequence[bytes]): Of texts.
        precision (str | None): In what they must have been computed; None for any, fp32 first.
        RETURNS (dict[bytes, Stored]): Those that are there.
        """
        found: dict[bytes, Stored] = {}
        try:
            for begin in range(0, len(keys), _AT_ONCE):
                some = list(keys[begin : begin + _AT_ONCE])
                marks = ", ".join("?" * len(some))
                # bf16 and fp16 come first, so that what fp32 gave stays.
                query = f"SELECT text, precision, parts, vector FROM vectors WHERE text IN ({marks}) ORDER BY precision"
                for text, computed, parts, vector in self._connection.execute(query, some):
                    if precision in (None, computed):
                        found[text] = Stored(np.frombuffer(vector, dtype="<f4"), parts)
        except sqlite3.Error as error:
            raise _failed(self.path, error) from error
        return found

    def put(self, vectors: Mapping[bytes, Stored], precision: str) -> None:
        """Keep vectors, all of them or none.

        RAISES (EmbeddingsNotKept): Where they can't be written.
        """
        rows: Iterable[tuple] = (
            (key, precision, int(one.parts), np.asarray(one.vector, dtype="<f4").tobytes())
            for key, one in vectors.items()
        )
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?, ?)", rows)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _failed(self.path, error) from error

    def __len__(self) -> int:
        """RETURNS (int): How many vectors there are."""
        with closing(self._connection.execute("SELECT count(*) FROM vectors")) as rows:
            return rows.fetchone()[0]

    def close(self) -> None:
        self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        # In this order, since another process may be making the table, which sets the ids, too.
        used = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application, version = (pragma(connection, name) for name in ("application_id", "user_version"))
        if (used or version) and (application != _APPLICATION or version != _VERSION):
            raise EmbeddingsNotKept(Errors.E671.format(path=path))
        use_wal(connection, _BUSY_SECONDS)
        # One transaction, so that of two processes that begin a file one waits for the other.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLE)
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute(f"PRAGMA user_version={_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _failed(path: Path, error: Exception) -> EmbeddingsNotKept:
    return EmbeddingsNotKept(Errors.E672.format(path=path, reason=getattr(error, "strerror", None) or error))
