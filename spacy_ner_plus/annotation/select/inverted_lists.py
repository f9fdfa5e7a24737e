"""Nearest texts by FAISS's inverted lists (IVF; Jégou et al., 2011): a share of the vectors is looked at."""

import numpy as np

from spacy_ner_plus.annotation.select.vectors import Vectors
from spacy_ner_plus.extras import from_extra

# Up to so many vectors, all are compared in any case.
EXACT_UP_TO = 200_000
# So many vectors a list are enough to place it, as FAISS recommends.
_SAMPLE = 40
_QUERIES = 256


class InvertedLists:
    """Vectors in lists of those that are near to each other; all of them are in memory.

    vectors (Vectors): Of all texts.
    probed (float): Share of the lists that is searched for a query; 1 finds what comparing all finds.
    RAISES (UserError): Without the extra [select].
    """

    def __init__(self, vectors: Vectors, probed: float):
        with from_extra("select"):
            import faiss
        lists = max(1, int(len(vectors) ** 0.5))
        self._count = len(vectors)
        self._index = faiss.IndexIVFFlat(
            faiss.IndexFlatIP(vectors.width), vectors.width, lists, faiss.METRIC_INNER_PRODUCT
        )
        # FAISS draws its own numbers with a seed that is always the same.
        sample = np.random.default_rng(0).permutation(len(vectors))[: _SAMPLE * lists]
        self._index.train(vectors.take(np.sort(sample)))
        for _, tile in vectors.tiles():
            self._index.add(tile)
        self._index.nprobe = min(lists, max(1, round(probed * lists)))

    def similarities(self, queries: np.ndarray, number: int) -> np.ndarray:
        """Compare queries with the vectors of the lists that are nearest to them.

        queries (Floats2d): Unit vectors, of shape (queries, width).
        number (int): How many of the nearest are wanted for certain, where all lists are searched.
        RETURNS (Floats1d): The cosine of each text with the query that is nearest to it; minus infinity where none
            found it among its `number` nearest.
        """
        nearest = np.full(self._count, -np.inf, dtype=np.float32)
        for begin in range(0, len(queries), _QUERIES):
            found, indices = self._index.search(queries[begin : begin + _QUERIES], min(number, self._count))
            # -1 stands for one that the lists didn't have.
            known = indices >= 0
            np.maximum.at(nearest, indices[known], found[known])
        return nearest
