"""The SQLite file of a store: created, checked, and moved aside where it is damaged."""

import sqlite3
import warnings
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.llm.finish_reasons import read_finish_reason
from spacy_ner_plus.sqlite_files import is_damaged, pragma, set_aside, use_wal

VERSION = 2
# "snpl", by which this module and the program `file` recognise a store.
_APPLICATION = 0x736E706C
_BUSY_SECONDS = 15.0
_MAGIC = b"SQLite format 3\0"
_NO_RIGHT = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
# The table `dialects` holds how a schema is sent to each server, as schema_modes.py found it out; it
# keeps the name that it has in the stores of users.
_TABLES = """
CREATE TABLE IF NOT EXISTS inferences (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    mode TEXT NOT NULL,
    logprobs TEXT,
    created REAL NOT NULL,
    status TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS inferences_by_key ON inferences (key);
CREATE TABLE IF NOT EXISTS dialects (
    base_url TEXT NOT NULL,
    model TEXT NOT NULL,
    mode TEXT NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (base_url, model)
);
"""
# From version 1, which kept replies whatever was read from them, and failures of upstreams as empty replies.
_STATUS_OF_1 = """
ALTER TABLE inferences ADD COLUMN status TEXT NOT NULL DEFAULT '';
UPDATE inferences SET status = 'cut' WHERE ended_by(finish_reason) = 'length';
DELETE FROM inferences WHERE trim(reply) = '' AND ended_by(finish_reason) <> 'length';
"""


class _Damaged(Exception):
    """The file is no database, or fails its check."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open a store, and make it where there is none. A damaged one is set aside, with a warning.

    path (Path): The file; its folders are made.
    RETURNS (sqlite3.Connection): A connection that any thread may use, one at a time.
    RAISES (UserError): Where it can't be opened, is no store, or was written by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _open_whole(path)
        except _Damaged as damage:
            aside = set_aside(path)
            warnings.warn(Warnings.W252.format(path=path, reason=damage, aside=aside), stacklevel=2)
            return _open_whole(path)
    except (OSError, sqlite3.Error, _Damaged) as error:
        raise UserError(Errors.E263.format(path=path, reason=error)) from error


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a store that is there, and never write to it.

    RETURNS (sqlite3.Connection): A connection that any thread may use, one at a time.
    RAISES (UserError): Where it isn't there, is damaged, no store, or written by a newer version.
    """
    if not path.is_file():
        raise UserError(Errors.E266.format(path=path))
    try:
        _check_magic(path)
        try:
            return _checked(_connect(f"{path.resolve().as_uri()}?mode=ro", path), path)
        except sqlite3.OperationalError as error:
            # SQLite writes beside a file even to read it, unless the file is opened as one that never changes.
            written = path.with_name(f"{path.name}-wal")
            if error.sqlite_errorcode & 0xFF not in _NO_RIGHT or (
                written.exists() and written.stat().st_size
            ):
                raise
            return _checked(_connect(f"{path.resolve().as_uri()}?immutable=1", path), path)
    except _Damaged as damage:
        raise UserError(Errors.E267.format(path=path, reason=damage)) from damage
    except (OSError, sqlite3.Error) as error:
        raise UserError(Errors.E263.format(path=path, reason=error)) from error


def has_status(connection: sqlite3.Connection) -> bool:
    """RETURNS (bool): Whether a store notes what was read from a reply; one of version 1 that is only read doesn't."""
    return pragma(connection, "user_version") >= VERSION


def _open_whole(path: Path) -> sqlite3.Connection:
    _check_magic(path)
    connection = _checked(_connect(f"{path.resolve().as_uri()}?mode=rwc", path), path)
    try:
        use_wal(connection, _BUSY_SECONDS)
        if pragma(connection, "user_version") < VERSION:
            # One transaction, so that of two processes that begin a store one waits for the other.
            connection.execute("BEGIN IMMEDIATE")
            before = pragma(connection, "user_version")
            steps = "" if before >= VERSION else _TABLES if before == 0 else _STATUS_OF_1
            pragmas = f"PRAGMA application_id={_APPLICATION}; PRAGMA user_version={VERSION}"
            # Not by executescript, which commits first.
            for statement in f"{steps}{pragmas}; COMMIT".split(";"):
                connection.execute(statement)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(uri: str, path: Path) -> sqlite3.Connection:
    # Every statement commits by itself.
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # Earlier versions kept what the server said.
    connection.create_function("ended_by", 1, read_finish_reason, deterministic=True)
    return connection


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        try:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            if is_damaged(error):
                raise _Damaged(error) from error
            raise
        if problem != "ok":
            raise _Damaged(problem)
        # In this order, since another process may be creating the tables, which sets the ids too.
        used = bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        application, version = pragma(connection, "application_id"), pragma(connection, "user_version")
        if application != _APPLICATION and (used or version):
            raise UserError(Errors.E265.format(path=path))
        if version > VERSION:
            raise UserError(Errors.E264.format(path=path, version=version, known=VERSION))
    except BaseException:
        connection.close()
        raise
    return connection


def _check_magic(path: Path) -> None:
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise _Damaged("it is no SQLite file")
