"""Docs as overlapping windows of wordpieces, each token read where it has most context."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.models.encoders.tokenization import BatchText, Wordpieces
from spacy_ner_plus.models.inputs.layout import Layout, Windowing, even_layout, sentence_layout
from spacy_ner_plus.models.inputs.text_borders import NO_BORDER, borders
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
    before = None
    if windowing.sentence_overlap is not None and max(pieces.counts, default=0) > windowing.size:
        before = np.full(len(pieces.ids), NO_BORDER)
        before[places] = borders(batch, tokens)
    heads = np.cumsum([0, *pieces.counts]).tolist()
    bounds = np.searchsorted(places, heads).tolist()
    windows: list[Window] = []
    for i, count in enumerate(pieces.counts):
        if bounds[i] == bounds[i + 1]:
            continue
        whole = _slice(everything, heads[i], heads[i + 1], bounds[i], bounds[i + 1])
        if count <= windowing.size:
            windows.append(whole)
        elif before is None:
            windows += _cut(whole, even_layout(count, windowing), windowing.lead, separator)
        else:
            layout = sentence_layout(before[heads[i] : heads[i + 1]], windowing)
            windows += _cut(whole, layout, windowing.lead, separator)
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


def _cut(whole: Window, layout: Layout, lead: int, separator: Sequence[int]) -> Iterator[Window]:
    """Cut a document that is longer than a window."""
    cuts = np.searchsorted(whole.places, layout.takeover, side="left")
    begin = 0
    for start, end, cut in zip(layout.starts.tolist(), layout.ends.tolist(), cuts.tolist(), strict=True):
        if cut > begin:
            part = _slice(whole, start, end, begin, cut)
            shown = min(lead, start)
            yield _with_lead(part, whole, shown, separator) if shown else part
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
