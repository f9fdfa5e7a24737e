"""A store in an SQLite file, which needs nothing else."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors
from spacy_ner_plus.llm.store.engines.engine import Engine, Row, StoreError, T, Writer
from spacy_ner_plus.llm.store.engines.sqlite_database import open_for_reading, open_for_writing
from spacy_ner_plus.sqlite_files import pragma


class SQLiteEngine(Engine[sqlite3.Connection]):
    """A file that threads and processes share.

    path (Path): The file; it is created where there is none.
    read_only (bool): Whether the file has to exist, and is never written to.
    RAISES (UserError): Where it can't be opened, or is no store of this version.
    """

    def __init__(self, path: Path, *, read_only: bool = False):
        self._path = path
        self._open_file = open_for_reading if read_only else open_for_writing
        super().__init__(str(path))

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """RETURNS (list[Row]): All that a query finds.

        RAISES (StoreError): Where the file can't be read.
        """
        try:
            with self._lock:
                connection = self._connected()
                try:
                    return connection.execute(statement, values).fetchall()
                except sqlite3.OperationalError:
                    if pragma(connection, "user_version") == self._version:
                        raise
                # It was read as one of an earlier version, and another process has brought it up to date.
                connection.close()
                self._connection = self._open()
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def write(self, work: Callable[[Writer], T]) -> T:
        """Do in one transaction what is committed as a whole or not at all.

        RETURNS (T): What `work` returns.
        RAISES (StoreError): Where the file can't be written to.
        """
        try:
            with self._lock:
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    done = work(_Transaction(connection))
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
                return done
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _open(self) -> sqlite3.Connection:
        connection = self._open_file(self._path)
        self._version = pragma(connection, "user_version")
        return connection

    def _close(self, connection: sqlite3.Connection) -> None:
        connection.close()

    def _error(self, reason: object) -> StoreError:
        return StoreError(Errors.E263.format(path=self.where, reason=reason), reason)


class _Transaction:
    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        return self._connection.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        return self._connection.executemany(statement, rows).rowcount
