"""What was submitted and isn't collected yet, in an SQLite file beside the store: no terminal has to stay open."""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.completions import ServerError

_VERSION = 1
# "snpb", by which the file is recognised.
_APPLICATION = 0x736E7062
_TABLES = f"""
CREATE TABLE batches (
    name TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    reading TEXT NOT NULL,
    texts TEXT NOT NULL,
    time_window TEXT NOT NULL,
    requests INTEGER NOT NULL,
    created REAL NOT NULL,
    file_id TEXT NOT NULL DEFAULT '',
    id TEXT NOT NULL DEFAULT '',
    collected INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    batch TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX documents_by_batch ON documents (batch);
CREATE TABLE requests (
    batch TEXT NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    document INTEGER NOT NULL,
    request TEXT NOT NULL,
    mode TEXT NOT NULL,
    body TEXT NOT NULL,
    is_second INTEGER NOT NULL,
    PRIMARY KEY (batch, key)
);
CREATE INDEX requests_by_key ON requests (key);
CREATE INDEX requests_by_document ON requests (document);
CREATE TABLE refusals (
    server TEXT NOT NULL,
    model TEXT NOT NULL,
    key TEXT NOT NULL,
    mode TEXT NOT NULL,
    message TEXT NOT NULL,
    param TEXT NOT NULL,
    code TEXT NOT NULL,
    PRIMARY KEY (server, model, key)
);
PRAGMA application_id={_APPLICATION};
PRAGMA user_version={_VERSION}
"""
_BATCH = "name, server, model, reading, texts, time_window, requests, created, file_id, id, collected"
_REQUEST = "key, id, document, request, mode, body, is_second"


