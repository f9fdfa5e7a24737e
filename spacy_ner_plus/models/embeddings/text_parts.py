"""Texts longer than a model reads: in parts, whose vectors are pooled, so that none is cut."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.models.encoders.tokenization import Wordpieces

# A part begins with a word where one begins among so many wordpieces before its place.
_SEARCHED = 24
# A part that is cut out of a text may have a few wordpieces more than it had within.
_MARGIN = 4


class Part(NamedTuple):
    """A stretch of a text.

    text (int): The number of its text.
    begin (int): Its first wordpiece, in those of all texts.
    end (int): Where it ends.
    """

    text: int
    begin: int
    end: int


def cut(pieces: Wordpieces, size: int) -> list[Part]:
    """Cut texts that are too long into as few parts as can be, about equally long, that begin with words.

    pieces (Wordpieces): Of the texts.
    size (int): The most wordpieces of a part.
    RETURNS (list[Part]): In the order of the texts; one for each that isn't too long.
    """
    parts, begin = [], 0
    for text, count in enumerate(pieces.counts):
        end = begin + count
        if count <= size:
            parts.append(Part(text, begin, end))
        else:
            cuts = [begin, *_cuts(pieces, begin, end, max(1, size - _MARGIN)), end]
            parts += [Part(text, *pair) for pair in pairwise(cuts)]
        begin = end
    return parts


def _cuts(pieces: Wordpieces, begin: int, end: int, size: int) -> list[int]:
    cuts = []
    while end - begin > size:
        left = -(-(end - begin) // size)
        place = begin + -(-(end - begin) // left)
        lowest = max(begin + 1, place - _SEARCHED)
        words = (at for at in range(place, lowest - 1, -1) if pieces.starts[at] > pieces.ends[at - 1])
        begin = next(words, place)
        cuts.append(begin)
    return cuts


def pool(vectors: np.ndarray, parts: Sequence[Part], n_texts: int) -> np.ndarray:
    """Make the vectors of texts of those of their parts.

    vectors (Floats2d): Of the parts, of any length but zero, of shape (parts, width).
    RETURNS (Floats2d): Unit vectors, of shape (texts, width): the mean of the parts' unit vectors, weighted by their
        wordpieces.
    """
    units = to_unit(vectors)
    if len(parts) == n_texts:
        return units
    weights = np.array([max(1, part.end - part.begin) for part in parts], dtype=np.float32)
    sums = np.zeros((n_texts, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, [part.text for part in parts], units * weights[:, None])
    return to_unit(sums)


def to_unit(vectors: np.ndarray) -> np.ndarray:
    """RETURNS (Floats2d): The same directions, of length 1; zeros stay zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)
