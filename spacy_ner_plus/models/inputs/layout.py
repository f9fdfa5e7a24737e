"""Where a document's windows begin and end, and which wordpieces are read in each."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.models.inputs.text_borders import LINE, SENTENCE


@dataclass(frozen=True)
class Windowing:
    """How documents are cut into windows.

    size (int): Longest window, in wordpieces, special tokens not counted.
    overlap (int): How many wordpieces neighbouring windows share at least, where no sentence or line begins.
    lead (int): How many of the document's first wordpieces stand before each later window, as
        far as they lie before it: a title says what the text is about.
    sentence_overlap (int | None): How many they share where the later one begins to read with a sentence: what
        stands before it, at most half of `overlap`. None: windows are equally long, wherever sentences end.
    """

    size: int
    overlap: int
    lead: int = 0
    sentence_overlap: int | None = None

    @property
    def longest(self) -> int:
        """RETURNS (int): The most wordpieces of a window with its lead and a separator."""
        return self.size + (self.lead + 1 if self.lead else 0)


class Layout(NamedTuple):
    """The windows of one document.

    starts (Ints1d): Their first wordpieces, of shape (windows,).
    ends (Ints1d): Where they end.
    takeover (Ints1d): Where the next window begins to read, so that each wordpiece is read in one; the
        document's length for the last.
    """

    starts: np.ndarray
    ends: np.ndarray
    takeover: np.ndarray


def even_layout(length: int, windowing: Windowing) -> Layout:
    """Lay equally long windows over a document.

    length (int): How many wordpieces the document has.
    RETURNS (Layout): Each takes over half-way through what two share, so that
        each wordpiece is read in the window where it has most context.
    """
    size, overlap = windowing.size, windowing.overlap
    count = max(1, -(-(length - overlap) // (size - overlap)))
    width = -(-(length + (count - 1) * overlap) // count)
    starts = np.round(np.linspace(0, max(length - width, 0), count)).astype(np.int64)
    ends = np.minimum(starts + width, length)
    takeover = np.append((starts[1:] + ends[:-1]) // 2, length)
    return Layout(starts, ends, takeover)


def sentence_layout(borders: np.ndarray, windowing: Windowing) -> Layout:
    """Lay windows over a document, about equally long, that end with sentences.

    What a window reads then ends with its last wordpiece, while the next one shows `sentence_overlap` before what
    it reads: what comes before tells more of a sentence than what comes after. Where no sentence begins within a
    quarter of a window from where the next would, were all of them equally long, it begins with a line, and both
    show `sentence_overlap` beyond what they read, since lines break within sentences, too. Where there is none
    either, it begins anywhere, and they share `overlap` around it.

    borders (Ints1d): What stands before each wordpiece, as `text_borders.borders` names it, of shape (wordpieces,).
    RETURNS (Layout): The windows.
    """
    length, size, overlap = len(borders), windowing.size, windowing.overlap
    before = overlap // 2
    shown = min(windowing.sentence_overlap or 0, before)
    # What the window before and the later one show beyond what they read.
    by_border = (
        (np.flatnonzero(borders == SENTENCE), 0, shown),
        (np.flatnonzero(borders == LINE), shown, shown),
    )
    starts, ends, takeover = [0], [], []
    while length - starts[-1] > size:
        start = starts[-1]
        for places, show_after, show_before in by_border:
            even = start + _even_width(length - start, size, show_before + show_after) - show_after
            # Beyond what any two windows share, so that each goes further than the one before it.
            low, high = max(even - size // 4, start + overlap + 1), even + size // 4
            place = _nearest(places, even, low, min(high, start + size - show_after))
            if place is not None:
                break
        else:
            show_after, show_before = overlap - before, before
            place = start + _even_width(length - start, size, overlap) - show_after
        starts.append(place - show_before)
        ends.append(place + show_after)
        takeover.append(place)
    return Layout(
        *(np.array(some, dtype=np.int64) for some in (starts, [*ends, length], [*takeover, length]))
    )


def _even_width(length: int, size: int, overlap: int) -> int:
    """RETURNS (int): The width of as few equally wide windows as cover a length."""
    count = 1 + -(-(length - size) // (size - overlap))
    return -(-(length + (count - 1) * overlap) // count)


def _nearest(places: np.ndarray, target: int, low: int, high: int) -> int | None:
    """RETURNS (int | None): Of the places from low to high that nearest to a target; the first of two."""
    first, last = np.searchsorted(places, (low, high + 1))
    if first >= last:
        return None
    some = places[first:last]
    return int(some[np.argmin(np.abs(some - target))])
