"""Offsets in UTF-16 units, as JavaScript, Java and many tools count: an emoji has two, most characters have one."""

from collections.abc import Sequence
from itertools import accumulate


def is_wide(text: str) -> bool:
    """RETURNS (bool): Whether a text has a character of two units, so that its offsets differ from those in code
    points."""
    return not text.isascii() and max(text) > "\uffff"


def utf16_offsets(text: str) -> Sequence[int]:
    """Turn offsets in code points into those in UTF-16 units.

    RETURNS (Sequence[int]): For each offset from 0 to the text's length, as many units.
    """
    if not is_wide(text):
        return range(len(text) + 1)
    return list(accumulate((2 if char > "\uffff" else 1 for char in text), initial=0))
