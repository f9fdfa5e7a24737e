"""SQLite files that several processes share, and that give way where they are damaged."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """RETURNS (int): The value of a PRAGMA, such as 'user_version'."""
    with closing(connection.execute(f"PRAGMA {name}")) as rows:
        return rows.fetchone()[0]


def use_wal(connection: sqlite3.Connection, seconds: float) -> None:
    """Let processes read while one writes, and nothing that was committed be lost when one is killed.

    seconds (float): How long to wait for another process that opens the file, too: SQLite doesn't do so here.
    RAISES (sqlite3.OperationalError): Where it doesn't get ready in time.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            connection.execute("PRAGMA synchronous=NORMAL")
            return


def is_damaged(error: sqlite3.Error) -> bool:
    """RETURNS (bool): Whether an error says that the file is damaged or none of SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def set_aside(path: Path) -> Path:
    """Rename a file, with those that SQLite keeps beside it.

    RETURNS (Path): The name that it has now, which nothing had before.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    aside, number = path.with_name(f"{path.name}.damaged-{stamp}"), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for ending in ("", "-wal", "-shm"):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(aside.with_name(aside.name + ending))
    return aside
