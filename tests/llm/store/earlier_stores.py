"""Stores as earlier versions wrote them."""

import sqlite3
from contextlib import closing
from pathlib import Path

_NEW = ("inferences", "draws", "metrics", "feedback", "totals", "dry_texts", "positions")
_TO_2 = """
ALTER TABLE replies DROP COLUMN gateway;
ALTER TABLE replies RENAME TO inferences;
ALTER TABLE schema_modes RENAME TO dialects;
DROP INDEX replies_by_key;
CREATE INDEX inferences_by_key ON inferences (key);
PRAGMA user_version = 2
"""


def as_version(path: Path, version: int) -> Path:
    """Give the replies of a store the tables of an earlier version."""
    with closing(sqlite3.connect(path)) as connection:
        for table in _NEW:
            connection.execute(f"DROP TABLE {table}")
        connection.executescript(_TO_2)
        if version == 1:
            connection.executescript("ALTER TABLE inferences DROP COLUMN status; PRAGMA user_version = 1")
    return path
