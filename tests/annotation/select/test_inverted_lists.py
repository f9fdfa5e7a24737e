import numpy as np
import pytest

from spacy_ner_plus.annotation.select import narrowing
from spacy_ner_plus.annotation.select.inverted_lists import InvertedLists
from spacy_ner_plus.annotation.select.narrowing import Narrowing
from spacy_ner_plus.annotation.select.ranking import similarities
from spacy_ner_plus.annotation.select.vectors import TILE, Vectors
from spacy_ner_plus.models.embeddings.text_parts import to_unit

pytest.importorskip("faiss")


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((60, 16))
    vectors = Vectors(16, block=TILE)
    vectors.append(to_unit(centres[rng.integers(60, size=3000)] + 0.2 * rng.standard_normal((3000, 16))))
    return vectors


def test_inverted_lists_give_the_same_where_all_are_searched(vectors):
    queries = vectors.take([5, 99, 1500])
    found = InvertedLists(vectors, 1.0).similarities(queries, 50)
    exact = similarities(vectors, queries)
    nearest = np.argsort(-exact)[:50]
    assert set(np.argsort(-found)[:50]) == set(nearest)
    assert np.allclose(found[nearest], exact[nearest], atol=1e-6)


def test_inverted_lists_find_most_where_some_are_searched(vectors):
    queries = vectors.take([5, 99, 1500])
    nearest = np.argsort(-similarities(vectors, queries))[:50]
    found = InvertedLists(vectors, 0.1).similarities(queries, 50)
    assert np.isfinite(found[nearest]).mean() > 0.8
    assert np.isneginf(found).any()


@pytest.mark.parametrize("below", [2.0, 0.95])
def test_inverted_lists_select_the_same_texts_as_numpy(vectors, below, monkeypatch):
    queries = vectors.take([7, 2000])
    exact, by_lists = Narrowing(vectors, below), Narrowing(vectors, below, probed=0.999)
    exact.nearest(queries, 80)
    monkeypatch.setattr(narrowing, "EXACT_UP_TO", 1000)
    by_lists.nearest(queries, 80)
    assert by_lists.left == exact.left
    assert np.allclose(by_lists.scores["similarity"], exact.scores["similarity"], atol=1e-6)
    assert by_lists.near_duplicates == exact.near_duplicates
    assert (below > 1) == (exact.near_duplicates == 0)
