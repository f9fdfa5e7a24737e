import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.confidence.thresholds import risk_coverage, threshold_curve

SCORED = st.lists(
    st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9]), st.booleans()), min_size=1, max_size=20
)


def arrays(scored):
    scores, right = zip(*scored, strict=True)
    return np.array(scores), np.array(right, dtype=bool)


@given(SCORED, st.integers(0, 5), st.integers(0, 3))
def test_thresholds_curve_equals_a_count_at_each_threshold(scored, missed, unscored):
    scores, right = arrays(scored)
    support = int(right.sum()) + missed + unscored
    result = threshold_curve(scores, right, support, unscored=unscored + 1, unscored_right=unscored)
    curve = result["curve"]
    assert curve["threshold"] == sorted(set(scores), reverse=True)
    for k, threshold in enumerate(curve["threshold"]):
        kept = scores >= threshold
        found, predicted = int(right[kept].sum()) + unscored, int(kept.sum()) + unscored + 1
        assert curve["precision"][k] == pytest.approx(found / predicted)
        assert curve["recall"][k] == pytest.approx(found / support if support else 0)
        assert curve["f1"][k] == pytest.approx(2 * found / (predicted + support))
    assert result["best"]["f1"] == max(curve["f1"])


def test_thresholds_best_is_the_lowest_of_equals():
    result = threshold_curve(np.array([0.9, 0.5]), np.array([False, False]), 3)
    assert result["best"]["threshold"] == 0.5


def test_thresholds_curve_is_thinned_but_keeps_the_best_and_the_ends():
    rng = np.random.default_rng(0)
    scores = rng.random(5000)
    right = rng.random(5000) < scores
    result = threshold_curve(scores, right, 4000, points=20)
    curve = result["curve"]
    assert 20 <= len(curve["threshold"]) <= 21
    assert result["best"]["threshold"] in curve["threshold"]
    assert (curve["threshold"][0], curve["threshold"][-1]) == (scores.max(), scores.min())


def test_thresholds_of_nothing_are_none():
    assert threshold_curve(np.zeros(0), np.zeros(0, dtype=bool), 3) == {"curve": None, "best": None}
    assert risk_coverage(np.zeros(0), np.zeros(0, dtype=bool))["aurc"] is None


def test_thresholds_risk_is_that_of_the_highest_scores():
    result = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, True]))
    assert result["curve"]["coverage"] == [0.25, 0.5, 0.75, 1.0]
    assert result["curve"]["risk"] == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    assert result["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert result["aurc_best"] == pytest.approx(1 / 16)


@given(SCORED, st.randoms())
def test_thresholds_risk_does_not_hang_on_the_order(scored, random):
    shuffled = random.sample(scored, len(scored))
    one, other = risk_coverage(*arrays(scored)), risk_coverage(*arrays(shuffled))
    assert one["aurc"] == pytest.approx(other["aurc"])
    assert one["aurc_best"] - 1e-12 <= one["aurc"] <= 1


def test_thresholds_risk_of_one_score_for_all_is_the_share_of_wrong_ones():
    result = risk_coverage(np.full(8, 0.5), np.array([True, False] * 4))
    assert result["aurc"] == pytest.approx(0.5)
