"""Docs as overlapping windows of wordpieces, each token read where it has most context."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from spacy_ner_plus.models.orthography import case_patterns, line_starts
from spacy_ner_plus.models.tokenization import Wordpieces


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
        far as they lie before it: a title says what is spoken of.
    """

    size: int
    overlap: int
    lead: int = 0

    @property
    def longest(self) -> int:
        """RETURNS (int): The most wordpieces of a window with its lead and a separator."""
        return self.size + (self.lead + 1 if self.lead else 0)


def token_places(doc: Doc, pieces: Wordpieces) -> tuple[np.ndarray, np.ndarray]:
    """Align wordpieces and tokens by their characters.

    doc (Doc): The Doc.
    pieces (Wordpieces): The wordpieces of its text.
    RETURNS (tuple[Ints1d, Ints1d]): For each wordpiece the token it begins in
        (-1 for none), and for each token the wordpiece that stands for it: the
        first that begins in it, else the last that reaches into it, else -1, as for
        white space and characters that the tokenizer drops.
    """
    n_tokens, n_pieces = len(doc), len(pieces.ids)
    first_piece = np.full(n_tokens, -1, dtype=np.int64)
    if not n_tokens or not n_pieces:
        return np.full(n_pieces, -1, dtype=np.int64), first_piece
    starts, lengths = doc.to_array([IDX, LENGTH]).astype(np.int64).T
    ends = starts + lengths
    # The first token that ends after the wordpiece begins; offsets that include
    # the space before a word (SentencePiece) so find the word itself.
    token_of = np.searchsorted(ends, pieces.starts, side="right")
    last_of = np.searchsorted(starts, pieces.ends, side="left") - 1
    touches = (token_of <= last_of) & (pieces.ends > pieces.starts)
    begins = np.where(touches, token_of, -1)
    order = np.arange(n_pieces)[::-1]
    # Pieces that reach into later tokens first, so that pieces which begin in them win.
    for piece in np.flatnonzero(touches & (last_of > token_of)):
        first_piece[token_of[piece] + 1 : last_of[piece] + 1] = piece
    reversed_begins = begins[order]
    valid = reversed_begins >= 0
    # Numpy keeps the last write, which in reversed order is the first wordpiece.
    first_piece[reversed_begins[valid]] = order[valid]
    return begins, first_piece


def window_bounds(length: int, windowing: Windowing) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay equally long windows over a document.

    length (int): The document's wordpieces.
    windowing (Windowing): Size and overlap.
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
    docs: list[Doc],
    pieces: list[Wordpieces],
    windowing: Windowing,
    *,
    separator: Sequence[int] = (),
    with_cases: bool = True,
    with_lines: bool = True,
) -> list[Window]:
    """Cut a batch of Docs into windows.

    docs (list[Doc]): The Docs.
    pieces (list[Wordpieces]): Their wordpieces.
    windowing (Windowing): Size, overlap and lead.
    separator (Sequence[int]): Ids that stand after a lead, one at most.
    with_cases (bool): Whether case patterns are wanted; zeros if not.
    with_lines (bool): Whether the beginnings of lines are wanted; zeros if not.
    RETURNS (list[Window]): Windows in order; every token that has a wordpiece
        is read in exactly one of them.
    """
    windows: list[Window] = []
    first_token = 0
    for doc, doc_pieces in zip(docs, pieces, strict=True):
        if len(doc_pieces.ids):
            windows += _cut(doc, doc_pieces, windowing, separator, with_cases, with_lines, first_token)
        first_token += len(doc)
    return windows


def _cut(
    doc: Doc,
    pieces: Wordpieces,
    windowing: Windowing,
    separator: Sequence[int],
    with_cases: bool,
    with_lines: bool,
    first_token: int,
) -> Iterator[Window]:
    n_pieces = len(pieces.ids)
    token_of, first_piece = token_places(doc, pieces)
    tokens = np.flatnonzero(first_piece >= 0)
    # First wordpieces never fall back as tokens go forward, so each window's tokens are a slice.
    places = first_piece[tokens]
    # The separator stands behind the document, where windows fetch it from.
    ids = np.concatenate((pieces.ids, np.array(separator, dtype=np.int64)))
    cases, lines = np.zeros((2, len(ids)), dtype=np.int64)
    if with_cases:
        known = np.flatnonzero(token_of >= 0)
        cases[known] = case_patterns(doc, pieces.text)[token_of[known]]
    if with_lines:
        lines[places] = line_starts(doc, pieces.text)[tokens]
    starts, ends, takeover = window_bounds(n_pieces, windowing)
    cuts = np.searchsorted(places, takeover, side="left")
    begin = 0
    for start, end, cut in zip(starts.tolist(), ends.tolist(), cuts.tolist(), strict=True):
        if cut > begin:
            lead = min(windowing.lead, start)
            taken = np.arange(start, end)
            if lead:
                taken = np.concatenate((np.arange(lead), np.arange(n_pieces, len(ids)), taken))
            shift = len(taken) - end
            yield Window(
                ids[taken],
                cases[taken],
                lines[taken],
                places[begin:cut] + shift,
                tokens[begin:cut] + first_token,
            )
        begin = cut
