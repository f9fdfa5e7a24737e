"""Docs as overlapping windows of wordpieces, each token read where it has most context."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.models.encoders.tokenization import BatchText, Wordpieces
from spacy_ner_plus.models.inputs.token_pieces import token_places
from spacy_ner_plus.models.inputs.word_shape import case_patterns, line_starts


class Window(NamedTuple):
    """A stretch of one document's wordpieces, and the tokens that are read in it.

    ids (Ints1d): Wordpiece ids without the special tokens around them, of shape (length,); the
        document's lead and a separator first, where the window is a later one.
    cases (Ints1d): Case pattern of the word that each wordpiece is part of.
    lines (Ints1d): 1 where a wordpiece begins the first word of a line, else 0.
    places (Ints1d): Where in the window each token's first wordpiece stands,
        of shape (tokens,).
    tokens (Ints1d): Index of each of these tokens in the whole batch.
    """

    ids: np.ndarray
    cases: np.ndarray
    lines: np.ndarray
    places: np.ndarray
    tokens: np.ndarray


@dataclass(frozen=True)
class Windowing:
    """How documents are cut into windows.

    size (int): Longest window, in wordpieces, special tokens not counted.
    overlap (int): How many wordpieces neighbouring windows share at least.
    lead (int): How many of the document's first wordpieces stand before each later window, as
        far as they lie before it: a title says what the text is about.
    """

    size: int
    overlap: int
    lead: int = 0

    @property
    def longest(self) -> int:
        """RETURNS (int): The most wordpieces of a window with its lead and a separator."""
        return self.size + (self.lead + 1 if self.lead else 0)


def window_bounds(length: int, windowing: Windowing) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay equally long windows over a document.

    length (int): How many wordpieces the document has.
    RETURNS (tuple[Ints1d, Ints1d, Ints1d]): The windows' starts, their ends, and
        where the next window takes over: half-way through what two share, so that
        each wordpiece is read in the window where it has most context.
    """
    size, overlap = windowing.size, windowing.overlap
    count = max(1, -(-(length - overlap) // (size - overlap)))
    width = -(-(length + (count - 1) * overlap) // count)
    starts = np.round(np.linspace(0, max(length - width, 0), count)).astype(np.int64)
    ends = np.minimum(starts + width, length)
    takeover = np.append((starts[1:] + ends[:-1]) // 2, length)
    return starts, ends, takeover


def make_windows(
    batch: BatchText,
    pieces: Wordpieces,
    windowing: Windowing,
    *,
    separator: Sequence[int] = (),
    with_cases: bool = True,
    with_lines: bool = True,
) -> list[Window]:
    """Cut a batch of texts into windows.

    separator (Sequence[int]): Ids that stand after a lead, one at most.
    with_cases (bool): Whether case patterns are wanted; zeros if not.
    with_lines (bool): Whether the beginnings of lines are wanted; zeros if not.
    RETURNS (list[Window]): Windows in order; every token that has a wordpiece
        is read in exactly one of them.
    """
    token_of, first_piece = token_places(batch, pieces)
    tokens = np.flatnonzero(first_piece >= 0)
    # First wordpieces never fall back as tokens go forward, so each window's tokens are a slice.
    places = first_piece[tokens]
    cases, lines = np.zeros((2, len(pieces.ids)), dtype=np.int64)
    if with_cases:
        known = np.flatnonzero(token_of >= 0)
        cases[known] = case_patterns(batch)[token_of[known]]
    if with_lines:
        lines[places] = line_starts(batch)[tokens]
    everything = Window(pieces.ids, cases, lines, places, tokens)
    heads = np.cumsum([0, *pieces.counts])
    bounds = np.searchsorted(places, heads).tolist()
    windows: list[Window] = []
    for i, count in enumerate(pieces.counts):
        if bounds[i] < bounds[i + 1]:
            whole = _slice(everything, heads[i], heads[i + 1], bounds[i], bounds[i + 1])
            windows += [whole] if count <= windowing.size else _cut(whole, windowing, separator)
    return windows


def _slice(window: Window, start: int, end: int, first: int, last: int) -> Window:
    """Take wordpieces from start to end, with the tokens that are numbers first to last of the window's."""
    return Window(
        window.ids[start:end],
        window.cases[start:end],
        window.lines[start:end],
        window.places[first:last] - start,
        window.tokens[first:last],
    )


def _cut(whole: Window, windowing: Windowing, separator: Sequence[int]) -> Iterator[Window]:
    """Cut a document that is longer than a window."""
    starts, ends, takeover = window_bounds(len(whole.ids), windowing)
    cuts = np.searchsorted(whole.places, takeover, side="left")
    begin = 0
    for start, end, cut in zip(starts.tolist(), ends.tolist(), cuts.tolist(), strict=True):
        if cut > begin:
            part = _slice(whole, start, end, begin, cut)
            lead = min(windowing.lead, start)
            yield _with_lead(part, whole, lead, separator) if lead else part
        begin = cut


def _with_lead(part: Window, whole: Window, lead: int, separator: Sequence[int]) -> Window:
    between = np.array(separator, dtype=np.int64)
    no_features = np.zeros_like(between)
    return Window(
        np.concatenate((whole.ids[:lead], between, part.ids)),
        np.concatenate((whole.cases[:lead], no_features, part.cases)),
        np.concatenate((whole.lines[:lead], no_features, part.lines)),
        part.places + lead + len(between),
        part.tokens,
    )
