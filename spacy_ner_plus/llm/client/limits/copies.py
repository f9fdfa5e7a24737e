"""What the processes that have copies of one chat model share: its limits, and what its requests take.

Copies of a model find each other by a token that was made with the first of them, whose process is the maker's.
Nothing is opened as long as there is one process.
"""

import os
import tempfile
import threading
import time
import uuid
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.client.limits.process_table import Columns, ProcessTable
from spacy_ner_plus.llm.client.usage import COUNTS

# How often the maker's process looks whether there are others.
_BETWEEN_LOOKS = 0.5
# A process that found no room stands in line for so long after it looked last.
_IN_LINE_SECONDS = 0.5
_COLUMNS = Columns(
    current=("in_flight", "waiting", "served_at", "refused_at", "expected_tokens", "expected_usd"),
    totals=("spent_tokens", "spent_usd", "spent_replies", *COUNTS),
)


class Lineage:
    """Which chat models are copies of one: those that have its token. A copy within one process gets one of its own."""

    def __init__(self):
        self.token = uuid.uuid4().hex
        self._maker = _process(os.getpid())
        weakref.finalize(self, _remove_table, self.token, os.getpid())

    @property
    def is_makers(self) -> bool:
        """RETURNS (bool): Whether this is the process in which it was made."""
        return self._maker == _process(os.getpid())

    def __getstate__(self) -> dict[str, Any]:
        return {"token": self.token, "maker": self._maker}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["maker"] == _process(os.getpid()):
            self.__init__()
        else:
            self.token, self._maker = state["token"], state["maker"]


class Copies:
    """This process among those that have copies of a model. There is one for each token in a process."""

    def __init__(self, lineage: Lineage):
        self._lineage = lineage
        self._lock = threading.RLock()
        self._table: ProcessTable | None = None
        self._looked_at = float("-inf")

    @property
    def table(self) -> ProcessTable | None:
        """RETURNS (ProcessTable | None): Their table; None where this process is alone, or there can't be one."""
        if self._table is None and time.monotonic() - self._looked_at >= _BETWEEN_LOOKS:
            self.look()
        return self._table

    def look(self, *, joins: bool = False) -> None:
        """Find out now whether there are others.

        joins (bool): Whether to have a table although there aren't.
        """
        with self._lock:
            if self._table is not None or self._looked_at == float("inf"):
                return
            self._looked_at = time.monotonic()
            path = _path(self._lineage.token)
            if self._lineage.is_makers and not joins and not path.exists():
                return
            try:
                self._table = ProcessTable(path, _COLUMNS)
            except OSError as error:
                self._looked_at = float("inf")
                if not self._lineage.is_makers:  # which may have no copies
                    warnings.warn(Warnings.W355.format(reason=error), stacklevel=2)
            else:
                weakref.finalize(self, self._table.close)

    def note(self, *names: str) -> "Note":
        """RETURNS (Note): Numbers of this process, all zero, that get into its row of the table."""
        return Note(self, names)

    def usage_note(self) -> "Note | None":
        """RETURNS (Note | None): For what is to be added up in the maker's process; None there."""
        return None if self._lineage.is_makers else self.note(*COUNTS)

    def usage_of_others(self) -> dict[str, float]:
        """RETURNS (dict[str, float]): For the maker's process what the others took; for those nothing."""
        if not self._lineage.is_makers:
            return {}
        self.look()
        totals = self._table.totals() if self._table is not None else {}
        return {name: totals[name] for name in COUNTS if totals.get(name)}


class Note:
    """Numbers that a process keeps, and has in its row of the table as soon as there is one."""

    def __init__(self, copies: Copies, names: Sequence[str]):
        self._copies = copies
        self._in: ProcessTable | None = None
        self.own = dict.fromkeys(names, 0.0)

    def table(self) -> ProcessTable | None:
        """RETURNS (ProcessTable | None): The table, with these numbers in it."""
        table = self._copies.table
        if table is not self._in:
            self._in = table
            table.add(**self.own)
        return table

    def add(self, **changes: float) -> None:
        """Change numbers."""
        table = self.table()
        for name, change in changes.items():
            self.own[name] += change
        if table is not None:
            table.add(**changes)

    def of_all(self, name: str) -> float:
        """RETURNS (float): The number of all processes together."""
        table = self.table()
        if table is None:
            return self.own[name]
        if name in _COLUMNS.totals:
            return table.totals()[name]
        return table[name] + sum(row[name] for row in table.others())

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes from changing what all of them read."""
        table = self.table()
        if table is None:
            yield
            return
        with table.exclusive():
            yield


class ConcurrencyShare:
    """How many requests of a model this process may have in flight, so that all together have no more than the most.

    Each may have an equal part, and what others don't use of theirs. Where there are more processes than requests,
    those take turns.

    most (int): Of all processes together.
    """

    def __init__(self, copies: Copies, most: int):
        self._note = copies.note("waiting", "in_flight")
        self._most = most

    def want(self, change: int) -> None:
        """Note that so many more requests wait for a turn, or fewer."""
        self._note.add(waiting=change)

    def take(self) -> bool:
        """RETURNS (bool): Whether one more may be in flight; then it counts as such."""
        with self._note.exclusive():
            table, now = self._note.table(), time.monotonic()
            if table is not None:
                if not self._has_room(table, now):
                    table.set(refused_at=now)
                    return False
                table.set(served_at=now, refused_at=0.0)
            self._note.add(in_flight=1)
        return True

    def give_back(self) -> None:
        """Note that one less is in flight."""
        self._note.add(in_flight=-1)

    def _has_room(self, table: ProcessTable, now: float) -> bool:
        mine, most = table["in_flight"], self._most
        others = [row for row in table.others() if row["in_flight"] + row["waiting"] > 0]
        if not others:
            return mine < most
        part = max(1, most // (len(others) + 1))
        used = sum(row["in_flight"] for row in others)
        reserved = sum(min(row["in_flight"] + row["waiting"], part) for row in others)
        if mine + used >= most or mine >= max(1, most - reserved):
            return False
        before = sum(
            row["in_flight"] < part
            and now - row["refused_at"] < _IN_LINE_SECONDS
            and row["served_at"] < table["served_at"]
            for row in others
        )
        return before < most - mine - used


# By process and token.
_copies: "weakref.WeakValueDictionary[tuple[int, str], Copies]" = weakref.WeakValueDictionary()


def copies_of(lineage: Lineage) -> Copies:
    """RETURNS (Copies): This process's, of one lineage."""
    return _copies.setdefault((os.getpid(), lineage.token), Copies(lineage))


@cache
def _process(pid: int) -> str:
    """RETURNS (str): A name of this process, which no other has, on any machine."""
    return f"{pid} {uuid.uuid4().hex}"


def _path(token: str) -> Path:
    return Path(tempfile.gettempdir(), f"spacy-ner-plus-llm-{token}")


def _remove_table(token: str, pid: int) -> None:
    if pid == os.getpid():  # a fork has the same finalizers
        with suppress(OSError):
            _path(token).unlink(missing_ok=True)
