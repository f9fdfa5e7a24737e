"""From all texts to those that are selected: each step leaves fewer, by another measure."""

from collections.abc import Callable, Sequence

import numpy as np

from spacy_ner_plus.annotation.select.farthest_first import farthest_first
from spacy_ner_plus.annotation.select.inverted_lists import EXACT_UP_TO, InvertedLists
from spacy_ner_plus.annotation.select.ranking import Chosen, best, similarities
from spacy_ner_plus.annotation.select.vectors import Vectors

# What the scores of a step are called.
SIMILARITY, UNCERTAINTY, DISTANCE = "similarity", "uncertainty", "distance"


class Narrowing:
    """The texts that are left, the best first.

    vectors (Vectors): Of all texts.
    below (float): The cosine from which on two texts are nearly the same, and one is passed over; above 1 none are.
    beside (Floats2d | None): Texts that are labelled already: what is nearly the same as one of them is passed over,
        too, and the most diverse texts are far from them.
    probed (float): Share of FAISS's inverted lists that is searched for the nearest of more than `EXACT_UP_TO` texts.
        Default: 1, so that numpy compares all.
    """

    def __init__(self, vectors: Vectors, below: float, beside: np.ndarray | None = None, probed: float = 1.0):
        self._vectors = vectors
        self._below = below
        self._probed = probed
        self._beside = beside if beside is not None and len(beside) else None
        # None for all texts, as they came.
        self._left: list[int] | None = None
        # By each measure, of those texts that are left.
        self.scores: dict[str, list[float]] = {}
        self.near_duplicates = 0

    @property
    def left(self) -> Sequence[int]:
        """RETURNS (Sequence[int]): The numbers of the texts that are left."""
        return range(len(self._vectors)) if self._left is None else self._left

    def nearest(self, queries: np.ndarray, number: int) -> None:
        """Leave the texts that are nearest to one of some queries, of shape (queries, width)."""
        if self._probed < 1 and len(self._vectors) > EXACT_UP_TO:
            self._nearest_of_some(queries, number)
        else:
            self._keep_best(SIMILARITY, similarities(self._vectors, queries), number)

    def _nearest_of_some(self, queries: np.ndarray, number: int) -> None:
        lists = InvertedLists(self._vectors, self._probed)
        asked = number
        while True:
            scores = lists.similarities(queries, asked)
            found = best(self._vectors, scores, number, below=self._below, beside=self._beside)
            if len(found.indices) == number or asked >= len(self._vectors):
                self._keep(SIMILARITY, found)
                return
            # Some of them were nearly the same.
            asked *= 4

    def highest(self, name: str, score: Callable[[Sequence[int]], np.ndarray], number: int) -> None:
        """Leave the texts of the highest score.

        name (str): What the score is called.
        score (Callable): Gives the score of each of some texts, by their numbers; NaN for one that has none, which is
            left out.
        """
        left = self.left
        scores = np.full(len(self._vectors), -np.inf, dtype=np.float32)
        scores[np.array(left, dtype=np.int64)] = np.nan_to_num(score(left), nan=-np.inf)
        self._keep_best(name, scores, number)

    def diverse(self, number: int, seed: int) -> None:
        """Leave texts that are far from each other, and from those that are labelled.

        seed (int): Of the text to begin with; where an earlier step has ranked them, it is the best.
        """
        if self._left is None:
            vectors, first = self._vectors, int(np.random.default_rng(seed).integers(len(self._vectors)))
        else:
            vectors, first = Vectors(self._vectors.width), 0
            vectors.append(self._vectors.take(self._left))
        chosen = farthest_first(vectors, number, first=first, below=self._below, beside=self._beside)
        left = self.left
        self._keep(DISTANCE, chosen._replace(indices=[left[i] for i in chosen.indices]))

    def _keep_best(self, name: str, scores: np.ndarray, number: int) -> None:
        if self._left is not None:
            others = np.ones(len(scores), dtype=bool)
            others[self._left] = False
            scores[others] = -np.inf
        self._keep(name, best(self._vectors, scores, number, below=self._below, beside=self._beside))

    def _keep(self, name: str, chosen: Chosen) -> None:
        places = {index: place for place, index in enumerate(self._left or ())}
        self.scores = {
            other: [values[places[index]] for index in chosen.indices]
            for other, values in self.scores.items()
        }
        self.scores[name] = chosen.scores
        self._left = chosen.indices
        self.near_duplicates += chosen.near_duplicates
