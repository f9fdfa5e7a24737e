from dataclasses import replace

import pytest
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.matching.candidates import find_right
from spacy_ner_plus.evaluation.matching.gold_doc import read_golds
from spacy_ner_plus.evaluation.matching.matched_doc import match_doc, match_docs
from spacy_ner_plus.spans import MISSING
from tests.evaluation.strategies import VOCAB, make_doc, match


def test_matched_doc_marks_tokens_that_a_prediction_covers_in_part():
    gold = Doc(VOCAB, words=["in", "Oslo-based"], spaces=[True, False], ents=["O", "O"])
    predicted = Doc(
        VOCAB, words=["in", "Oslo", "-based"], spaces=[True, False, False], ents=["O", "B-LOC", "O"]
    )
    doc = match_doc(gold, predicted)
    assert doc.predicted_tags == ("O", MISSING)
    assert not doc.predicted[0].aligned


def test_matched_doc_leaves_tokens_without_annotation_out():
    gold = make_doc("a b c", ["B-X", "", "O"])
    doc = match_doc(gold, make_doc("a b c", "B-X B-X O"))
    assert doc.compared == (0, 2)
    assert [span.start for span in doc.predicted] == [0]


def test_matched_doc_knows_a_document_without_an_answer():
    gold = make_doc("a b", "O O")
    assert match("a b", "O O", "O O").answered
    assert not match_doc(gold, Doc(VOCAB, words=["a", "b"])).answered
    assert match_doc(Doc(VOCAB), Doc(VOCAB)).answered


def test_matched_doc_refuses_corpora_of_different_length():
    with pytest.raises(UserError, match=r"E341.*1 documents, and gold has 2"):
        match_docs([make_doc("a", "O")] * 2, [make_doc("a", "O")])


def test_matched_doc_shares_gold_between_pipelines():
    golds = read_golds([make_doc("a b", "B-X O")])
    [one], [other] = (match_docs(golds, [make_doc("a b", tags)]) for tags in ("B-X O", "O O"))
    assert one.gold is other.gold is golds[0]
    assert (len(one.predicted), len(other.predicted)) == (1, 0)


def test_matched_doc_knows_the_text_that_the_pipeline_changed():
    gold = make_doc("a b", "B-X O")
    spaced = Doc(VOCAB, words=["a", " ", "b"], spaces=[True, False, False])
    assert not match_doc(gold, spaced).same_text
    assert match_doc(gold, spaced).same_words
    assert not match_doc(gold, make_doc("a c", "B-X O")).same_words


def test_matched_doc_keeps_what_is_left_out():
    doc = match_doc(make_doc("a b c", ["B-X", "", "O"]), make_doc("a b c", "B-X B-X O"))
    assert [entity.start for entity in doc.left_out] == [1]
    assert [entity.start for entity in doc.all_predicted] == [0, 1]


def test_matched_doc_says_which_predictions_are_right():
    doc = match("a b c d", "B-X I-X O B-X", "B-X I-X B-X B-Y")
    assert doc.right == (True, False, False)


def test_matched_doc_takes_one_of_two_equal_predictions_as_right():
    doc = match("a b", "B-X O", "B-X O")
    assert replace(doc, predicted=doc.predicted * 2).right == (True, False)


def test_matched_doc_takes_no_misaligned_prediction_as_right():
    gold = Doc(VOCAB, words=["Oslo-based"], spaces=[False], ents=["B-LOC"])
    predicted = Doc(VOCAB, words=["Oslo", "-based"], spaces=[False, False], ents=["B-LOC", "O"])
    assert match_doc(gold, predicted).right == (False,)


def test_matched_doc_leaves_out_labels_that_were_not_annotated():
    gold = make_doc("a b c d", "B-X O O O")
    set_annotated_labels(gold, ["X"])
    doc = match_doc(gold, make_doc("a b c d", "B-Y B-X B-Y O"))
    assert [entity.label for entity in doc.predicted] == ["X"]
    assert [(entity.start, entity.label) for entity in doc.left_out] == [(0, "Y"), (2, "Y")]
    assert doc.predicted_tags == ("O", "B-X", "O", "O")
    # Gold's X is missed where something else was found.
    assert doc.compared == (0, 1, 2, 3)


def test_matched_doc_refuses_annotated_labels_of_another_kind():
    gold = make_doc("a b", "B-X O")
    gold.user_data["annotated_labels"] = "X"
    with pytest.raises(UserError, match=r"E238.*a b"):
        match_doc(gold, make_doc("a b", "O O"))


def test_find_right_knows_nothing_of_labels_that_were_not_annotated():
    gold = make_doc("a b", "B-X O")
    set_annotated_labels(gold, ["X"])
    assert find_right(gold, make_doc("a b", "O O"), [(0, 1, "X"), (2, 3, "X"), (2, 3, "Y")]) == [
        True,
        False,
        None,
    ]
