"""Spelling differences that don't matter, taken out of a text, with the way back to its offsets.

Models copy with small changes: other case, straight for typographic quotes, one space for a line
break, none before a full stop. In the normalised form both spellings are the same: NFKC and case
folding (Unicode, UAX #15 and section 3.13), one kind of quotes and dashes, no invisible
characters, white space as one space, and none of it beside punctuation.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property, lru_cache

APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u2035\u00b4`\u02bc\u02b9\uff07\u2039\u203a"
QUOTES = "\u201c\u201d\u201e\u201f\u2033\u2036\u00ab\u00bb\uff02\u301d\u301e"
DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d"
SAME = str.maketrans(
    dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(QUOTES, '"') | dict.fromkeys(DASHES, "-")
)
# Vowels and final consonants of Hangul, which join the character before them.
JAMO = range(0x1160, 0x1200)
SPACE = re.compile(r"\s+")
# In text with single spaces, ASCII and other. They begin with what is searched for, which is much faster.
BESIDE_PUNCTUATION = re.compile(r" (?:(?![a-z0-9])|(?<![a-z0-9] ))")
BESIDE_OTHERS = re.compile(r" (?:(?![^\W_])|(?<![^\W_] ))")


class Normalised:
    """A text in normalised form.

    text (str): The normalised form.
    starts (list[int]): For each of its characters, where what it comes from begins in the original.
    ends (list[int]): And where that ends.
    """

    def __init__(self, original: str):
        if original.isascii():
            self._original = original
            self.text = _normalise_ascii(original)
        else:
            self._from_unicode(original)

    @cached_property
    def starts(self) -> list[int]:
        self._find_offsets()
        return self.starts

    @cached_property
    def ends(self) -> list[int]:
        self._find_offsets()
        return self.ends

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Find the place in the original that a stretch of the normalised form comes from.

        start (int): Offset in `text`.
        end (int): Offset after its last character, above `start`.
        RETURNS (tuple[int, int]): The offsets in the original, of whole characters.
        """
        return self.starts[start], self.ends[end - 1]

    def _find_offsets(self) -> None:
        """Of an ASCII text, when they are first needed. Its characters stay one by one, but for white space."""
        original = self._original
        starts: list[int] = []
        ends: list[int] = []
        at = 0
        for space in SPACE.finditer(original):
            begin, after = space.span()
            starts += range(at, begin)
            ends += range(at + 1, begin + 1)
            if (
                begin > 0
                and after < len(original)
                and original[begin - 1].isalnum()
                and original[after].isalnum()
            ):
                starts.append(begin)
                ends.append(after)
            at = after
        self.starts = [*starts, *range(at, len(original))]
        self.ends = [*ends, *range(at + 1, len(original) + 1)]

    def _from_unicode(self, original: str) -> None:
        characters: list[str] = []
        self.starts, self.ends = [], []
        # White space waits until the character after it is known.
        space: tuple[int, int] | None = None
        for start, end, folded in _folded(original):
            for character in folded:
                if character.isspace():
                    space = (space[0] if space else start, end)
                    continue
                if space and characters and characters[-1].isalnum() and character.isalnum():
                    characters.append(" ")
                    self.starts.append(space[0])
                    self.ends.append(space[1])
                space = None
                characters.append(character)
                self.starts.append(start)
                self.ends.append(end)
        self.text = "".join(characters)


def normalise(text: str) -> str:
    """RETURNS (str): A text's normalised form, without differences of spelling that don't matter."""
    if text.isascii():
        return _normalise_ascii(text)
    return BESIDE_OTHERS.sub("", " ".join(_fold_at_once(text).split()))


def squeeze(text: str) -> str:
    """RETURNS (str): A text's normalised form without any white space, made at once and without offsets.

    What isn't in it isn't in the text, in any spelling.
    """
    folded = _with_same_signs(text).lower() if text.isascii() else _fold_at_once(text)
    return "".join(folded.split())


def _fold_at_once(text: str) -> str:
    """What `_folded` gives, put together."""
    visible = _with_same_signs(text)
    for character in set(visible):
        if not character.isascii() and unicodedata.category(character) == "Cf":
            visible = visible.replace(character, "")
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return _with_same_signs(unicodedata.normalize("NFKC", folded))


def _normalise_ascii(text: str) -> str:
    return BESIDE_PUNCTUATION.sub("", " ".join(_with_same_signs(text).lower().split()))


def _with_same_signs(text: str) -> str:
    """As `text.translate(SAME)`, which takes much longer where a text has few of these signs."""
    if not text.isascii():
        for sign in SAME.keys() & {ord(character) for character in set(text)}:
            text = text.replace(chr(sign), SAME[sign])
    return text.replace("`", "'")


def _folded(original: str) -> Iterator[tuple[int, int, str]]:
    """Cut a text where its parts fold independently of each other, and fold them."""
    start, length = 0, len(original)
    while start < length:
        end = start + 1
        while end < length and not original[start].isspace() and _joins(original[end]):
            end += 1
        yield start, end, _fold(original[start:end])
        start = end


@lru_cache(maxsize=4096)
def _joins(character: str) -> bool:
    """Whether a character may change together with the one before it."""
    if character.isascii():
        return False
    first = unicodedata.normalize("NFKD", character)[0]
    # Invisible ones go with it, so that they don't part a letter from its accent.
    return unicodedata.category(first) in ("Mn", "Mc", "Me", "Cf") or ord(first) in JAMO


@lru_cache(maxsize=4096)
def _fold(characters: str) -> str:
    # Invisible: zero-width spaces, soft hyphens, marks of direction, byte order marks.
    visible = "".join(c for c in characters.translate(SAME) if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return unicodedata.normalize("NFKC", folded).translate(SAME)
