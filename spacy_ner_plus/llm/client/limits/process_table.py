"""A table in a file, with a row of numbers for each process that has a copy of one chat model.

A process holds its row by a lock, which the system takes from it when it ends, however it ends. The next process
takes the first row that is free and adds to its totals, so that these are those of all processes there ever were.
"""

import os
import stat
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

# Numbers before the rows, which no process has to itself.
CELLS = 2
# How often a process looks whether others are still there.
_BETWEEN_LOOKS = 0.5
_BYTES = array("d").itemsize
_MOST_BYTES = 1 << 22
# The first byte is locked by whoever changes what all read, those after it each with a row.
_EXCLUSIVE = 0


@dataclass(frozen=True)
class Columns:
    """The numbers of a row, by name.

    current (tuple[str, ...]): What is so now; zero where the process is gone.
    totals (tuple[str, ...]): What is only ever added to.
    """

    current: tuple[str, ...]
    totals: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """RETURNS (tuple[str, ...]): All of them, in order."""
        return (*self.current, *self.totals)


class ProcessTable:
    """The table, and this process's row in it. Any thread may use it.

    path (Path): The file, which is made if it isn't there.
    columns (Columns): What its rows hold.
    RAISES (OSError): Where there can't be such a file, or it is another user's.
    """

    # The system drops all locks of a process on a file when the process closes any descriptor of that file. So
    # there is one table for each file in a process, and one descriptor.

    def __init__(self, path: Path, columns: Columns):
        if fcntl is None:
            raise OSError("this system has no file locks that end with their process")
        self._pid = os.getpid()
        self._columns = columns
        self._lock = threading.RLock()
        self._depth = 0
        self._looked_at = 0.0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        found = os.fstat(self._file)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            os.close(self._file)
            raise OSError(f"'{path}' is another user's")
        with self.exclusive():
            self._number = self._take_row()
            self._row = self._read_row(self._number)
            self._clear(self._row, self._number)

    def close(self) -> None:
        """Let the row go. In a forked process this does nothing: the row is the parent's."""
        if self._file >= 0 and self._pid == os.getpid():
            with self.exclusive():
                self._clear(self._row, self._number)
            os.close(self._file)
            self._file = -1

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep all others from changing what all read; it may be nested."""
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                fcntl.lockf(self._file, fcntl.LOCK_EX, 1, _EXCLUSIVE)
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _EXCLUSIVE)

    def __getitem__(self, column: str) -> float:
        return self._row[column]

    def set(self, **values: float) -> None:
        """Set numbers of this process's row."""
        with self._lock:
            self._row.update(values)
            self._write(self._row, self._number)

    def add(self, **amounts: float) -> None:
        """Add to numbers of this process's row."""
        with self._lock:
            for name, amount in amounts.items():
                self._row[name] += amount
            self._write(self._row, self._number)

    def others(self) -> list[dict[str, float]]:
        """RETURNS (list[dict[str, float]]): The other processes' rows; those of dead ones are cleared now and then."""
        with self.exclusive():
            now = time.monotonic()
            is_time = now - self._looked_at >= _BETWEEN_LOOKS
            if is_time:
                self._looked_at = now
            rows = self._read_rows()
            for number, row in enumerate(rows):
                if number != self._number and is_time and any(row[name] for name in self._columns.current):
                    self._clear_if_dead(row, number)
            return [row for number, row in enumerate(rows) if number != self._number]

    def totals(self) -> dict[str, float]:
        """RETURNS (dict[str, float]): The sums of all processes, those that are gone included."""
        rows = self._read_rows()
        return {name: sum(row[name] for row in rows) for name in self._columns.totals}

    def change_cell(self, number: int, change: Callable[[float], float]) -> None:
        """Replace one of the numbers that all share.

        number (int): Which, below CELLS.
        change (Callable): From the old to the new.
        """
        with self.exclusive():
            (old,) = self._read(number, 1) or (0.0,)
            os.pwrite(self._file, array("d", [change(old)]).tobytes(), number * _BYTES)

    def _take_row(self) -> int:
        number = 0
        while not self._holds(number):
            number += 1
        return number

    def _holds(self, number: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 1 + number)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _clear_if_dead(self, row: dict[str, float], number: int) -> None:
        if self._holds(number):
            self._clear(row, number)
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, 1 + number)

    def _clear(self, row: dict[str, float], number: int) -> None:
        row.update(dict.fromkeys(self._columns.current, 0.0))
        self._write(row, number)

    def _read(self, first: int, numbers: int) -> array:
        found = array("d")
        data = os.pread(self._file, min(numbers * _BYTES, _MOST_BYTES), first * _BYTES)
        found.frombytes(data[: len(data) // _BYTES * _BYTES])
        return found

    def _read_row(self, number: int) -> dict[str, float]:
        width = len(self._columns.names)
        values = self._read(CELLS + number * width, width)
        values.extend([0.0] * (width - len(values)))
        return dict(zip(self._columns.names, values, strict=True))

    def _read_rows(self) -> list[dict[str, float]]:
        names, width = self._columns.names, len(self._columns.names)
        values = self._read(CELLS, _MOST_BYTES)
        return [
            dict(zip(names, values[start : start + width], strict=True))
            for start in range(0, len(values) - width + 1, width)
        ]

    def _write(self, row: dict[str, float], number: int) -> None:
        values = array("d", [row[name] for name in self._columns.names])
        os.pwrite(self._file, values.tobytes(), (CELLS + number * len(values)) * _BYTES)
