import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.models.inputs.layout import Windowing, even_layout, sentence_layout
from spacy_ner_plus.models.inputs.text_borders import LINE, NO_BORDER, SENTENCE

SMALL = Windowing(40, 10, 0, 4)


def windowings():
    return st.integers(1, 40).flatmap(
        lambda size: st.builds(
            Windowing, st.just(size), st.integers(0, size - 1), st.just(0), st.integers(0, size)
        )
    )


def texts(most: int = 600):
    """What stands before each wordpiece: sentences and lines of any length, or none at all."""
    kinds = st.tuples(st.integers(1, 60), st.sampled_from([SENTENCE, SENTENCE, LINE, NO_BORDER]))
    return st.lists(kinds, min_size=1, max_size=most // 30).map(
        lambda some: np.concatenate([[kind, *[NO_BORDER] * (length - 1)] for length, kind in some])
    )


@given(st.integers(1, 2000), windowings())
def test_layout_even_covers_the_document(length, windowing):
    starts, ends, takeover = even_layout(length, windowing)
    assert starts[0] == 0
    assert ends[-1] == length
    assert takeover[-1] == length
    assert (ends - starts <= windowing.size).all()
    assert (starts[1:] <= ends[:-1] - windowing.overlap).all()


@given(st.integers(1, 2000), windowings())
def test_layout_even_reads_each_place_where_it_has_most_context(length, windowing):
    starts, ends, takeover = even_layout(length, windowing)
    # Nothing is missing beyond the document's own ends.
    left = np.where(starts == 0, 10**6, starts)[:, None]
    right = np.where(ends == length, 10**6, ends)[:, None]
    places = np.arange(length)
    before = np.where(starts[:, None] == 0, 10**6, places - left)
    after = np.where(ends[:, None] == length, 10**6, right - 1 - places)
    context = np.minimum(before, after)
    context[(places < starts[:, None]) | (places >= ends[:, None])] = -1
    reader = np.searchsorted(takeover, places, side="right")
    assert (context[reader, places] >= context.max(axis=0) - 1).all()


@given(texts(), windowings())
def test_layout_by_sentences_reads_each_place_once_in_a_window_that_holds_it(borders, windowing):
    starts, ends, takeover = sentence_layout(borders, windowing)
    reads_from = np.append(0, takeover[:-1])
    assert starts[0] == 0
    assert ends[-1] == takeover[-1] == len(borders)
    assert (np.diff(starts) > 0).all()
    assert (takeover > reads_from).all()
    assert (starts <= reads_from).all()
    assert (takeover <= ends).all()
    assert (ends - starts <= windowing.size).all()


@given(texts(), windowings())
def test_layout_by_sentences_shares_what_the_border_asks_for(borders, windowing):
    starts, ends, takeover = sentence_layout(borders, windowing)
    half = windowing.overlap // 2
    few = min(windowing.sentence_overlap, half)
    anywhere = (half, windowing.overlap - half)
    for start, end, place in zip(starts[1:], ends[:-1], takeover[:-1], strict=True):
        shares = {SENTENCE: (few, 0), LINE: (few, few), NO_BORDER: anywhere}
        assert (place - start, end - place) in (shares[borders[place]], anywhere)


@given(st.integers(1, 2000), windowings())
def test_layout_by_sentences_without_any_is_even(length, windowing):
    by_sentences = sentence_layout(np.zeros(length, dtype=int), windowing)
    even = even_layout(length, windowing)
    assert len(by_sentences.starts) == len(even.starts)
    widths = by_sentences.ends - by_sentences.starts
    # Within what rounding up leaves to the last.
    assert widths.max() - widths.min() <= len(widths)


@given(texts(1200))
def test_layout_by_sentences_takes_them_where_some_are_near(borders):
    starts, _, takeover = sentence_layout(borders, SMALL)
    for number, place in enumerate(takeover[:-1]):
        if borders[place] != SENTENCE:
            # Where it would end if all that follow were equally long.
            left = len(borders) - starts[number]
            count = 1 + -(-(left - 40) // 36)
            even = starts[number] + -(-(left + (count - 1) * 4) // count)
            near = borders[max(even - 10, starts[number] + 11) : min(even + 10, starts[number] + 40) + 1]
            assert SENTENCE not in near


def test_layout_by_sentences_takes_lines_where_no_sentence_ends():
    borders = np.full(66, NO_BORDER)
    borders[[0, 20, 33, 60]] = LINE
    starts, ends, takeover = sentence_layout(borders, SMALL)
    assert (starts.tolist(), ends.tolist(), takeover.tolist()) == ([0, 29], [37, 66], [33, 66])


def test_layout_by_sentences_has_one_window_for_what_fits():
    borders = np.full(40, NO_BORDER)
    borders[[0, 10, 20, 30]] = SENTENCE
    assert [some.tolist() for some in sentence_layout(borders, SMALL)] == [[0], [40], [40]]


@pytest.mark.parametrize("length", [41, 76, 77])
def test_layout_by_sentences_has_as_few_windows_as_the_length_needs(length):
    borders = np.full(length, SENTENCE)
    assert len(sentence_layout(borders, SMALL).starts) == (2 if length <= 76 else 3)
