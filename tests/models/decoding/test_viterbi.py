from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.viterbi import decode
from spacy_ner_plus.models.ragged import Ragged
from tests.models.decoding.sequences import is_valid, random_scores


def decode_one(scores) -> list[int]:
    return decode(Ragged.join([np.array(scores)])).data.tolist()


def total(scores: np.ndarray, tags) -> float:
    return float(scores[np.arange(len(tags)), list(tags)].sum())


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 2))
@settings(deadline=None)
def test_viterbi_finds_the_best_valid_sequence(seed, length, n_labels):
    scores = random_scores(seed, length, n_labels)
    valid = [tags for tags in product(range(2 * n_labels + 1), repeat=length) if is_valid(tags, n_labels)]
    tags = decode_one(scores)
    assert is_valid(tags, n_labels)
    assert total(scores, tags) == max(total(scores, other) for other in valid)


def test_viterbi_takes_a_token_that_says_nothing_as_its_neighbours_need():
    silent, sure, begin = [0.0, 0.0, 0.0], [0.0, 0.0, 9.0], [0.0, 9.0, 0.0]
    assert decode_one([begin, silent, sure]) == [1, 2, 2]
    assert decode_one([begin, silent, [9.0, 0.0, 0.0]]) == [1, 0, 0]
    assert decode_one([silent, begin, sure]) == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 30)), min_size=1, max_size=8))
def test_viterbi_of_a_batch_is_that_of_each_document(shapes):
    batch = [random_scores(seed, length, 3) for seed, length in shapes]
    tags = decode(Ragged.join(batch))
    assert [part.tolist() for part in tags.split()] == [decode_one(scores) for scores in batch]


def test_viterbi_leaves_the_scores_as_they_are():
    scores = np.array([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    before = scores.copy()
    decode_one(scores)
    assert (scores == before).all()


def test_viterbi_of_a_long_document_among_short_ones_takes_little_memory():
    import tracemalloc

    rng = np.random.default_rng(0)
    batch = Ragged.join([rng.normal(size=(length, 37)) for length in [20_000, *[100] * 100]])
    tracemalloc.start()
    tags = decode(batch)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(is_valid(part, 18) for part in tags.split())
    assert peak < 60e6
