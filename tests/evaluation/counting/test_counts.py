import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.counting.counts import FIELDS, Counts, rates, total

numbers = st.integers(0, 50)
counts = st.builds(Counts, numbers, numbers, numbers, numbers, numbers)


def test_counts_give_half_for_partial():
    some = Counts(correct=2, incorrect=1, partial=2, missed=1, spurious=3)
    assert (some.possible, some.actual) == (6, 8)
    assert some.precision == pytest.approx(3 / 8)
    assert some.recall == pytest.approx(3 / 6)
    assert some.f1 == pytest.approx(2 * (3 / 8) * (3 / 6) / (3 / 8 + 3 / 6))


def test_counts_accuracy_is_correct_of_all_that_was_right_wrong_or_missed():
    assert Counts(correct=6, incorrect=1, missed=1, spurious=2).accuracy == 0.6


def test_counts_of_nothing_are_zero():
    assert Counts().to_dict() == {"precision": 0.0, "recall": 0.0, "f1": 0.0, **dict.fromkeys(FIELDS, 0)}


def test_counts_of_the_same_document_twice_have_the_same_rates():
    # nervaluate 1.1 made 0.0 of this 0.5, as it merged rates.
    once = Counts(partial=1)
    assert (once + once).f1 == once.f1 == 0.5


def test_counts_add_to_nothing_else():
    with pytest.raises(TypeError):
        Counts() + 1


@given(st.lists(counts, min_size=1, max_size=5))
def test_counts_rates_of_arrays_are_those_of_counts(several):
    table = np.array([[getattr(some, name) for name in FIELDS] for some in several])
    assert total(table) == sum(several, Counts())
    for some, row in zip(several, rates(table), strict=True):
        assert row.tolist() == pytest.approx([some.precision, some.recall, some.f1])
