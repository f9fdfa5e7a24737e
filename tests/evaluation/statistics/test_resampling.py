import numpy as np
import pytest

from spacy_ner_plus.evaluation.counting.counts import rates
from spacy_ner_plus.evaluation.statistics import resampling
from spacy_ner_plus.evaluation.statistics.resampling import (
    document_weights,
    rate_intervals,
    resampled_means,
    resampled_sums,
    share_interval,
)


def make_counts(documents: int, share: float, seed: int = 0) -> np.ndarray:
    """Counts of documents with ten gold entities each, of which a share is found, and nothing spurious."""
    found = np.random.default_rng(seed).binomial(10, share, size=documents)
    table = np.zeros((documents, 5), dtype=int)
    table[:, 0], table[:, 3] = found, 10 - found
    return table


def test_resampling_draws_as_many_documents_as_there_are():
    (weights,) = document_weights(7, 50)
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()


def test_resampling_is_the_same_again_and_in_blocks(monkeypatch):
    table = np.arange(40).reshape(20, 2)
    whole = resampled_sums(table, 30, seed=3)
    assert (resampled_sums(table, 30, seed=3) == whole).all()
    assert (resampled_sums(table, 30, seed=4) != whole).any()
    monkeypatch.setattr(resampling, "BLOCK", 60)
    assert (resampled_sums(table, 30, seed=3) == whole).all()


def test_resampling_sums_equal_a_plain_loop():
    table = np.random.default_rng(0).integers(0, 9, size=(12, 5))
    (weights,) = document_weights(12, 20, seed=1)
    rows = [
        sum((int(n) * row for n, row in zip(drawn, table, strict=True)), np.zeros(5)) for drawn in weights
    ]
    assert (resampled_sums(table, 20, seed=1) == np.array(rows)).all()


def test_resampling_intervals_hold_the_truth_about_as_often_as_they_say():
    held = 0
    for seed in range(200):
        low, high = rate_intervals({"a": make_counts(60, 0.7, seed)}, resamples=300)["a"]["recall"]
        held += low <= 0.7 <= high
    assert 0.88 <= held / 200 <= 0.99


def test_resampling_intervals_hold_the_score_and_narrow_with_documents():
    few, many = (rate_intervals({"a": make_counts(n, 0.7)})["a"]["f1"] for n in (20, 500))
    score = rates(make_counts(500, 0.7).sum(axis=0))[2]
    assert many[0] < score < many[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 2


def test_resampling_gives_each_table_its_own_interval():
    tables = {"good": make_counts(50, 0.9), "bad": make_counts(50, 0.3)}
    found = rate_intervals(tables)
    assert found["good"] == rate_intervals({"good": tables["good"]})["good"]
    assert found["bad"]["f1"][1] < found["good"]["f1"][0]


@pytest.mark.parametrize(("documents", "resamples"), [(9, 1000), (50, 0)])
def test_resampling_says_nothing_of_few_documents_or_without_resamples(documents, resamples):
    table = make_counts(documents, 0.5)
    assert rate_intervals({"a": table}, resamples=resamples) == {"a": None}
    assert share_interval(table[:, 0], resamples=resamples) is None


def test_resampling_takes_shares_by_their_wholes():
    parts, wholes = np.array([1] * 20 + [90] * 20), np.array([1] * 20 + [100] * 20)
    low, high = share_interval(parts, wholes)
    assert low < 1820 / 2020 < high < 0.92
    low, high = share_interval(parts)
    assert low < 45.5 < high


def test_resampling_of_several_trainings_draws_them_too():
    runs = [make_counts(200, 0.6, 1), make_counts(200, 0.8, 1)]
    alone = [resampled_means([run], rates)[:, 1] for run in runs]
    together = resampled_means(runs, rates)[:, 1]
    assert together.std() > 3 * max(drawn.std() for drawn in alone)
    assert together.mean() == pytest.approx(0.7, abs=0.02)
