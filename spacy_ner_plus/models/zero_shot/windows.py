"""Long texts in windows of words, as the model cuts words, and what was found in them put together."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, NamedTuple, Protocol, TypeVar

# Where a stretch of text ends that is read by itself.
_ENDS = {"lines": re.compile(r"\n"), "paragraphs": re.compile(r"\n[^\S\n]*\n")}
Ends = Literal["anywhere", "lines", "paragraphs"]


class Word(NamedTuple):
    """A word as the model cuts it, with its place in the text by character."""

    text: str
    start: int
    end: int


class Stretch(NamedTuple):
    """Words from the first to the one after the last."""

    start: int
    end: int


@dataclass(frozen=True)
class Windowing:
    """How texts are laid out.

    longest (int): Most words of a window.
    overlap (int): How many words neighbouring windows share; at most half of what the window has.
    ends (str): Where a window has to end: 'anywhere', or at the ends of 'lines' or 'paragraphs', which then share
        nothing with each other.
    pieces (int): Most wordpieces of a window.
    """

    longest: int
    overlap: int
    ends: Ends = "anywhere"
    pieces: int = 10**9


class WordSpan(Protocol):
    """A stretch of words that something was found in."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


S = TypeVar("S", bound=WordSpan)


def lay_windows(
    text: str, words: Sequence[Word], windowing: Windowing, sizes: Sequence[int]
) -> list[list[Stretch]]:
    """Lay a text out in windows.

    sizes (Sequence[int]): How many wordpieces each word has.
    RETURNS (list[list[Stretch]]): For each part of the text that is read by itself, its windows. Every word is in one.
        A word that has more pieces than a window takes is a window of its own.
    """
    return [list(_windows(part, windowing, sizes)) for part in _parts(text, words, windowing.ends)]


def _parts(text: str, words: Sequence[Word], ends: Ends) -> Iterator[Stretch]:
    if not words:
        return
    start = 0
    if ends != "anywhere":
        for i in range(1, len(words)):
            if _ENDS[ends].search(text, words[i - 1].end, words[i].start):
                yield Stretch(start, i)
                start = i
    yield Stretch(start, len(words))


def _windows(part: Stretch, windowing: Windowing, sizes: Sequence[int]) -> Iterator[Stretch]:
    start = part.start
    while True:
        end = _reach(start, part.end, windowing, sizes)
        yield Stretch(start, end)
        if end == part.end:
            return
        # Where pieces are many and a window has few words, it isn't all overlap.
        shared = max(end - min(windowing.overlap, (end - start) // 2), start + 1)
        # In front of a word that no window holds with others there is nothing to share.
        start = shared if _reach(shared, part.end, windowing, sizes) > end else end


def _reach(start: int, last: int, windowing: Windowing, sizes: Sequence[int]) -> int:
    end = min(start + windowing.longest, last)
    left = windowing.pieces
    for i in range(start, end):
        left -= sizes[i]
        if left < 0:
            return max(i, start + 1)
    return end


def merge_windows(windows: Sequence[Stretch], found: Sequence[Sequence[S]]) -> Iterator[S]:
    """Put together what was found in windows that overlap, without doubles.

    Of several windows that hold the whole of a stretch of words, that one decides in which it is the farthest from an
    end where text was cut off, and of equals the first: whatever is found or not found there holds. So a span of up
    to as many words as windows share is seen whole by the window that decides, and one of up to half as many has
    at least a quarter of the overlap around it.

    windows (Sequence[Stretch]): Those of one part, as `lay_windows` gives them.
    found (Sequence[Sequence[WordSpan]]): For each window what was found in it, by the words of the text.
    YIELDS (WordSpan): What holds, in the order of windows.
    """
    for own, spans in enumerate(found):
        for span in spans:
            context = _context(windows, own, span)
            if all(
                (context, -own) > (_context(windows, other, span), -other)
                for other in _others(windows, own, span)
            ):
                yield span


def _others(windows: Sequence[Stretch], own: int, span: WordSpan) -> Iterator[int]:
    """The other windows that hold a whole span; they lie around the one it was found in."""
    for number in range(own - 1, -1, -1):
        if windows[number].end < span.end:
            break
        yield number
    for number in range(own + 1, len(windows)):
        if windows[number].start > span.start:
            break
        yield number


def _context(windows: Sequence[Stretch], number: int, span: WordSpan) -> float:
    before = span.start - windows[number].start if number else inf
    after = windows[number].end - span.end if number < len(windows) - 1 else inf
    return min(before, after)
