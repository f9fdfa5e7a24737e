"""Which process has something, and whether it still runs."""

import multiprocessing
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class RunningProcess:
    """A process, known again although numbers are used again.

    pid (int): Its number.
    started (str): When, as the system counts; '' where it doesn't tell.
    """

    pid: int
    started: str

    @classmethod
    def this(cls) -> Self:
        """RETURNS (RunningProcess): The one that asks."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Self:
        """RETURNS (RunningProcess): The one that has a number now."""
        return cls(pid, _started(pid))

    def runs(self) -> bool:
        """RETURNS (bool): Whether it still does; one that ended and wasn't waited for doesn't."""
        if os.name != "posix":  # where there are no forks: it is the one that started this one
            parent = multiprocessing.parent_process()
            return self.pid == os.getpid() or (parent is not None and parent.is_alive())
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return _started(self.pid) == self.started


def is_orphan() -> bool:
    """RETURNS (bool): Whether this process was started as a worker, by one that is gone."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _started(pid: int) -> str:
    # man 5 proc: after the name in brackets, which may hold anything, state is field 3 and the start 22.
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]
