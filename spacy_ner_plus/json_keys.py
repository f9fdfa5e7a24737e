"""Keys of JSON objects in what users write: Python's reader keeps the last of equal ones, and drops the others."""

from collections.abc import Sequence
from typing import Any


def unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its keys and values, as `object_pairs_hook` of Python's reader.

    RAISES (ValueError): A key that stands twice, of which one value would be lost.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it has the key '{next(name for name in names if names.count(name) > 1)}' twice")
    return found
