import numpy as np
import pytest
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.evaluation.confidence.calibration import (
    UNSCORED,
    judge_scores,
    reliability,
    reliability_plot,
)
from spacy_ner_plus.issues import IssueLog

WORDS = ["Anna", "met", "Bo", "in", "Oslo"]


def predicted(vocab, ents, words=WORDS):
    doc = Doc(vocab, words=words)
    spans = [Span(doc, start, end, label=label) for start, end, label, _ in ents]
    doc.ents = spans
    scored = [(span, ent[3]) for span, ent in zip(spans, ents, strict=True) if ent[3] is not None]
    doc.spans["any"] = SpanGroup(
        doc, spans=[span for span, _ in scored], attrs={"scores": [score for _, score in scored]}
    )
    return doc


def test_calibration_judges_each_scored_entity(nlp):
    gold = Doc(nlp.vocab, words=WORDS, ents=["B-PER", "O", "B-PER", "O", "B-LOC"])
    doc = predicted(nlp.vocab, [(0, 1, "PER", 0.9), (2, 3, "LOC", 0.6), (3, 5, "LOC", 0.3)])
    scores, right = judge_scores([gold], [doc])
    assert scores.tolist() == [0.9, 0.6, 0.3]
    assert right.tolist() == [True, False, False]


def test_calibration_counts_entities_without_a_score(nlp):
    gold = Doc(nlp.vocab, words=WORDS, ents=["B-PER", "O", "B-PER", "O", "B-LOC"])
    issues = IssueLog()
    scores, _ = judge_scores(
        [gold], [predicted(nlp.vocab, [(0, 1, "PER", 0.9), (4, 5, "LOC", None)])], issues
    )
    assert scores.tolist() == [0.9]
    assert issues.kinds[UNSCORED].count == 1


def test_calibration_leaves_out_what_gold_says_nothing_of(nlp):
    gold = Doc(nlp.vocab, words=WORDS, ents=["B-PER", "O", "", "O", "B-LOC"])
    doc = predicted(nlp.vocab, [(0, 1, "PER", 0.9), (2, 3, "PER", 0.8)])
    scores, _ = judge_scores([gold], [doc])
    assert scores.tolist() == [0.9]


def test_calibration_takes_other_tokens_by_their_characters(nlp):
    gold = Doc(nlp.vocab, words=["Oslo-based", "firm"], ents=["O", "O"])
    gold.ents = [Span(gold, 1, 2, label="ORG")]
    doc = predicted(nlp.vocab, [(0, 1, "LOC", 0.4), (3, 4, "ORG", 0.7)], ["Oslo", "-", "based", "firm"])
    doc = Doc(nlp.vocab, words=["Oslo", "-", "based", "firm"], spaces=[False, False, True, True])
    doc.ents = [Span(doc, 3, 4, label="ORG")]
    doc.spans["any"] = SpanGroup(doc, spans=list(doc.ents), attrs={"scores": [0.7]})
    assert judge_scores([gold], [doc])[1].tolist() == [True]


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
