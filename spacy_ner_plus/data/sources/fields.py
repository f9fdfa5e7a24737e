"""Values of JSON records as tools write them: offsets and scores as numbers or strings, and keys that nobody reads."""

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from spacy_ner_plus.issues import IssueLog

WHOLE = re.compile(r"\s*[+-]?\d{1,18}(\.0+)?\s*")
NOTHING = (None, "", [], {})


def as_offset(value: Any) -> int | None:
    """RETURNS (int | None): A whole number, also where it is written as 5.0 or "5"; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value.partition(".")[0])
    return None


def as_score(value: Any) -> float | None:
    """RETURNS (float | None): A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def as_name(value: Any) -> str:
    """RETURNS (str): A string or a whole number as text, such as an id; '' for anything else."""
    is_name = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip() if is_name else ""


def left_over(record: Mapping[str, Any], read: Collection[str]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The keys of a record that a format doesn't read, as they stand."""
    return {key: value for key, value in record.items() if key not in read}


def count_span_keys(span: Mapping[str, Any], read: Collection[str], issues: IssueLog, where: str) -> None:
    """Count each key of a span that has a value and no place on a Doc, a kind for each key."""
    for key, value in span.items():
        if key not in read and value not in NOTHING:
            issues.add(f"key of spans that isn't kept: {key}", repr(value)[:60], where)
