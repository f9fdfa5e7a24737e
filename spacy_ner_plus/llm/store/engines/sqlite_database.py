"""The SQLite file of a store: created, checked, and moved aside where it is damaged."""

import sqlite3
import warnings
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.llm.store.engines.engine import NoStore
from spacy_ner_plus.llm.store.engines.sqlite_versions import (
    add_functions,
    back_up,
    bring_up_to_date,
    show_as_new,
)
from spacy_ner_plus.llm.store.engines.tables import VERSION
from spacy_ner_plus.sqlite_files import is_damaged, pragma, set_aside, use_wal

# "snpl", by which this module and the program `file` recognise a store.
_APPLICATION = 0x736E706C
_BUSY_SECONDS = 15.0
_MAGIC = b"SQLite format 3\0"
_NO_RIGHT = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


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
        raise NoStore(Errors.E266.format(path=path))
    try:
        _check_magic(path)
        try:
            return _shown(_checked(_connect(f"{path.resolve().as_uri()}?mode=ro"), path))
        except sqlite3.OperationalError as error:
            # SQLite writes beside a file even to read it, unless the file is opened as one that never changes.
            written = path.with_name(f"{path.name}-wal")
            if error.sqlite_errorcode & 0xFF not in _NO_RIGHT or (
                written.exists() and written.stat().st_size
            ):
                raise
            return _shown(_checked(_connect(f"{path.resolve().as_uri()}?immutable=1"), path))
    except _Damaged as damage:
        raise UserError(Errors.E267.format(path=path, reason=damage)) from damage
    except (OSError, sqlite3.Error) as error:
        raise UserError(Errors.E263.format(path=path, reason=error)) from error


def _open_whole(path: Path) -> sqlite3.Connection:
    _check_magic(path)
    connection = _checked(_connect(f"{path.resolve().as_uri()}?mode=rwc"), path)
    try:
        use_wal(connection, _BUSY_SECONDS)
        if pragma(connection, "user_version") < VERSION:
            _bring_up_to_date(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    # One transaction, so that of two processes that begin a store one waits for the other.
    connection.execute("BEGIN IMMEDIATE")
    version, backup = pragma(connection, "user_version"), None
    if version < VERSION:
        backup = back_up(path, version) if version else None
        bring_up_to_date(connection, version)
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")
    if backup is not None:
        warnings.warn(Warnings.W360.format(path=path, version=VERSION, backup=backup), stacklevel=2)


def _shown(connection: sqlite3.Connection) -> sqlite3.Connection:
    version = pragma(connection, "user_version")
    if 0 < version < VERSION:
        show_as_new(connection, version)
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    # Every statement commits by itself.
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    add_functions(connection)
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
