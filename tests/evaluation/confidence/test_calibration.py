import numpy as np
import pytest

from spacy_ner_plus.evaluation.confidence.calibration import reliability, reliability_plot


def test_calibration_error_is_the_mean_gap_of_its_bins():
    scores = np.array([0.9] * 10 + [0.6] * 10)
    right = np.array([True] * 8 + [False] * 2 + [True] * 6 + [False] * 4)
    result = reliability(scores, right, bins=2)
    assert result["ece"] == pytest.approx((0.1 + 0.0) / 2)
    assert [row["count"] for row in result["bins"]] == [10, 10]
    assert result["brier"] == pytest.approx(((scores - right) ** 2).mean())


def test_calibration_bins_hold_equally_many():
    rng = np.random.default_rng(0)
    result = reliability(rng.random(1000), rng.random(1000) < 0.5)
    assert {row["count"] for row in result["bins"]} == {66, 67}
    assert len(result["bins"]) == 15


def test_calibration_of_honest_scores_is_near_nothing():
    rng = np.random.default_rng(0)
    scores = rng.random(50_000)
    assert reliability(scores, rng.random(50_000) < scores)["ece"] < 0.01


def test_calibration_of_nothing_is_none():
    assert reliability(np.zeros(0), np.zeros(0, dtype=bool))["ece"] is None


def test_calibration_plot_is_an_svg_that_escapes(tmp_path):
    from xml.etree import ElementTree

    curve = reliability(np.array([0.2, 0.9]), np.array([False, True]), bins=2)
    root = ElementTree.fromstring(reliability_plot([("<b>", curve), ("after", curve)], "A & B"))
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 4
    assert "<b>: ECE 0.1500" in "".join(root.itertext())
