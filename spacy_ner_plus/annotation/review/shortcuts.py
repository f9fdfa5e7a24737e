"""Keys by which people choose labels: the first free letter of each, else a digit."""

from collections.abc import Sequence

DIGITS = "1234567890"


def shortcuts(labels: Sequence[str]) -> dict[str, str]:
    """Give each label a key.

    RETURNS (dict[str, str]): A lower-case letter of its name, a digit where none is free, '' where no digit is.
    """
    found: dict[str, str] = {}
    for label in labels:
        letters = [char for char in label.lower() if char.isascii() and char.isalpha()]
        free = (key for key in (*letters, *DIGITS) if key not in found.values())
        found[label] = next(free, "")
    return found
