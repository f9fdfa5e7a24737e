"""The tables of a store, as SQLite and PostgreSQL both make them."""

VERSION = 3
# `position` numbers inferences and feedback together, in the order in which they were committed; `positions` has one
# row, with the last number. `totals` has what would else be added up of all rows.
TABLES = """
CREATE TABLE IF NOT EXISTS schema_modes (
    base_url TEXT NOT NULL,
    model TEXT NOT NULL,
    mode TEXT NOT NULL,
    created DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (base_url, model)
);
CREATE TABLE IF NOT EXISTS positions (position BIGINT NOT NULL);
INSERT INTO positions (position) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM positions);
CREATE TABLE IF NOT EXISTS inferences (
    position BIGINT NOT NULL UNIQUE,
    id TEXT PRIMARY KEY,
    episode TEXT NOT NULL,
    variant TEXT NOT NULL,
    probability DOUBLE PRECISION NOT NULL,
    fallback_of TEXT NOT NULL,
    text TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    labels TEXT NOT NULL,
    format TEXT NOT NULL,
    model TEXT NOT NULL,
    request_keys TEXT NOT NULL,
    keys_hash TEXT NOT NULL,
    entities TEXT NOT NULL,
    scores TEXT NOT NULL,
    valid BIGINT NOT NULL,
    failure TEXT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    cost DOUBLE PRECISION,
    created DOUBLE PRECISION NOT NULL,
    external TEXT NOT NULL,
    component TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inferences_by_text ON inferences (text_hash);
CREATE INDEX IF NOT EXISTS inferences_by_episode ON inferences (episode);
CREATE INDEX IF NOT EXISTS inferences_by_keys ON inferences (keys_hash, episode);
CREATE TABLE IF NOT EXISTS draws (
    episode TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    component TEXT NOT NULL,
    variants TEXT NOT NULL,
    variant TEXT NOT NULL,
    probability DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (episode, text_hash, component, variants)
);
CREATE TABLE IF NOT EXISTS metrics (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    level TEXT NOT NULL,
    optimize TEXT NOT NULL,
    lower DOUBLE PRECISION,
    upper DOUBLE PRECISION
);
CREATE TABLE IF NOT EXISTS feedback (
    position BIGINT NOT NULL UNIQUE,
    id TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    metric TEXT NOT NULL,
    number DOUBLE PRECISION,
    content TEXT,
    created DOUBLE PRECISION NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_by_target ON feedback (target, metric, position);
CREATE INDEX IF NOT EXISTS feedback_by_metric ON feedback (metric, position);
CREATE TABLE IF NOT EXISTS totals (
    metric TEXT NOT NULL,
    component TEXT NOT NULL,
    variant TEXT NOT NULL,
    inferences BIGINT NOT NULL,
    total DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (metric, component, variant)
);
CREATE TABLE IF NOT EXISTS dry_texts (text_hash TEXT PRIMARY KEY)
"""
# Replies are numbered by SQLite's own `rowid`; for PostgreSQL it is a column.
REPLIES = """
CREATE TABLE IF NOT EXISTS replies (
    {rowid}id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    mode TEXT NOT NULL,
    logprobs TEXT,
    created DOUBLE PRECISION NOT NULL,
    status TEXT NOT NULL DEFAULT '',
    gateway TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS replies_by_key ON replies (key)
"""


def statements(*scripts: str) -> list[str]:
    """RETURNS (list[str]): The statements of scripts, one by one."""
    found = [statement.strip() for script in scripts for statement in script.split(";")]
    return [statement for statement in found if statement]
