import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities

from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.counting.tag_spans import CONLLEVAL, count_tag_sequences, read_tags
from spacy_ner_plus.spans import TokenSpan
from tests.evaluation.strategies import tag_pairs, tags

TAGS = st.integers(1, 12).flatmap(lambda length: tags(length, stray=True))


@settings(max_examples=200)
@given(TAGS)
def test_tag_spans_strict_are_seqevals_strict(sequence):
    theirs = [(e.start, e.end, e.tag) for e in Entities([sequence], IOB2).entities[0]]
    assert read_tags(sequence) == theirs


@settings(max_examples=200)
@given(TAGS)
def test_tag_spans_conlleval_are_seqevals_default(sequence):
    theirs = [TokenSpan(start, end + 1, label) for label, start, end in get_entities(sequence)]
    assert read_tags(sequence, CONLLEVAL) == theirs


@settings(max_examples=100, deadline=None)
@given(st.lists(tag_pairs(stray=True), min_size=1, max_size=3))
def test_tag_spans_counts_give_seqevals_default_scores(pairs):
    gold, predicted = map(list, zip(*pairs, strict=True))
    counts = count_tag_sequences(gold, predicted, reading=CONLLEVAL)
    assert counts.precision == pytest.approx(precision_score(gold, predicted, zero_division=0))
    assert counts.recall == pytest.approx(recall_score(gold, predicted, zero_division=0))
    assert counts.f1 == pytest.approx(f1_score(gold, predicted, zero_division=0))


def test_tag_spans_differ_where_an_entity_has_no_beginning():
    gold, predicted = [["B-X", "I-X", "O"]], [["I-X", "I-X", "O"]]
    assert count_tag_sequences(gold, predicted) == Counts(missed=1)
    assert count_tag_sequences(gold, predicted, reading=CONLLEVAL) == Counts(correct=1)


def test_tag_spans_are_counted_by_any_scheme():
    gold, predicted = [["B-X", "I-X", "O"]], [["B-X", "O", "O"]]
    assert count_tag_sequences(gold, predicted, scheme="partial") == Counts(partial=1)


def test_tag_spans_refuse_other_readings_and_other_lengths():
    with pytest.raises(ValueError, match="'loose' is no way"):
        read_tags(["O"], "loose")
    with pytest.raises(ValueError, match="document 1 has 1 gold tags and 2"):
        count_tag_sequences([["O"]], [["O", "O"]])
