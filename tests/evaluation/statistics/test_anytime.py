from itertools import accumulate

import numpy as np
import pytest
from scipy.special import betaln, xlogy

from spacy_ner_plus.evaluation.statistics.anytime import (
    confidence_sequence,
    difference_interval,
    find_best,
    log_evidence,
)


def mixture(n, total, t):
    return betaln(1 + total, 1 + n - total) - xlogy(total, t) - xlogy(n - total, 1 - t)


@pytest.mark.parametrize(("n", "total"), [(1, 0), (1, 1), (5, 5), (40, 12.25), (10_000, 6300)])
def test_anytime_interval_of_a_mean_ends_where_the_mixture_reaches_its_limit(n, total):
    low, high = confidence_sequence(n, total, 0.05)
    assert low <= total / n <= high
    for end in {low, high} - {0.0, 1.0}:
        assert mixture(n, total, end) == pytest.approx(np.log(20), abs=1e-3)


def test_anytime_interval_of_nothing_is_everything():
    assert confidence_sequence(0, 0.0) == (0.0, 1.0)
    assert difference_interval((0, 0.0), (0, 0.0)) == (-1.0, 1.0)


@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_anytime_interval_holds_at_all_times(alpha):
    """Also for values that aren't 0 or 1: each at any time between 1 and 300."""
    rng, runs, outside = np.random.default_rng(0), 150, 0
    for run in range(runs):
        values = rng.beta(2, 3, 300) if run % 2 else rng.random(300) < 0.4
        totals = list(accumulate(values.astype(float)))
        outside += any(mixture(n, total, 0.4) >= np.log(1 / alpha) for n, total in enumerate(totals, 1))
    assert outside / runs <= alpha


@pytest.mark.parametrize(
    ("one", "other"), [((100, 70.0), (60, 24.0)), ((9, 9.0), (7, 0.0)), ((30, 11.5), (400, 160.0))]
)
def test_anytime_difference_is_that_of_a_search_over_all_means(one, other):
    low, high = difference_interval(one, other, 0.05)
    grid = np.linspace(0, 1, 2001)
    evidence = mixture(*one, grid)[:, None] + mixture(*other, grid)[None]
    inside = (grid[:, None] - grid[None])[evidence < np.log(20)]
    assert (low, high) == pytest.approx((inside.min(), inside.max()), abs=2e-3)
    mirrored = difference_interval(other, one, 0.05)
    assert mirrored == pytest.approx((-high, -low), abs=1e-6)


@pytest.mark.parametrize(("one", "other"), [((40, 30.0), (20, 7.5)), ((5, 5.0), (90, 30.0))])
def test_anytime_evidence_is_that_of_an_integral_over_the_means_where_the_first_is_higher(one, other):
    grid = (np.arange(1500) + 0.5) / 1500
    first, second = ((xlogy(s, grid) + xlogy(n - s, 1 - grid)) for n, s in (one, other))
    above = np.exp(first[:, None] + second[None]) * (grid[:, None] > grid[None])
    null = max(
        np.where(grid[:, None] <= grid[None], first[:, None] + second[None], -np.inf).ravel(), default=0
    )
    assert log_evidence(one, other) == pytest.approx(np.log(2 * above.mean()) - null, abs=0.01)


def test_anytime_best_is_found_once_it_is_sure():
    assert find_best({"a": (200, 140.0), "b": (60, 24.0), "c": (50, 10.0)}) == "a"
    assert find_best({"a": (20, 14.0), "b": (6, 2.4), "c": (5, 1.0)}) is None
    # Against one alone it would be enough.
    assert find_best({"a": (200, 140.0), "b": (60, 24.0), "c": (0, 0.0)}) is None


def test_anytime_best_needs_another():
    assert find_best({}) is None
    assert find_best({"a": (500, 500.0)}) is None
    assert find_best({"a": (500, 250.0), "b": (500, 250.0)}) is None


def test_anytime_best_of_values_that_are_all_right_or_all_wrong():
    assert find_best({"a": (30, 30.0), "b": (30, 0.0)}) == "a"
    assert find_best({"a": (30, 30.0000000001), "b": (30, 0.0)}) == "a"
    assert find_best({"a": (30, 30.0), "b": (30, 30.0)}) is None
