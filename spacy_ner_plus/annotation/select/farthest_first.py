"""The most diverse texts: each as far as can be from all that were chosen before it."""

import math

import numpy as np

from spacy_ner_plus.annotation.select.ranking import Chosen, similarities
from spacy_ner_plus.annotation.select.vectors import Vectors

# So many texts are compared with what was chosen lately, and twice as many each time that this wasn't enough.
_FEW = 256
# From this share of all texts on, all are.
_MANY = 1 / 8


def farthest_first(
    vectors: Vectors,
    number: int,
    *,
    first: int,
    below: float = 2.0,
    beside: np.ndarray | None = None,
) -> Chosen:
    """Choose texts by farthest-first traversal (Gonzalez, 1985), the greedy k-center of core-set selection (Sener and
    Savarese, 2018): no text is more than twice as far from a chosen one as it would be at best.

    It is exact. What is chosen can only bring a text nearer, so that a text is compared with it no sooner than the
    text itself would be the next (Minoux, 1978), and most never are.

    number (int): How many are chosen at most.
    first (int): The number of the text to begin with, where nothing is beside.
    below (float): The cosine from which on two texts are nearly the same. Where all others are that near to one that
        is chosen, it ends. Default: 2, so that none are.
    beside (Floats2d): Texts that are as if they were chosen already, of shape (some, width).
    RETURNS (Chosen): The score of each is its distance, 1 minus the cosine, from the nearest that was chosen before it
        or is beside; NaN for the first where there was none. Of equally far ones the first is chosen.
    """
    number = min(number, len(vectors))
    traversal = _Traversal(vectors, number)
    if beside is not None and len(beside):
        traversal.nearest = similarities(vectors, beside)
    else:
        traversal.choose(first)
    distances = [math.nan] * len(traversal.chosen)
    while len(traversal.chosen) < number:
        farthest = traversal.farthest()
        similarity = float(traversal.nearest[farthest])
        if similarity >= below:
            break
        distances.append(1 - similarity)
        traversal.choose(farthest)
    left = len(vectors) - len(traversal.chosen)
    # Those that are left are passed over where there are fewer than were asked for.
    return Chosen(traversal.chosen, distances, left if len(traversal.chosen) < number else 0)


class _Traversal:
    """What was chosen, and how near each text is to the nearest of that, as far as they were compared."""

    def __init__(self, vectors: Vectors, number: int):
        self._vectors = vectors
        self._centres = np.empty((number, vectors.width), dtype=np.float32)
        # With how many of the chosen each text was compared.
        self._compared = np.zeros(len(vectors), dtype=np.int64)
        self.chosen: list[int] = []
        self.nearest = np.full(len(vectors), -np.inf, dtype=np.float32)

    def choose(self, index: int) -> None:
        self._centres[len(self.chosen)] = self._vectors.take([index])[0]
        self.chosen.append(index)
        self.nearest[index] = np.inf

    def farthest(self) -> int:
        count = _FEW
        while True:
            farthest = int(np.argmin(self.nearest))
            if self._compared[farthest] == len(self.chosen):
                return farthest
            if count > len(self._vectors) * _MANY:
                self._compare_all()
            else:
                self._compare(np.sort(np.argpartition(self.nearest, count)[:count]))
            count *= 2

    def _compare(self, indices: np.ndarray) -> None:
        indices = indices[self._compared[indices] < len(self.chosen)]
        centres = self._centres[self._compared[indices].min() : len(self.chosen)]
        found = (self._vectors.take(indices) @ centres.T).max(axis=1)
        self.nearest[indices] = np.maximum(self.nearest[indices], found)
        self._compared[indices] = len(self.chosen)

    def _compare_all(self) -> None:
        oldest = self._compared[~np.isposinf(self.nearest)].min()
        centres = self._centres[oldest : len(self.chosen)]
        for begin, tile in self._vectors.tiles():
            part = self.nearest[begin : begin + len(tile)]
            np.maximum(part, (tile @ centres.T).max(axis=1), out=part)
        self._compared[:] = len(self.chosen)
