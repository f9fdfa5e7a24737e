"""What a source says, as a .spacy file can hold it."""

import re
from typing import Any

from spacy_ner_plus.issues import IssueLog

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Beyond, msgpack has no integers.
LEAST, MOST = -(2**63), 2**64 - 1
DEPTH = 100
SIMPLE = (bool, float, type(None))


def mended(text: str, issues: IssueLog, where: str) -> str:
    """Replace lone surrogates, which JSON can carry and no encoding can, by U+FFFD, and count them; offsets stay."""
    if text.isascii() or not LONE_SURROGATE.search(text):
        return text
    issues.add("lone surrogate", ascii(text[:40]), where)
    return LONE_SURROGATE.sub("\ufffd", text)


def storable(value: dict[str, Any], issues: IssueLog, where: str) -> dict[str, Any]:
    """Mend the values of JSON that msgpack can't hold, and count them.

    Lone surrogates become U+FFFD; integers of more than 64 bits, and what lies a hundred levels deep, become strings.

    value (dict[str, Any]): Values by name.
    RETURNS (dict[str, Any]): The same, or a mended copy.
    """
    return {mended(key, issues, where): _value(part, issues, where, DEPTH) for key, part in value.items()}


def _value(value: Any, issues: IssueLog, where: str, depth: int) -> Any:
    if isinstance(value, str):
        return mended(value, issues, where)
    if isinstance(value, SIMPLE):
        return value
    if isinstance(value, int):
        if LEAST <= value <= MOST:
            return value
        issues.add("integer of more than 64 bits, kept as text", str(value)[:40], where)
        return str(value)
    if depth and isinstance(value, list | tuple):
        return [_value(part, issues, where, depth - 1) for part in value]
    if depth and isinstance(value, dict):
        return {
            mended(str(key), issues, where): _value(part, issues, where, depth - 1)
            for key, part in value.items()
        }
    issues.add("value kept as text", repr(value)[:40], where)
    return str(value)
