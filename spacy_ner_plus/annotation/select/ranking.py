"""The best texts by a score, of which no two are nearly the same."""

from typing import NamedTuple

import numpy as np

from spacy_ner_plus.annotation.select.vectors import TILE, Vectors

# Of a score.
DIGITS = 6


class Chosen(NamedTuple):
    """Texts that were chosen.

    indices (list[int]): Their numbers, the best first.
    scores (list[float]): By which they were chosen; NaN for one that had nothing to be compared with.
    near_duplicates (int): Texts that were passed over, since one that was chosen is nearly the same.
    """

    indices: list[int]
    scores: list[float]
    near_duplicates: int


def similarities(vectors: Vectors, queries: np.ndarray) -> np.ndarray:
    """Compare vectors with queries.

    queries (Floats2d): Unit vectors, of shape (queries, width).
    RETURNS (Floats1d): The cosine of each with the query that is nearest to it, of shape (vectors,).
    """
    nearest = np.empty(len(vectors), dtype=np.float32)
    for begin, tile in vectors.tiles():
        nearest[begin : begin + len(tile)] = (tile @ queries.T).max(axis=1)
    return nearest


def best(
    vectors: Vectors,
    scores: np.ndarray,
    number: int,
    *,
    below: float = 2.0,
    beside: np.ndarray | None = None,
) -> Chosen:
    """Choose the texts of the highest scores; of scores that are equal to six digits the first.

    scores (Floats1d): Of each text, of shape (texts,); minus infinity for those that aren't chosen from.
    number (int): How many are chosen at most.
    below (float): The cosine of two texts from which on they are nearly the same, and the later one is passed over.
        Default: 2, so that none are.
    beside (Floats2d): Texts that are as if they were chosen already.
    """
    # What is behind these depends on the machine, and on how many vectors were multiplied at once.
    scores = np.round(scores, DIGITS)
    order = np.argsort(-scores, kind="stable")
    order = order[np.isfinite(scores[order])]
    if below > 1:
        taken = order[:number]
        return Chosen(taken.tolist(), scores[taken].tolist(), 0)
    kept = np.empty((number + TILE, vectors.width), dtype=np.float32)
    indices: list[int] = []
    passed = 0
    for begin in range(0, len(order), TILE):
        some = order[begin : begin + TILE]
        tile = vectors.take(some)
        near = _nearest(tile, kept[: len(indices)])
        if beside is not None:
            near = np.maximum(near, _nearest(tile, beside))
        within = tile @ tile.T
        here: list[int] = []
        for row in range(len(some)):
            if near[row] >= below or (here and within[row, here].max() >= below):
                passed += 1
                continue
            kept[len(indices)] = tile[row]
            indices.append(int(some[row]))
            here.append(row)
            if len(indices) == number:
                return Chosen(indices, scores[indices].tolist(), passed)
    return Chosen(indices, scores[indices].tolist(), passed)


def _nearest(tile: np.ndarray, others: np.ndarray) -> np.ndarray:
    nearest = np.full(len(tile), -2, dtype=np.float32)
    for begin in range(0, len(others), TILE):
        nearest = np.maximum(nearest, (tile @ others[begin : begin + TILE].T).max(axis=1))
    return nearest


def mean_similarity(vectors: np.ndarray) -> float | None:
    """RETURNS (float | None): The mean cosine of two of some unit vectors, over all pairs; None for fewer than two."""
    count = len(vectors)
    if count < 2:
        return None
    total = vectors.astype(np.float64).sum(axis=0)
    return float((total @ total - count) / (count * (count - 1)))
