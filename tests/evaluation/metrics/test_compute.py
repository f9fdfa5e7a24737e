import json

import pytest
from spacy.tokens import Doc, SpanGroup

from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.counting.document_counts import count_documents
from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.metrics.compute import compute_metrics, metrics_of_counts
from tests.evaluation.strategies import VOCAB, make_doc

GOLDS = [make_doc("Bo met Al Lee", "B-PER O B-PER I-PER"), make_doc("in Oslo today", "O B-LOC O")] * 6
FOUND = [make_doc("Bo met Al Lee", "B-PER O B-PER O"), make_doc("in Oslo today", "O B-ORG O")] * 6


def measure(golds, found, **settings):
    return compute_metrics(match_docs(golds, found), **settings)


def with_scores(docs, scores):
    scored = []
    for doc, score in zip(docs, scores, strict=True):
        copy = doc.copy()
        if score is not None:
            copy.spans["any"] = SpanGroup(
                copy, spans=list(copy.ents), attrs={"scores": [score] * len(copy.ents)}
            )
        scored.append(copy)
    return scored


def test_compute_have_all_schemes_with_counts_rates_and_intervals():
    measured = measure(GOLDS, FOUND)
    strict = measured["schemes"]["strict"]
    assert (strict["correct"], strict["incorrect"]) == (6, 12)
    assert strict["f1"] == seqeval_scores(match_docs(GOLDS, FOUND))["f1"]
    assert strict["interval"]["f1"][0] <= strict["f1"] <= strict["interval"]["f1"][1]
    assert measured["schemes"]["partial"]["f1"] == pytest.approx(15 / 18)
    assert measured["labels"]["PER"]["type"]["f1"] == 1.0
    assert measured["labels"]["PER"]["strict"]["interval"]
    assert measured["documents"]["jaccard"] == pytest.approx((1 / 3 + 0) / 2)
    assert measured["accuracy"]["entities"] == pytest.approx(6 / 18)


def test_compute_are_plain_json():
    measured = measure(with_scores(GOLDS, [0.5] * 12), with_scores(FOUND, [0.5] * 12), train=GOLDS)
    assert json.loads(json.dumps(measured)) == measured


def test_compute_keep_strict_counts_by_document():
    assert measure(GOLDS, FOUND)["per_document"]["correct"] == [1, 0] * 6


def test_compute_name_labels_that_one_side_lacks():
    sets = measure(GOLDS, FOUND)["label_sets"]
    assert (sets["gold_alone"], sets["predicted_alone"]) == (["LOC"], ["ORG"])
    assert sets["gold"] == {"LOC": 6, "PER": 12}


def test_compute_count_documents_without_an_answer():
    found = [*FOUND[:-1], Doc(VOCAB, words=["in", "Oslo", "today"])]
    assert measure(GOLDS, found)["documents"]["unanswered"] == 1


def test_compute_have_calibration_only_where_there_are_scores():
    assert "calibration" not in measure(GOLDS, FOUND)
    calibration = measure(GOLDS, with_scores(FOUND, [0.9, 0.2] * 6))["calibration"]
    assert calibration["entities"] == 18
    assert calibration["unscored"] == 0
    assert calibration["thresholds"]["best"]["threshold"] == 0.9
    assert calibration["risk_coverage"]["aurc"] < calibration["risk_coverage"]["curve"]["risk"][-1]


def test_compute_keep_entities_without_a_score_at_each_threshold():
    found = with_scores(FOUND, [0.9, None] * 6)
    calibration = measure(GOLDS, found)["calibration"]
    assert calibration["unscored"] == 6
    assert calibration["thresholds"]["curve"]["precision"] == [pytest.approx(6 / 18)]


def test_compute_part_by_training_where_it_is_known():
    measured = measure(GOLDS, FOUND, train=[make_doc("Bo left", "B-PER O")])
    assert measured["slices"]["training"]["seen"]["f1"] == 1.0
    assert measured["slices"]["training"]["unseen"]["support"] == 12
    assert "training" not in measure(GOLDS, FOUND)["slices"]


def test_compute_take_training_for_what_is_unclear():
    golds, found = [make_doc("May left", "B-PER O")], [make_doc("May left", "B-DATE O")]
    assert measure(golds, found)["errors"]["unclear"]["count"] == 0
    train = [make_doc("in May", "O B-DATE")]
    assert measure(golds, found, train=train)["errors"]["unclear"]["count"] == 1


def test_compute_take_resamples_seed_threshold_and_examples():
    measured = measure(GOLDS, FOUND, resamples=0, similarity_threshold=0.4, examples=1)
    assert measured["schemes"]["strict"]["interval"] is None
    assert measured["resampling"]["resamples"] == 0
    assert measured["schemes"]["fuzzy"]["correct"] == 12
    assert len(measured["errors"]["kinds"]["wrong label"]["examples"]) == 1
    counts = count_documents(match_docs(GOLDS, FOUND))
    one, other = (metrics_of_counts(counts, seed=seed)["documents"]["jaccard_interval"] for seed in (0, 0))
    assert one == other


def test_compute_of_an_empty_corpus_are_zero():
    measured = measure([], [])
    assert measured["schemes"]["strict"] == {**Counts().to_dict(), "interval": None}
    assert measured["documents"]["jaccard"] is measured["accuracy"]["tokens"] is None
