"""How long a server asks to wait, in its headers or in words."""

import re
import time
from collections.abc import Mapping
from datetime import datetime

from spacy_ner_plus.llm.client.retries import read_retry_after

# How the headers of limits begin.
HEADERS = ("retry-after", "x-ratelimit-", "anthropic-ratelimit-", "ratelimit-")
_RESET = re.compile(r"^(?:x-|anthropic-)?ratelimit-(?:reset(?:-[\w-]+)?|[\w-]+-reset)$")
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|millisecond|h|m|s|d)", re.IGNORECASE)
_IN_WORDS = re.compile(
    r"(?:try again|retry|retrying|resets?|available|wait)(?: \w+)? (?:in|after|for) "
    r"((?:(?:an?|\d[\d.]*)\s*[a-z]+[ ,]*)+)",
    re.IGNORECASE,
)
_SECONDS = {"ms": 0.001, "millisecond": 0.001, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
# Numbers above these are moments, in seconds and in milliseconds since 1970.
_MOMENT, _MOMENT_MS = 1e9, 1e12


def asked_wait(headers: Mapping[str, str], message: str = "") -> float | None:
    """Find out how long a server that refused a request asks to wait.

    headers (Mapping[str, str]): By names in lower case.
    message (str): What it said.
    RETURNS (float | None): Seconds from now; None where it doesn't say.
    """
    if (milliseconds := read_retry_after(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    if (seconds := read_retry_after(headers.get("retry-after", ""))) is not None:
        return seconds
    if found := _IN_WORDS.search(message):
        words = re.sub(r"\ban?\b", "1", found[1], flags=re.IGNORECASE)
        if (seconds := read_duration(words)) is not None:
            return seconds
    exhausted, others = [], []
    for name, value in headers.items():
        if _RESET.match(name) and (seconds := read_duration(value)) is not None:
            remaining = headers.get(name.replace("reset", "remaining"), "").strip()
            (exhausted if remaining == "0" else others).append(seconds)
    return max(exhausted) if exhausted else min(others, default=None)


def read_duration(value: str) -> float | None:
    """RETURNS (float | None): Seconds from now of '6m0s', '20ms', '12', or of a moment; None where it is neither."""
    value = value.strip()
    try:
        number = float(value)
    except ValueError:
        number = None
    if number is not None:
        if not 0 <= number < float("inf"):
            return None
        moment = number / 1000 if number > _MOMENT_MS else number
        return max(0.0, moment - time.time()) if number > _MOMENT else number
    try:
        return max(0.0, datetime.fromisoformat(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        parts = _PART.findall(value)
    return sum(float(count) * _SECONDS[unit.lower()] for count, unit in parts) if parts else None
