from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.statistics.significance import (
    bootstrap_differences,
    compare_pair,
    f1_of,
    holm,
    mean_of,
    randomization_test,
)
from tests.evaluation.statistics.test_resampling import make_counts


def test_significance_approximates_the_exact_permutation_test():
    one, other = make_counts(8, 0.8, 1), make_counts(8, 0.6, 2)
    seen = abs(f1_of(one.sum(axis=0)) - f1_of(other.sum(axis=0)))
    reached = 0
    for swaps in product([False, True], repeat=8):
        swaps = np.array(swaps)[:, None]
        a, b = np.where(swaps, other, one), np.where(swaps, one, other)
        reached += abs(f1_of(a.sum(axis=0)) - f1_of(b.sum(axis=0))) >= seen - 1e-12
    assert randomization_test(one, other) == pytest.approx(reached / 2**8, abs=0.02)


def test_significance_finds_no_difference_by_chance_more_often_than_it_says():
    found = 0
    for seed in range(200):
        p = randomization_test(make_counts(40, 0.7, seed), make_counts(40, 0.7, 1000 + seed), rounds=300)
        found += p < 0.05
    assert found <= 20


def test_significance_of_the_same_counts_is_none():
    table = make_counts(30, 0.7)
    assert randomization_test(table, table) == 1.0
    result = compare_pair([table], [table])
    assert (result["difference"], result["p"], result["p_bootstrap"]) == (0.0, 1.0, 1.0)


def test_significance_is_the_same_both_ways():
    one, other = [make_counts(60, 0.75, 1)], [make_counts(60, 0.7, 2)]
    there, back = compare_pair(one, other), compare_pair(other, one)
    assert there["difference"] == -back["difference"]
    assert there["p"] == pytest.approx(back["p"], abs=0.02)
    assert there["interval"] == pytest.approx([-end for end in reversed(back["interval"])])


def test_significance_of_a_large_difference_is_clear():
    result = compare_pair([make_counts(60, 0.9, 1)], [make_counts(60, 0.6, 2)])
    assert result["p"] == result["p_randomization"] == pytest.approx(1 / 10_001)
    assert result["p_bootstrap"] == pytest.approx(1 / 1001)
    assert 0 < result["interval"][0] < result["difference"] < result["interval"][1]


def test_significance_resamples_both_on_the_same_documents():
    # Both vary much over documents, but always by as much.
    one = make_counts(100, 0.5)
    one[::2, 0], one[::2, 3] = 9, 1
    other = one.copy()
    other[:, 0] = np.maximum(other[:, 0] - 1, 0)
    other[:, 3] = 10 - other[:, 0]
    drawn = bootstrap_differences([one], [other])
    assert drawn.std() < 0.01


def test_significance_of_trainings_reckons_with_their_seeds():
    ones = [make_counts(200, share, 1) for share in (0.6, 0.8)]
    others = [make_counts(200, share, 2) for share in (0.55, 0.75)]
    result = compare_pair(ones, others)
    # By documents alone it is clear; that another seed would tell otherwise is clear, too.
    assert result["p_randomization"] < 0.01
    assert result["p"] == result["p_bootstrap"] > 0.1


def test_significance_takes_means_over_documents():
    one, other = (np.stack([values, np.ones(20)], axis=1) for values in (np.full(20, 0.9), np.full(20, 0.5)))
    result = compare_pair([one], [other], statistic=mean_of)
    assert result["difference"] == pytest.approx(0.4)
    assert result["p"] < 0.001


def test_significance_is_not_known_of_few_documents():
    result = compare_pair([make_counts(9, 0.9)], [make_counts(9, 0.2)])
    assert result["difference"] > 0.5
    assert result["p"] is result["interval"] is None


def test_significance_is_corrected_as_holm_does():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_significance_correction_keeps_the_order_and_never_helps(values):
    corrected = holm(values)
    assert all(after >= min(1.0, before) for before, after in zip(values, corrected, strict=True))
    ranked = sorted(zip(values, corrected, strict=True))
    assert [after for _, after in ranked] == sorted(corrected)
    assert all(after <= 1 for after in corrected)
