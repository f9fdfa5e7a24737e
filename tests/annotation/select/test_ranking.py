import numpy as np
import pytest

from spacy_ner_plus.annotation.select.ranking import best, mean_similarity, similarities
from spacy_ner_plus.annotation.select.vectors import TILE, Vectors
from spacy_ner_plus.models.embeddings.text_parts import to_unit


def make(values: np.ndarray, block: int = TILE) -> Vectors:
    vectors = Vectors(values.shape[1], block=block)
    vectors.append(values)
    return vectors


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((300, 16))
    return to_unit(centres[rng.integers(300, size=2500)] + 0.1 * rng.standard_normal((2500, 16)))


def test_ranking_similarities_are_those_to_the_nearest_query(values):
    queries = values[[3, 700]]
    found = similarities(make(values), queries)
    assert np.allclose(found, (values @ queries.T).max(axis=1), atol=1e-6)
    assert np.array_equal(found, similarities(make(values, 3 * TILE), queries))


def test_ranking_best_are_the_highest_and_of_equal_ones_the_first(values):
    scores = np.zeros(len(values), dtype=np.float32)
    scores[[9, 4]] = 1
    scores[0] = -np.inf
    chosen = best(make(values), scores, 4)
    assert chosen.indices == [4, 9, 1, 2]
    assert chosen.scores == [1, 1, 0, 0]


def test_ranking_best_leaves_out_near_duplicates_as_one_at_a_time_would(values):
    scores = similarities(make(values), values[:1])
    expected, passed = [], 0
    for index in np.argsort(-scores, kind="stable"):
        if any(values[index] @ values[other] >= 0.9 for other in expected):
            passed += 1
        else:
            expected.append(int(index))
        if len(expected) == 150:
            break
    chosen = best(make(values), scores, 150, below=0.9)
    assert chosen.indices == expected
    assert chosen.near_duplicates == passed > 0


def test_ranking_best_leaves_out_what_is_near_to_others(values):
    chosen = best(make(values), np.ones(len(values)), 2500, below=0.9, beside=values[:5])
    assert (values[chosen.indices] @ values[:5].T).max() < 0.9
    assert chosen.near_duplicates + len(chosen.indices) == len(values)


def test_ranking_mean_similarity_is_that_of_all_pairs(values):
    some = values[:50]
    pairs = (some @ some.T)[~np.eye(50, dtype=bool)]
    assert mean_similarity(some) == pytest.approx(pairs.mean(), abs=1e-5)
    assert mean_similarity(some[:1]) is None
