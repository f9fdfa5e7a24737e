from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.viterbi import decode, is_valid, tag_names, tags_to_bounds
from spacy_ner_plus.spans import tags_to_spans


def random_scores(seed: int, length: int, n_labels: int) -> np.ndarray:
    # Few distinct values, so that ties come up too.
    return np.random.default_rng(seed).integers(1, 5, size=(length, 2 * n_labels + 1)).astype(float)


def total(scores: np.ndarray, tags) -> float:
    return float(scores[np.arange(len(tags)), list(tags)].sum())


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 2))
@settings(deadline=None)
def test_decoding_finds_the_best_valid_sequence(seed, length, n_labels):
    scores = random_scores(seed, length, n_labels)
    valid = [
        tags for tags in product(range(2 * n_labels + 1), repeat=length) if is_valid(np.array(tags), n_labels)
    ]
    tags = decode([scores])[0]
    assert is_valid(tags, n_labels)
    assert total(scores, tags) == max(total(scores, other) for other in valid)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 30)), min_size=1, max_size=8))
@settings(deadline=None)
def test_decoding_in_a_batch_is_as_good_as_alone(shapes):
    batch = [random_scores(seed, length, 3) for seed, length in shapes]
    for scores, tags in zip(batch, decode(batch), strict=True):
        assert len(tags) == len(scores)
        assert is_valid(tags, 3)
        assert total(scores, tags) == total(scores, decode([scores])[0])


def test_decoding_takes_a_token_that_says_nothing_as_its_neighbours_need():
    sure = np.array([0.0, 0.0, 9.0])
    begin = np.array([0.0, 9.0, 0.0])
    assert list(decode([np.array([begin, np.zeros(3), sure])])[0]) == [1, 2, 2]
    assert list(decode([np.array([begin, np.zeros(3), [9.0, 0.0, 0.0]])])[0]) == [1, 0, 0]
    assert list(decode([np.array([np.zeros(3), begin, sure])])[0]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("tags", "valid"),
    [([0, 1, 3, 3], True), ([3], False), ([1, 4], False), ([2, 4, 0, 4], False), ([], True), ([1, 1], True)],
)
def test_decoding_knows_what_is_valid(tags, valid):
    assert is_valid(np.array(tags, dtype=int), 2) is valid


@given(st.integers(0, 10**6), st.integers(0, 20))
def test_decoding_bounds_are_the_spans_of_the_tags(seed, length):
    labels = ["A", "B"]
    tags = decode([random_scores(seed, length, 2)])[0]
    names = tag_names(labels)
    starts, ends, numbers = tags_to_bounds([tags], 2)[0]
    found = [(s, e, labels[n]) for s, e, n in zip(starts, ends, numbers, strict=True)]
    assert found == [tuple(span) for span in tags_to_spans([names[tag] for tag in tags])]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 6)), max_size=5))
def test_decoding_of_a_batch_is_that_of_each_document(documents):
    batch = [random_scores(seed, length, 2) for seed, length in documents]
    tags = decode(batch)
    assert [part.tolist() for part in tags] == [decode([scores])[0].tolist() for scores in batch]
    together = [tuple(part.tolist() for part in bounds) for bounds in tags_to_bounds(tags, 2)]
    alone = [tuple(part.tolist() for part in tags_to_bounds([each], 2)[0]) for each in tags]
    assert together == alone


def test_decoding_a_long_document_among_short_ones_takes_little_memory():
    import tracemalloc

    rng = np.random.default_rng(0)
    batch = [rng.normal(size=(length, 37)) for length in [20_000, *[100] * 100]]
    tracemalloc.start()
    tags = decode(batch)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(is_valid(part, 18) for part in tags)
    assert peak < 60e6
