"""What earlier versions of an SQLite store held, brought up to date or shown as if it had been."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from spacy_ner_plus.llm.finish_reasons import read_finish_reason
from spacy_ner_plus.llm.store.engines.tables import REPLIES, TABLES, statements

# Version 1 kept replies whatever was read from them, and failures of upstreams as empty replies.
_FROM_1 = """
ALTER TABLE inferences ADD COLUMN status TEXT NOT NULL DEFAULT '';
UPDATE inferences SET status = 'cut' WHERE ended_by(finish_reason) = 'length';
DELETE FROM inferences WHERE trim(reply) = '' AND ended_by(finish_reason) <> 'length'
"""
# Version 2 called replies inferences, and took what ended by another name for an answer.
_STATUS_OF_2 = (
    "CASE WHEN ended_by(finish_reason) IN (finish_reason, 'stop') THEN status "
    "WHEN ended_by(finish_reason) = 'length' THEN 'cut' ELSE 'invalid' END"
)
_FROM_2 = f"""
ALTER TABLE inferences RENAME TO replies;
ALTER TABLE replies ADD COLUMN gateway TEXT NOT NULL DEFAULT '';
DROP INDEX IF EXISTS inferences_by_key;
ALTER TABLE dialects RENAME TO schema_modes;
UPDATE replies SET status = {_STATUS_OF_2} WHERE status <> {_STATUS_OF_2}
"""
_COLUMNS = (
    "rowid AS rowid, id, key, request, reply, finish_reason, prompt_tokens, completion_tokens, cached_tokens,"
    " seconds, mode, logprobs, created, '' AS gateway"
)
# How the replies of each are read as if they had been brought up to date.
_SEEN = {
    1: (
        f"CREATE TEMP VIEW replies AS SELECT {_COLUMNS}, CASE ended_by(finish_reason) WHEN 'length' THEN 'cut' ELSE ''"
        " END AS status FROM main.inferences WHERE trim(reply) <> '' OR ended_by(finish_reason) = 'length'"
    ),
    2: f"CREATE TEMP VIEW replies AS SELECT {_COLUMNS}, {_STATUS_OF_2} AS status FROM main.inferences",
}


def add_functions(connection: sqlite3.Connection) -> None:
    """Give a connection what the statements of this module call."""
    connection.create_function("ended_by", 1, read_finish_reason, deterministic=True)


def bring_up_to_date(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables of this version of what is there; within a transaction.

    version (int): Of what is there; 0 for nothing.
    """
    earlier = {0: (), 1: (_FROM_1, _FROM_2), 2: (_FROM_2,)}[version]
    # Not by executescript, which commits first.
    for statement in statements(*earlier, REPLIES.format(rowid=""), TABLES):
        connection.execute(statement)


def show_as_new(connection: sqlite3.Connection, version: int) -> None:
    """Show a store of an earlier version that is only read as one of this version; its file stays as it is."""
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute(_SEEN[version])
    connection.execute("CREATE TEMP VIEW schema_modes AS SELECT * FROM main.dialects")
    for statement in statements(TABLES):
        if "schema_modes" not in statement and " INDEX " not in statement:
            connection.execute(statement.replace("CREATE TABLE IF NOT EXISTS", "CREATE TEMP TABLE"))
    connection.execute("PRAGMA query_only=ON")


def back_up(path: Path, version: int) -> Path:
    """Copy a store as it is; writers have to be locked out.

    RETURNS (Path): The copy, whose name nothing had before.
    RAISES (OSError, sqlite3.Error): Where there is no room for it. Nothing half-written stays.
    """
    backup, number = path.with_name(f"{path.name}.v{version}-backup"), 1
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.v{version}-backup-{number}")
    part = path.with_name(f".{backup.name}.{os.getpid()}.part")
    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(part)) as target,
        ):
            source.backup(target)
        part.replace(backup)
    finally:
        part.unlink(missing_ok=True)
    return backup
