import pytest

from spacy_ner_plus.evaluation.counting.counts import rates
from spacy_ner_plus.evaluation.statistics.seeds import summarize_seeds
from tests.evaluation.statistics.test_resampling import make_counts


@pytest.mark.parametrize(
    ("shares", "dominates"), [((0.5, 0.6, 0.7), "seeds"), ((0.6, 0.6, 0.6), "documents")]
)
def test_seeds_say_whether_seeds_or_documents_matter_more(shares, dominates):
    runs = [make_counts(100, share, seed=5) for share in shares]
    summary = summarize_seeds(runs)
    assert summary["dominates"] == dominates
    assert (summary["seeds"], summary["least"]) == (3, min(rates(run.sum(axis=0))[2] for run in runs))
    assert 0.005 < summary["documents_sd"] < 0.05


def test_seeds_of_one_training_knows_no_deviation():
    summary = summarize_seeds([make_counts(20, 0.5)])
    assert (summary["seeds"], summary["sd"], summary["dominates"]) == (1, None, None)
    assert summarize_seeds([make_counts(3, 0.5)] * 2)["documents_sd"] is None
