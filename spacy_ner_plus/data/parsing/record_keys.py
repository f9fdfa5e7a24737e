"""What a record of JSON says beside its annotation: its text, its id, and the rest, which is kept as meta."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

TEXT_KEYS = (
    "text", "data", "content", "sentence", "document", "raw_text", "utterance", "passage", "message", "context",
    "input", "sent", "txt",
)  # fmt: skip
ID_KEYS = ("id", "_id", "doc_id", "document_id", "uid", "uuid", "guid")
META = "meta"


def find_key(record: Mapping[str, Any], keys: Iterable[str], kind: type) -> str | None:
    """RETURNS (str | None): The first of some keys that a record has a value of a kind under, in any case."""
    for key in keys:
        if isinstance(record.get(key), kind):
            return key
    lower = {key.lower(): key for key in reversed(record) if isinstance(record[key], kind)}
    return next((lower[key] for key in keys if key in lower), None)


def id_of(record: Mapping[str, Any]) -> tuple[str | None, str]:
    """RETURNS (tuple[str | None, str]): The key of a record's id, and the id; None and '' where it has none."""
    for key in ID_KEYS:
        value = record.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return key, str(value)
    return None, ""


def meta_of(record: Mapping[str, Any], used: Collection[str | None]) -> dict[str, Any]:
    """Collect what else a record says, under its own names.

    What stands under `meta` is on one level with it, unless a name would stand twice.

    used (Collection[str | None]): The keys that were read.
    RETURNS (dict[str, Any]): By name; an id that isn't under 'id' is among it.
    """
    if len(used) >= len(record) and all(key in used for key in record):
        return {}
    meta = {key: value for key, value in record.items() if key not in used and key != META}
    inner = record.get(META)
    if isinstance(inner, dict) and not inner.keys() & meta.keys():
        return {**inner, **meta}
    return meta if inner is None else {**meta, META: inner}
