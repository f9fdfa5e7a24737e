"""How probable it is that a rate is the highest, against integrals by another method and by drawing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.llm.variants.best import probabilities_of_best

observations = st.lists(
    st.tuples(st.integers(0, 10**9), st.floats(0, 1)).map(lambda pair: (float(pair[0]), pair[0] * pair[1])),
    min_size=1,
    max_size=5,
)


def draw(observed, times=200_000):
    """RETURNS (Floats1d): How often each is the highest of draws from the posteriors."""
    rng = np.random.default_rng(0)
    drawn = np.stack([rng.beta(1 + total, 1 + n - total, times) for n, total in observed])
    return np.bincount(drawn.argmax(axis=0), minlength=len(observed)) / times


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        # The first by scipy's quadrature, the others by hand.
        ([(10, 3), (10, 5)], [0.193498, 0.806502]),
        ([(0, 0), (50, 50)], [1 / 52, 51 / 52]),
        ([(0, 0), (0, 0), (0, 0)], [1 / 3] * 3),
        ([(7, 7), (7, 7)], [0.5, 0.5]),
        ([(1, 1)], [1.0]),
    ],
)
def test_best_of_few_observations(observed, expected):
    assert probabilities_of_best(observed) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("n", [1e4, 1e6, 1e9, 1e12, 1e15])
def test_best_of_many_observations_is_that_of_normal_distributions(n):
    # Half a standard deviation of the sum apart, of which each has sqrt(n) / 2.
    found = probabilities_of_best([(n, n / 2), (n, n / 2 + np.sqrt(n) / 2)])
    assert found[1] == pytest.approx(0.76025, abs=2e-4)
    assert probabilities_of_best([(n, n / 2)] * 2) == pytest.approx([0.5, 0.5], abs=1e-12)
    assert probabilities_of_best([(n, 0), (n, n), (0, 0)]) == pytest.approx([0, 1, 0], abs=1e-3)


@pytest.mark.parametrize("observed", [[(300, 141), (300, 153), (20, 13)], [(40, 0.5), (3, 0.1), (0, 0)]])
def test_best_is_what_drawing_gives(observed):
    assert probabilities_of_best(observed) == pytest.approx(draw(observed), abs=0.005)


@given(observations)
def test_best_adds_up_and_does_not_hang_on_the_order(observed):
    found = probabilities_of_best(observed)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    assert probabilities_of_best(observed[::-1])[::-1] == pytest.approx(found, abs=1e-9)


@given(st.integers(0, 10**6), st.floats(0, 1), st.integers(2, 6))
def test_best_of_equal_ones_is_shared_evenly(n, rate, count):
    assert probabilities_of_best([(float(n), n * rate)] * count) == pytest.approx([1 / count] * count)
