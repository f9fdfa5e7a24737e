"""What was measured on this machine, kept in the user's cache folder from one process to the next.

A cache: where there is no file, or none can be written, or it holds something else, it is measured again.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy_ner_plus.cache_folder import cache_folder
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.files import write_whole

_NAME = "measurements.json"
# 2: training is measured for longer, so that what was found before may be wrong.
_FORMAT = 2
# The latest of them.
_MOST = 200

Key = Mapping[str, Any]


def measurement_file() -> Path | None:
    """RETURNS (Path | None): Where measurements are kept; None where the user wants none kept, or has no home."""
    folder = cache_folder()
    return None if folder is None else folder / _NAME


def read_measurement(key: Key) -> dict[str, Any] | None:
    """Look up what was measured.

    key (Key): On what machine, of what network, and how; of what JSON has.
    RETURNS (dict[str, Any] | None): `seconds` by name, which may be infinite, for so many `wordpieces`; None where
        there is nothing, or nothing plausible.
    """
    kept = [entry for entry in _read() if entry["key"] == key]
    return _values_of(kept[-1]) if kept else None


def keep_measurement(key: Key, seconds: Mapping[str, float], wordpieces: int) -> None:
    """Keep what was measured, in place of what was kept for the key.

    Where two processes do this at once, what one of them has measured may be lost, and is measured again.

    seconds (Mapping[str, float]): By name.
    wordpieces (int): For how many.
    """
    path = measurement_file()
    if path is None:
        return
    finite = {name: None if math.isinf(value) else value for name, value in seconds.items()}
    entries = [entry for entry in _read() if entry["key"] != key]
    entries.append({"key": key, "seconds": finite, "wordpieces": wordpieces})
    text = json.dumps({"format": _FORMAT, "measurements": entries[-_MOST:]}, indent=1)
    try:
        write_whole(path, text.encode("utf8"))
    except (UserError, OSError):
        # Nothing can be written there: the next process measures for itself.
        return


def _read() -> list[dict[str, Any]]:
    path = measurement_file()
    try:
        found = json.loads(path.read_text(encoding="utf8")) if path is not None else None
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        return []
    entries = found.get("measurements")
    return [entry for entry in entries if _is_plausible(entry)] if isinstance(entries, list) else []


def _is_plausible(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), dict):
        return False
    seconds, wordpieces = entry.get("seconds"), entry.get("wordpieces")
    if not isinstance(seconds, dict) or isinstance(wordpieces, bool) or not isinstance(wordpieces, int):
        return False
    numbers = [value for value in seconds.values() if value is not None]
    are_numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
    return wordpieces > 0 and bool(numbers) and are_numbers and all(0 < n < math.inf for n in numbers)


def _values_of(entry: dict[str, Any]) -> dict[str, Any]:
    seconds = {name: math.inf if value is None else float(value) for name, value in entry["seconds"].items()}
    return {"seconds": seconds, "wordpieces": entry["wordpieces"]}
