import numpy as np
import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.comparison.compare import compare_pipelines
from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
from spacy_ner_plus.evaluation.counting.document_counts import count_documents
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.metrics.compute import compute_metrics
from spacy_ner_plus.evaluation.metrics.file import corpus_fingerprint
from tests.evaluation.strategies import make_doc

WORDS = "Bo met Al in Rome"
GOLD = "B-PER O B-PER O B-LOC"
CORPUS = [make_doc(WORDS, GOLD)] * 40


def predict(share: float, seed: int = 0):
    """Predictions that find a share of the entities."""
    rng = np.random.default_rng(seed)
    tags = [[tag if rng.random() < share else "O" for tag in GOLD.split()] for _ in CORPUS]
    return [make_doc(WORDS, row) for row in tags]


def make_pipeline(name, *predictions, golds=CORPUS, counted=True, **settings):
    rows = []
    for docs in predictions:
        corpus = {
            "name": "c.spacy",
            "documents": len(golds),
            "entities": 120,
            "fingerprint": corpus_fingerprint(golds),
        }
        rows.append(
            {
                **compute_metrics(match_docs(golds, docs), resamples=100),
                "corpus": corpus,
                "pipeline": {"name": name},
                "settings": {"tokens": "own", "similarity_threshold": 0.9, **settings},
                "performance": {
                    "words_per_second": 100.0, "load_seconds": 1.0, "peak_memory_mib": None, "processor": "A"
                },
            }
        )  # fmt: skip
    counts = [count_documents(match_docs(golds, docs)) for docs in predictions] if counted else None
    return ComparedPipeline(name, rows, counts)


def pair(comparison, one, other, measure="strict", label=None):
    return next(
        row
        for row in comparison["pairs"]
        if {row["one"], row["other"]} == {one, other} and (row["measure"], row["label"]) == (measure, label)
    )


@pytest.fixture(scope="module")
def three():
    found = {"poor": predict(0.4), "good": predict(0.9), "fair": predict(0.88, 1)}
    pipelines = [make_pipeline(name, docs) for name, docs in found.items()]
    return compare_pipelines(pipelines, resamples=200, rounds=1000)


def test_comparison_puts_the_best_first(three):
    scores = [row["schemes"]["strict"]["f1"] for row in three["pipelines"]]
    assert scores == sorted(scores, reverse=True)
    assert three["pipelines"][-1]["name"] == "poor"


def test_comparison_marks_a_winner_only_where_it_is_significant(three):
    assert three["winner"] is None
    assert set(three["leaders"]) == {"good", "fair"}
    assert pair(three, "good", "fair")["better"] is None
    assert pair(three, "good", "poor")["better"] == "good"


def test_comparison_names_a_winner():
    comparison = compare_pipelines(
        [make_pipeline("poor", predict(0.4)), make_pipeline("good", predict(0.9))], resamples=200
    )
    assert comparison["winner"] == "good"
    assert comparison["leaders"] == ["good"]


def test_comparison_corrects_for_the_number_of_pairs(three):
    rows = [row for row in three["pairs"] if row["measure"] == "strict" and row["label"] is None]
    assert len(rows) == 3
    assert min(row["p_holm"] for row in rows) == pytest.approx(3 * min(row["p"] for row in rows))


def test_comparison_tests_schemes_documents_and_labels(three):
    assert {row["measure"] for row in three["pairs"]} == {
        "strict", "exact", "partial", "type", "token", "fuzzy", "exact_match", "jaccard"
    }  # fmt: skip
    row = pair(three, "good", "poor", label="LOC")
    assert row["better"] == "good"
    assert row["interval"][0] > 0


def test_comparison_of_metrics_alone_tests_strict_scores_and_says_so():
    pipelines = [
        make_pipeline("a", predict(0.9), counted=False),
        make_pipeline("b", predict(0.5), counted=False),
    ]
    comparison = compare_pipelines(pipelines, resamples=100, rounds=500)
    assert {(row["measure"], row["label"]) for row in comparison["pairs"]} == {("strict", None)}
    assert comparison["winner"] == "a"
    assert any(note.startswith("Of a, b there are only metrics") for note in comparison["notes"])
    with_docs = compare_pipelines(
        [make_pipeline("a", predict(0.9)), make_pipeline("b", predict(0.5))], resamples=100, rounds=500
    )
    assert pair(with_docs, "a", "b") == pair(comparison, "a", "b")


def test_comparison_takes_several_trainings_together():
    seeds = make_pipeline("seeds", predict(0.6, 1), predict(0.9, 2))
    comparison = compare_pipelines([seeds, make_pipeline("one", predict(0.7, 3))], resamples=200, rounds=500)
    row = next(row for row in comparison["pipelines"] if row["name"] == "seeds")
    assert row["seeds"]["seeds"] == 2
    assert row["seeds"]["dominates"] == "seeds"
    assert row["schemes"]["strict"]["f1"] == pytest.approx(row["seeds"]["mean"])
    assert comparison["winner"] is None


def test_comparison_refuses_other_corpora():
    other = [make_doc(WORDS, "B-PER O O O B-LOC")] * 40
    pipelines = [make_pipeline("a", predict(0.9)), make_pipeline("b", predict(0.9), golds=other)]
    with pytest.raises(
        UserError, match=r"E310.*'b' was scored on c\.spacy \(40 documents.*and 'a' on c\.spacy"
    ):
        compare_pipelines(pipelines)


def test_comparison_tests_nothing_on_few_documents():
    few = CORPUS[:5]
    pipelines = [make_pipeline(n, predict(share)[:5], golds=few) for n, share in (("a", 1.0), ("b", 0.1))]
    comparison = compare_pipelines(pipelines)
    assert comparison["winner"] is None
    assert comparison["leaders"] == ["a", "b"]
    assert comparison["notes"][0].startswith("Nothing is tested: the corpus has 5 documents")


def test_comparison_tells_what_makes_scores_unlike():
    a, b = make_pipeline("a", predict(0.9), tokens="gold"), make_pipeline("b", predict(0.9))
    b.metrics["performance"]["processor"] = "B"
    del b.metrics["label_sets"]["predicted"]["LOC"]
    b.metrics["settings"]["similarity_threshold"] = 0.7
    said = compare_pipelines([a, b], resamples=0)["notes"]
    assert said == [
        "Nothing is tested: no resamples were asked for (--resamples 0).",
        "Only a got gold's tokens, which makes the task easier.",
        "b predicts no LOC.",
        "Fuzzy scores have different similarity thresholds: 0.7, 0.9.",
        "Speeds were measured on different machines: A; B.",
    ]
