"""The same text with other white space, and the same places in both: tools strip it, formats of tokens lose it."""

from itertools import accumulate


def without_space(text: str) -> str:
    """RETURNS (str): What a text is known by, whatever white space it has."""
    return "".join(text.split())


class OtherSpace:
    """From places in a text to those in another one that differs from it in white space alone.

    own (str): The text.
    other (str): The other one, with the same characters besides white space.
    """

    def __init__(self, own: str, other: str):
        # How many characters other than white space stand before each, and where they are in the other text.
        self._before = list(accumulate((not char.isspace() for char in own), initial=0))
        self._places = [i for i, char in enumerate(other) if not char.isspace()]

    def bounds(self, start: int, end: int) -> tuple[int, int] | None:
        """Find a stretch of the text in the other one.

        start (int): Its first character.
        end (int): After its last character.
        RETURNS (tuple[int, int] | None): Likewise, without white space at its ends; None where it holds nothing else.
        """
        first, last = self._before[start], self._before[end]
        return (self._places[first], self._places[last - 1] + 1) if first < last else None
