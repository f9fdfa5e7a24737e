import numpy as np
import pytest

from spacy_ner_plus.evaluation.statistics.inverse_probability import WeightedMean, difference, hajek_mean


def test_weighted_mean_counts_what_was_rare_as_often_as_it_stands_for_others():
    found = hajek_mean([1, 0, 0], [0.1, 0.5, 0.5])
    assert found == WeightedMean(3, 10 / 14)
    assert hajek_mean([1, 0], [0.5, 0.5]).value == 0.5
    assert hajek_mean([], []).value is None


def test_weighted_mean_pools_parts_of_wholes():
    # F1 of two texts with 2 of 3 and 0 of 1: twice what is right by all that was named.
    assert hajek_mean([2, 0], [0.5, 0.25], [3, 1]).value == pytest.approx(2 * 2 / (2 * 3 + 4 * 1))
    assert hajek_mean([0, 0], [1, 1], [0, 0]).value is None


def test_weighted_mean_of_equal_weights_has_the_interval_of_a_share():
    values = [1] * 30 + [0] * 20
    low, high = hajek_mean(values, [0.4] * 50).interval
    # Wilson's at 30 of 50, but for the one of n - 1.
    assert (low, high) == pytest.approx((0.462, 0.724), abs=2e-3)


def test_weighted_mean_of_one_value_is_not_sure():
    low, high = hajek_mean([1.0] * 12, [0.5] * 12).interval
    assert 0.7 < low < 0.8
    assert high == 1.0
    assert hajek_mean([1.0] * 9, [0.5] * 9).interval is None


def test_weighted_mean_is_covered_by_its_interval_where_probabilities_change():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(300):
        chosen = np.where(np.arange(400) < 200, 0.9, 0.1)
        rate = np.where(np.arange(400) < 200, 0.2, 0.8)
        drawn = rng.random(400) < chosen
        values = rng.random(400) < rate
        low, high = hajek_mean(values[drawn], chosen[drawn]).interval
        covered += low <= 0.5 <= high
    assert covered / 300 > 0.92
    # The plain mean is far off.
    assert values[drawn].mean() < 0.35


def test_weighted_mean_of_any_number_has_the_interval_of_the_normal_distribution():
    found = hajek_mean([10.0, 30.0] * 20, [1.0] * 40, is_share=False)
    assert found.value == 20
    assert found.interval == pytest.approx((20 - 1.96 * 10 / 39**0.5, 20 + 1.96 * 10 / 39**0.5), abs=1e-3)


def test_weighted_means_differ_by_both_of_their_intervals():
    one, other = WeightedMean(50, 0.6, (0.45, 0.75)), WeightedMean(50, 0.3, (0.2, 0.45))
    value, interval = difference(one, other)
    assert value == pytest.approx(0.3)
    assert interval == pytest.approx((0.3 - np.hypot(0.15, 0.15), 0.3 + np.hypot(0.15, 0.1)))
    assert difference(WeightedMean(3, 0.5), other) == (pytest.approx(0.2), None)
    assert difference(WeightedMean(0, None), other) is None
