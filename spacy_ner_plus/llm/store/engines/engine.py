"""What a store needs of a database; SQLite and PostgreSQL both give it."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

from spacy_ner_plus.errors import UserError

T = TypeVar("T")
Connection = TypeVar("Connection")
Row = tuple[Any, ...]

# So many values stand in one statement.
_AT_ONCE = 500

_engines: "WeakSet[Engine[Any]]" = WeakSet()
# Connections of the parent. A fork neither uses nor closes them: closing one would tell the server, or SQLite, that
# the parent is done.
_of_parent: list[Any] = []


class StoreError(UserError):
    """The database can't be used, now or at all.

    reason (str): What it said, for other messages.
    """

    def __init__(self, text: str, reason: object):
        super().__init__(text)
        self.reason = str(reason)


class NoStore(UserError):
    """There is no store to read."""


class Writer(Protocol):
    """A transaction, in which nobody else writes. Values stand as '?' in statements."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """RETURNS (list[Row]): All that a query finds."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """RETURNS (int): How many rows were changed."""

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """RETURNS (int): How many rows were changed, by all runs of the statement together."""


class Engine(ABC, Generic[Connection]):
    """One connection to a database, that the threads of a process take in turns, and that each fork opens for itself.

    One transaction writes at a time, in all processes. So what is numbered in it becomes visible in the order of the
    numbers.

    where (str): The file or the address, for messages.
    """

    def __init__(self, where: str):
        self.where = where
        self._lock = threading.Lock()
        self._is_closed = False
        self._connection: Connection | None = self._open()
        _watch_forks()
        _engines.add(self)

    @abstractmethod
    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """RETURNS (list[Row]): All that a query finds.

        RAISES (StoreError): Where the database can't be read.
        """

    @abstractmethod
    def write(self, work: Callable[[Writer], T]) -> T:
        """Do in one transaction what is committed as a whole or not at all.

        work (Callable): May be called twice, where a connection turns out to be dead; so it has to give the same.
        RETURNS (T): What it returns.
        RAISES (StoreError): Where the database can't be written to.
        """

    def close(self) -> None:
        """Close the connection for good."""
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                self._close(connection)

    def _connected(self) -> Connection:
        """RETURNS (Connection): The connection of this process; the lock has to be held."""
        if self._connection is None:
            if self._is_closed:
                raise self._error("it was closed")
            self._connection = self._open()
        return self._connection

    @abstractmethod
    def _open(self) -> Connection: ...

    @abstractmethod
    def _close(self, connection: Connection) -> None: ...

    @abstractmethod
    def _error(self, reason: object) -> StoreError: ...

    def _forked(self) -> None:
        _of_parent.append(self._connection)
        self._connection = None
        self._lock = threading.Lock()


def in_lists(values: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """YIELDS (tuple[str, tuple[str, ...]]): What stands behind IN in a statement, with some of the values, until all
    were had; each once."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), _AT_ONCE):
        some = tuple(distinct[start : start + _AT_ONCE])
        yield f"({', '.join('?' * len(some))})", some


@cache
def _watch_forks() -> None:
    os.register_at_fork(after_in_child=_forget_of_parent)


def _forget_of_parent() -> None:
    for engine in list(_engines):
        engine._forked()
