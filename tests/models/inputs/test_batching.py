import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.models.inputs.batching import micro_batches
from spacy_ner_plus.models.inputs.windows import Window


def make_windows(lengths):
    windows, token = [], 0
    for length in lengths:
        ids = np.arange(10, 10 + length)
        windows.append(Window(ids, ids % 7, ids % 2, np.arange(length), np.arange(token, token + length)))
        token += length
    return windows, token


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 100), st.booleans())
def test_batching_loses_no_token_and_keeps_the_budget(lengths, budget, training):
    windows, n_tokens = make_windows(lengths)
    batches = list(micro_batches(windows, [1], [2], 0, 10_000, budget, training=training))
    read = [token for batch in batches for token in batch.tokens]
    assert sorted(read) == list(range(n_tokens))
    for batch in batches:
        assert batch.ids.size <= budget or len(batch.ids) == 1
        assert not batch.ids[batch.mask == 0].any()


@given(st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_batching_places_find_the_wordpieces(lengths):
    windows, n_tokens = make_windows(lengths)
    expected = np.concatenate([window.ids for window in windows])
    found = np.zeros(n_tokens, dtype=int)
    cases = np.zeros(n_tokens, dtype=int)
    lines = np.zeros(n_tokens, dtype=int)
    for batch in micro_batches(windows, [1, 3], [2], 0, 10_000, 64):
        found[batch.tokens] = batch.ids.ravel()[batch.places]
        cases[batch.tokens] = batch.cases.ravel()[batch.places]
        lines[batch.tokens] = batch.lines.ravel()[batch.places]
    assert (found == expected).all()
    assert (cases == expected % 7).all()
    assert (lines == expected % 2).all()


def test_batching_puts_special_tokens_around_each_window():
    windows, _ = make_windows([2, 4])
    batch = next(iter(micro_batches(windows, [1], [2], 0, 4, 100)))
    assert batch.ids.tolist() == [[1, 10, 11, 12, 13, 2], [1, 10, 11, 2, 0, 0]]
    assert batch.mask.tolist() == [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]]


LENGTHS_OF_A_TEXT = st.integers(1, 225)


@given(st.lists(st.lists(LENGTHS_OF_A_TEXT, min_size=1, max_size=100), min_size=1, max_size=5))
def test_batching_makes_few_shapes_whatever_the_lengths(corpus):
    lengths = {*range(8, 65, 8), *range(80, 227, 16), 227}
    for batch in (batch for texts in corpus for batch in batches_of(texts)):
        rows, length = batch.ids.shape
        assert length in lengths
        assert rows.bit_count() == 1


def test_batching_of_a_long_stream_makes_no_more_shapes_than_there_are():
    rng = np.random.default_rng(0)
    shapes = set()
    for _ in range(200):
        lengths = rng.geometric(1 / rng.integers(2, 200), size=rng.integers(1, 100)).clip(1, 225)
        shapes |= {batch.ids.shape for batch in batches_of(lengths)}
    assert len(shapes) <= 80
    assert len({rows * length for rows, length in shapes}) <= 50


def test_batching_computes_little_that_is_padding_where_lengths_differ_much():
    rng = np.random.default_rng(0)
    lengths = rng.geometric(1 / 20, size=64).clip(1, 200)
    batches = batches_of(lengths)
    assert sum(batch.ids.size for batch in batches) < 1.35 * sum(lengths + 2)
    assert len(batches) <= 12


def batches_of(lengths, **settings):
    windows, _ = make_windows(lengths)
    return list(micro_batches(windows, [1], [2], 0, 225, 1000, **settings))


def test_batching_makes_one_of_a_few_short_texts_in_training():
    lengths = [9, 12, 14, 17, 20, 20, 23, 28, 30, 38]
    (batch,) = batches_of(lengths, training=True)
    assert batch.ids.shape == (10, 40)
    assert len(batches_of(lengths)) > 1


def test_batching_parts_long_texts_from_short_ones_in_training():
    lengths = [200, 198, *[8] * 40]
    batches = batches_of(lengths, training=True)
    assert [batch.ids.shape for batch in batches] == [(40, 16), (2, 208)]


def test_batching_begins_with_the_largest():
    sizes = [batch.ids.size for batch in batches_of([200, *[30] * 40, *[7] * 3])]
    assert sizes == sorted(sizes, reverse=True)


def test_batching_pads_no_window_beyond_the_longest():
    windows, _ = make_windows([9, 3])
    assert [batch.ids.shape for batch in micro_batches(windows, [1], [2], 0, 9, 1)] == [(1, 11), (1, 8)]
