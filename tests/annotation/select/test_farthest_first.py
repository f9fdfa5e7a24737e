import math

import numpy as np
import pytest

from spacy_ner_plus.annotation.select.farthest_first import farthest_first
from spacy_ner_plus.annotation.select.vectors import TILE, Vectors
from spacy_ner_plus.models.embeddings.text_parts import to_unit


def make(values: np.ndarray, block: int = TILE) -> Vectors:
    vectors = Vectors(values.shape[1], block=block)
    vectors.append(values)
    return vectors


def one_by_one(values: np.ndarray, number: int, chosen: list[int], beside: np.ndarray) -> list[int]:
    """The same without any shortcut."""
    chosen = list(chosen)
    while len(chosen) < number:
        nearest = (values @ np.concatenate([values[chosen], beside]).T).max(axis=1)
        nearest[chosen] = np.inf
        chosen.append(int(np.argmin(nearest)))
    return chosen


# Spread out, in clusters, and on a circle, where each choice brings many others nearer.
@pytest.fixture(scope="module", params=["spread", "clusters", "circle"])
def values(request) -> np.ndarray:
    rng = np.random.default_rng(1)
    if request.param == "spread":
        return to_unit(rng.standard_normal((3000, 32)))
    if request.param == "clusters":
        return to_unit(
            rng.standard_normal((20, 32))[rng.integers(20, size=3000)] + 0.2 * rng.standard_normal((3000, 32))
        )
    return to_unit(rng.standard_normal((3000, 2)))


def test_farthest_first_is_exact(values):
    chosen = farthest_first(make(values), 40, first=5)
    assert chosen.indices == one_by_one(values, 40, [5], values[:0])
    assert math.isnan(chosen.scores[0])
    assert chosen.scores[1:] == sorted(chosen.scores[1:])[::-1]
    assert chosen.near_duplicates == 0


def test_farthest_first_goes_on_from_what_is_beside(values):
    chosen = farthest_first(make(values), 30, first=5, beside=values[:7])
    assert chosen.indices == one_by_one(values, 30, [], values[:7])


def test_farthest_first_is_the_same_whatever_the_blocks(values):
    one, other = (farthest_first(make(values, block), 30, first=5) for block in (TILE, 4 * TILE))
    assert one.indices == other.indices
    assert one.scores[1:] == other.scores[1:]


def test_farthest_first_ends_with_near_duplicates():
    values = to_unit(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.01], [1.0, 0.0]]))
    chosen = farthest_first(make(values), 4, first=0, below=0.99)
    assert (chosen.indices, chosen.near_duplicates) == ([0, 1], 2)
    # Without a limit those come last, of equally far ones the first.
    assert farthest_first(make(values), 9, first=0).indices == [0, 1, 2, 3]
