"""Replies of models that go round in circles until the limit of tokens."""

import re

# How much of a reply's end is looked at, and how much of that has to be one stretch again and again, how often.
_LOOKED_AT, _LEAST, _TIMES = 2000, 400, 8
_DIGITS = re.compile(r"[0-9]+")
_WORDS = re.compile(r"\w+")


def repeats_itself(reply: str, text: str) -> bool:
    """Find out whether a reply ends with the same again and again, numbers left aside, which its text doesn't have.

    text (str): The text that was asked about.
    """
    end = _DIGITS.sub("0", reply[-_LOOKED_AT:])
    length, period = _periodic_end(end)
    if length < _LEAST or length < _TIMES * period:
        return False
    # A text may name the same place a hundred times.
    words = _WORDS.findall(end[-period:])
    return not any(len(word) > 1 and text.count(word) >= length // period for word in words)


def _periodic_end(text: str) -> tuple[int, int]:
    """RETURNS (tuple[int, int]): How long the longest end is that repeats a stretch, and the length of that stretch.

    By the borders of the prefixes of the reversed text (Knuth, Morris & Pratt 1977).
    """
    reverse = text[::-1]
    border = [0] * len(reverse)
    best = (0, 1)
    for i in range(1, len(reverse)):
        k = border[i - 1]
        while k and reverse[i] != reverse[k]:
            k = border[k - 1]
        border[i] = k + (reverse[i] == reverse[k])
        period = i + 1 - border[i]
        if i + 1 >= 2 * period:
            best = (i + 1, period)
    return best
