import pytest
from hypothesis import given
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.matching.matched_doc import judge_doc, judge_docs, overlapping
from spacy_ner_plus.spans import MISSING
from tests.evaluation.strategies import VOCAB, judge, make_doc, spans


@given(spans(overlapping=True), spans(overlapping=True))
def test_judged_finds_all_that_overlaps(golds, predicted):
    expected = set()
    for i, gold in enumerate(golds):
        for j, span in enumerate(predicted):
            shared = len(
                set(range(gold.start_char, gold.end_char)) & set(range(span.start_char, span.end_char))
            )
            if shared:
                expected.add((i, j, shared))
    found = overlapping(golds, predicted)
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_judged_marks_tokens_that_a_prediction_covers_in_part():
    gold = Doc(VOCAB, words=["in", "Oslo-based"], spaces=[True, False], ents=["O", "O"])
    predicted = Doc(
        VOCAB, words=["in", "Oslo", "-based"], spaces=[True, False, False], ents=["O", "B-LOC", "O"]
    )
    doc = judge_doc(predicted, gold)
    assert doc.predicted_tags == ("O", MISSING)
    assert not doc.predicted[0].fits


def test_judged_leaves_tokens_without_annotation_out():
    gold = make_doc("a b c", ["B-X", "", "O"])
    doc = judge_doc(make_doc("a b c", "B-X B-X O"), gold)
    assert doc.compared == (0, 2)
    assert [span.start for span in doc.predicted] == [0]


def test_judged_knows_a_document_without_an_answer():
    gold = make_doc("a b", "O O")
    assert judge("a b", "O O", "O O").answered
    assert not judge_doc(Doc(VOCAB, words=["a", "b"]), gold).answered
    assert judge_doc(Doc(VOCAB), Doc(VOCAB)).answered


def test_judged_refuses_corpora_of_different_length():
    with pytest.raises(ValueError, match="shorter"):
        judge_docs([make_doc("a", "O")] * 2, [make_doc("a", "O")])
