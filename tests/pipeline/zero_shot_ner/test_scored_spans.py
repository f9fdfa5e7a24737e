from math import inf

import pytest
import spacy

from spacy_ner_plus.pipeline.zero_shot_ner.scored_spans import (
    ScoredSpan,
    align_scored,
    best_of_each,
    flat_by_score,
    logistic,
    logit,
)


def found(doc, *texts):
    return [ScoredSpan(doc.text.index(t), doc.text.index(t) + len(t), "ORG", s) for t, s in texts]


def test_scored_spans_take_the_punctuation_of_a_token_and_no_word():
    doc = spacy.blank("en")("Acme Corp. and a U.S.-based firm (Initech) paid $5.")
    fitting, others = align_scored(
        doc, found(doc, ("Acme Corp", 0.7), ("Acme Corp.", 0.6), ("U.S", 0.9), ("Initech", 0.5))
    )
    # "U.S.-based" would be another entity.
    tokens = [token.text for token in doc]
    assert [(span.text, score) for span, score in fitting if span.text != "U.S."] == [
        ("Acme Corp.", 0.7),
        ("Initech", 0.5),
    ]
    assert bool(others) == ("U.S.-based" in tokens)


def test_scored_spans_that_are_no_tokens_are_told():
    doc = spacy.tokens.Doc(spacy.blank("en").vocab, words=["U.S.-based", "firms"])
    fitting, others = align_scored(doc, found(doc, ("U.S", 0.9), ("firms", 0.8)))
    assert [(span.text, score) for span, score in fitting] == [("firms", 0.8)]
    assert [(span.start, span.end) for span in others] == [(0, 3)]


def test_scored_spans_of_the_highest_scores_are_flat():
    doc = spacy.blank("en")("a b c d")
    spans = [
        (doc.char_span(0, 3, "A"), 0.5),
        (doc.char_span(2, 5, "B"), 0.9),
        (doc.char_span(4, 7, "C"), 0.8),
    ]
    spans.append((doc.char_span(2, 5, "D"), 0.9))
    ents, others = flat_by_score(spans)
    assert [(ent.label_, score) for ent, score in ents] == [("B", 0.9)]
    assert {span.label_ for span, _ in others} == {"A", "C", "D"}


def test_scored_spans_of_one_place_and_label_are_one():
    spans = [ScoredSpan(0, 3, "A", 0.5), ScoredSpan(0, 3, "A", 0.7), ScoredSpan(0, 3, "B", 0.6)]
    assert best_of_each(spans) == [ScoredSpan(0, 3, "A", 0.7), ScoredSpan(0, 3, "B", 0.6)]


@pytest.mark.parametrize("probability", [0.0, 1e-9, 0.3, 0.5, 0.999, 1.0])
def test_scored_spans_probabilities_and_logits_go_back_and_forth(probability):
    assert logistic(logit(probability)) == pytest.approx(probability)
    assert (logit(0), logit(1)) == (-inf, inf)