@dataclass(frozen=True, slots=True)
class Submitted:
    """A request of a batch.

    key (str): Under which its reply is stored.
    id (str): That its reply gets in the store, so that it is kept once.
    document (int): Which of the batch's documents it is about.
    request (str): In the form from which the key is made.
    mode (str): How its schema is sent.
    body (str): What is sent, as JSON; '' once it was.
    is_second (bool): Whether it asks again, after a reply that couldn't be read.
    """

    key: str
    id: str
    document: int
    request: str
    mode: str
    body: str
    is_second: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, as it is noted here.

    name (str): What we call it.
    server (str): The address that it goes to.
    reading (str): Of which format and labels its replies are, as JSON.
    texts (Sequence[str]): Where the texts were read from.
    time_window (str): Within which it is to be answered.
    requests (int): How many it has.
    created (float): When it was planned, in seconds since 1970.
    file_id (str): Of the file of its requests, once it is uploaded; '' before.
    id (str): What the server calls it, once it is created; '' before.
    collected (bool): Whether its replies were fetched.
    """

    name: str
    server: str
    model: str
    reading: str
    texts: Sequence[str]
    time_window: str
    requests: int
    created: float
    file_id: str = ""
    id: str = ""
    collected: bool = False


class BatchState:
    """The batches of one store. One process at a time works with them; the others are told so.

    path (Path): The file; it is made where there is none.
    RAISES (UserError): Where it can't be used.
    """

    def __init__(self, path: Path):
        self.path = path
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            # A lock that is kept until the file is closed, or its process ends however it may.
            self._connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._connection.close()
                raise

    def _open(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA locking_mode=EXCLUSIVE")
        execute("PRAGMA auto_vacuum=FULL")
        execute("BEGIN EXCLUSIVE")
        used = execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = execute("PRAGMA user_version").fetchone()[0]
        application = execute("PRAGMA application_id").fetchone()[0]
        if used and (application != _APPLICATION or version != _VERSION):
            raise UserError(Errors.E689.format(path=self.path, reason="it is a file of something else"))
        if not used:
            for statement in _TABLES.split(";"):
                execute(statement)
        execute("COMMIT")

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[None]:
        """A block whose changes are all made or none.

        keep (bool): Whether they are made at all.
        """
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT" if keep else "ROLLBACK")

    def batches(self, server: str, model: str) -> list[Batch]:
        """RETURNS (list[Batch]): Those of a model on a server, oldest first."""
        with self._told():
            rows = self._connection.execute(
                f"SELECT {_BATCH} FROM batches WHERE server = ? AND model = ? ORDER BY rowid", (server, model)
            ).fetchall()
        return [_batch(row) for row in rows]

    def add(self, batch: Batch) -> None:
        """Note a batch, whose requests are noted beside it."""
        row = (
            *(batch.name, batch.server, batch.model, batch.reading, json.dumps(list(batch.texts))),
            *(batch.time_window, batch.requests, batch.created or time.time()),
        )
        self._change(
            "INSERT INTO batches (name, server, model, reading, texts, time_window, requests, created)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def add_document(self, name: str, text: str) -> int:
        """Note a document that requests of a batch are about.

        name (str): The batch's.
        RETURNS (int): Its number.
        """
        with self._told():
            done = self._connection.execute("INSERT INTO documents (batch, text) VALUES (?, ?)", (name, text))
        return done.lastrowid

    def add_request(self, name: str, request: Submitted) -> None:
        """Note a request of a batch.

        name (str): The batch's.
        """
        row = (
            *(name, request.key, request.id, request.document, request.request, request.mode),
            *(request.body, int(request.is_second)),
        )
        self._change(f"INSERT INTO requests (batch, {_REQUEST}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def is_waiting(self, key: str) -> bool:
        """RETURNS (bool): Whether a request is part of a batch that isn't collected yet."""
        with self._told():
            found = self._connection.execute("SELECT 1 FROM requests WHERE key = ? LIMIT 1", (key,))
            return found.fetchone() is not None

    def requests(self, name: str) -> Iterator[Submitted]:
        """YIELDS (Submitted): The requests of a batch that isn't collected yet."""
        with self._told():
            for row in self._connection.execute(
                f"SELECT {_REQUEST} FROM requests WHERE batch = ? ORDER BY rowid", (name,)
            ):
                yield _request(row)

    def documents(self, name: str) -> Iterator[tuple[str, list[Submitted]]]:
        """YIELDS (tuple[str, list[Submitted]]): The documents of a batch, each with the requests about it."""
        with self._told():
            for number, text in self._connection.execute(
                "SELECT number, text FROM documents WHERE batch = ? ORDER BY number", (name,)
            ):
                rows = self._connection.execute(
                    f"SELECT {_REQUEST} FROM requests WHERE document = ? ORDER BY rowid", (number,)
                )
                yield text, [_request(row) for row in rows]

    def request(self, name: str, key: str) -> Submitted | None:
        """RETURNS (Submitted | None): A request of a batch; None where it has none with this key."""
        with self._told():
            row = self._connection.execute(
                f"SELECT {_REQUEST} FROM requests WHERE batch = ? AND key = ?", (name, key)
            ).fetchone()
        return None if row is None else _request(row)

    def uploaded(self, name: str, file_id: str) -> None:
        """Note that the requests of a batch are on the server."""
        self._change("UPDATE batches SET file_id = ? WHERE name = ?", (file_id, name))

    def created(self, name: str, id: str) -> None:
        """Note what the server calls a batch. What was sent needn't be kept then."""
        with self.transaction():
            self._change("UPDATE batches SET id = ? WHERE name = ?", (id, name))
            self._change("UPDATE requests SET body = '' WHERE batch = ?", (name,))

    def collected(self, name: str) -> None:
        """Note that the replies to a batch were fetched. Its requests aren't waited for any more."""
        with self.transaction():
            self._change("UPDATE batches SET collected = 1 WHERE name = ?", (name,))
            self._forget(name)

    def drop(self, names: Iterable[str]) -> None:
        """Forget batches, so that their requests may be submitted again."""
        with self.transaction():
            for name in names:
                self._forget(name)
                self._change("DELETE FROM batches WHERE name = ?", (name,))

    def add_refusal(self, batch: Batch, request: Submitted, error: ServerError) -> None:
        """Note why a server refused a request, so that the next ones are sent as it takes them."""
        row = (batch.server, batch.model, request.key, request.mode, error.message, error.param, error.code)
        self._change("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def refusals(self, server: str, model: str) -> list[tuple[str, str, ServerError]]:
        """RETURNS (list[tuple[str, str, ServerError]]): Of each refused request its key, how its schema was sent,
        and what the server said, oldest first."""
        with self._told():
            rows = self._connection.execute(
                "SELECT key, mode, message, param, code FROM refusals WHERE server = ? AND model = ?"
                " ORDER BY rowid",
                (server, model),
            ).fetchall()
        return [(key, mode, ServerError(*error)) for key, mode, *error in rows]

    def close(self) -> None:
        """Close the file, and let others work with it."""
        self._connection.close()

    def __enter__(self) -> "BatchState":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def _forget(self, name: str) -> None:
        self._change("DELETE FROM requests WHERE batch = ?", (name,))
        self._change("DELETE FROM documents WHERE batch = ?", (name,))

    def _change(self, statement: str, values: Sequence[Any]) -> None:
        with self._told():
            self._connection.execute(statement, values)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise UserError(Errors.E688.format(path=self.path)) from error
            raise UserError(Errors.E689.format(path=self.path, reason=error)) from error
        except OSError as error:
            raise UserError(Errors.E689.format(path=self.path, reason=error)) from error


def _batch(row: Sequence[Any]) -> Batch:
    name, server, model, reading, texts, *rest, collected = row
    return Batch(name, server, model, reading, json.loads(texts), *rest, bool(collected))


def _request(row: Sequence[Any]) -> Submitted:
    *rest, is_second = row
    return Submitted(*rest, bool(is_second))
