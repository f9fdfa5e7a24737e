import numpy as np
import pytest

from spacy_ner_plus.evaluation.statistics.power_law import PowerLaw, fit_curve

SIZES = [size for size in (14, 28, 57, 113) for _ in range(2)]


def counts(f1, *, documents=60, entities=40, rng=None):
    """A test corpus on which a training has about this F1; exactly so without a generator."""
    share = np.full(documents, f1) if rng is None else np.clip(f1 + rng.normal(0, 0.1, documents), 0, 1)
    right = np.round(share * entities).astype(int) if rng is None else rng.binomial(entities, share)
    table = np.zeros((documents, 5), dtype=int)
    table[:, 0] = right
    table[:, 3] = table[:, 4] = entities - right
    return table


def test_power_law_is_found_again():
    law = PowerLaw(floor=0.05, scale=0.9, rate=0.5)
    runs = [counts(law.f1(size), entities=100_000, documents=10) for size in SIZES]
    fitted = fit_curve(SIZES, runs, [226, 452], resamples=50)
    assert [one.size for one in fitted.foretold] == [226, 452]
    for one in fitted.foretold:
        assert one.f1 == pytest.approx(law.f1(one.size), abs=0.003)
        assert one.interval[0] <= one.f1 <= one.interval[1] < one.interval[0] + 0.02


def test_power_law_interval_holds_what_comes():
    held = widths = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        law = PowerLaw(rng.uniform(0, 0.1), rng.uniform(0.5, 1.2), rng.uniform(0.25, 0.6))
        runs = [counts(law.f1(size) + rng.normal(0, 0.01), rng=rng) for size in SIZES]
        low, high = fit_curve(SIZES, runs, [226], resamples=200, seed=seed).foretold[0].interval
        held += low <= law.f1(226) + rng.normal(0, 0.01) <= high
        widths += high - low
    assert held >= 18
    assert widths / 20 < 0.15


def test_power_law_is_less_sure_of_what_is_farther():
    rng = np.random.default_rng(0)
    law = PowerLaw(0.05, 0.9, 0.5)
    runs = [counts(law.f1(size) + rng.normal(0, 0.005), rng=rng) for size in SIZES]
    near, far = fit_curve(SIZES, runs, [120, 1000], resamples=200).foretold
    assert far.interval[1] - far.interval[0] > near.interval[1] - near.interval[0]


@pytest.mark.parametrize(
    ("sizes", "f1s", "documents"),
    [
        ([10, 20], [0.5, 0.6], 60),
        ([10, 20, 40], [0.5, 0.6, 0.7], 60),
        ([10, 10, 20, 20, 40, 40], [0.0, 0.0, 0.0, 0.01, 0.5, 0.6], 60),
        (SIZES, [0.5, 0.5, 0.6, 0.6, 0.7, 0.7, 0.8, 0.8], 9),
    ],
    ids=["two sizes", "three trainings", "nothing learnt yet", "nine test documents"],
)
def test_power_law_of_too_little_is_none(sizes, f1s, documents):
    runs = [counts(f1, documents=documents) for f1 in f1s]
    assert fit_curve(sizes, runs, [100], resamples=20) is None
