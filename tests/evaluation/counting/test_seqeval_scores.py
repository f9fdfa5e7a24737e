import time

import pytest
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.counting import seqeval_scores
from spacy_ner_plus.evaluation.counting.seqeval_scores import score_tags, tag_pair
from spacy_ner_plus.evaluation.matching.matched_doc import match_doc, match_docs
from spacy_ner_plus.issues import IssueLog


def score_docs(golds, predictions, issues=None):
    return seqeval_scores.seqeval_scores(match_docs(golds, predictions), issues)


def make_doc(nlp, words, tags):
    words = words.split("|")
    return Doc(nlp.vocab, words=words, spaces=[False] * len(words), ents=tags.split())


def test_seqeval_scores_score_precision_recall_and_support_per_label(nlp):
    gold = make_doc(nlp, "a|b|c|d|e", "B-PER I-PER O B-LOC B-LOC")
    predicted = make_doc(nlp, "a|b|c|d|e", "B-PER I-PER B-LOC B-LOC I-LOC")
    scores = score_docs([gold], [predicted])
    assert scores["per_label"]["PER"] == {
        "precision": 1.0, "recall": 1.0, "f1": 1.0, "correct": 1, "predicted": 1, "support": 1
    }  # fmt: skip
    assert scores["per_label"]["LOC"]["support"] == 2
    assert (scores["correct"], scores["predicted"], scores["support"]) == (1, 3, 3)
    assert scores["precision"] == scores["recall"] == scores["f1"] == pytest.approx(1 / 3)
    assert scores["macro"]["f1"] == pytest.approx(0.5)
    assert scores["token_accuracy"] == pytest.approx(3 / 5)


def test_seqeval_scores_are_strict_about_tags_that_open_with_inside():
    scores = score_tags([["B-PER", "I-PER", "O"]], [["I-PER", "I-PER", "O"]])
    assert (scores["correct"], scores["predicted"]) == (0, 0)


def test_seqeval_scores_never_take_a_widened_prediction_for_right(nlp):
    gold = make_doc(nlp, "the|U.S.-based", "O B-LOC")
    predicted = make_doc(nlp, "the|U.S.|-based", "O B-LOC O")
    issues = IssueLog()
    scores = score_docs([gold], [predicted], issues)
    assert (scores["correct"], scores["predicted"], scores["support"]) == (0, 1, 1)
    assert scores["token_accuracy"] == 0.5
    assert issues[seqeval_scores.SPLIT_TOKEN] == 1
    assert issues.kinds[seqeval_scores.SPLIT_TOKEN].example == "'U.S.' LOC in 'U.S.-based'"
    assert issues.kinds[seqeval_scores.SPLIT_TOKEN].where == "document 1"


def test_seqeval_scores_count_each_of_two_predictions_inside_one_token(nlp):
    gold = make_doc(nlp, "Oslo-Paris", "O")
    predicted = make_doc(nlp, "Oslo|-|Paris", "B-LOC O B-LOC")
    assert tag_pair(match_doc(gold, predicted)) == (["O", "O", "O"], ["O", "B-LOC", "B-LOC"])
    assert score_docs([gold], [predicted])["token_accuracy"] == 0.0


def test_seqeval_scores_leave_out_tokens_without_annotation_on_both_sides(nlp):
    gold = Doc(nlp.vocab, words=["a", "b", "c"], ents=["B-X", "", "O"])
    predicted = Doc(nlp.vocab, words=["a", "b", "c"], ents=["B-X", "B-X", "O"])
    issues = IssueLog()
    scores = score_docs([gold], [predicted], issues)
    assert (scores["correct"], scores["predicted"], scores["support"]) == (1, 1, 1)
    assert scores["token_accuracy"] == 1.0
    assert issues[seqeval_scores.LEFT_OUT_TOKEN] == 1
    assert issues[seqeval_scores.LEFT_OUT_ENTITY] == 1


def test_seqeval_scores_count_predictions_on_a_changed_text_as_wrong(nlp):
    gold, predicted = make_doc(nlp, "a|b", "B-X O"), make_doc(nlp, "a|c", "B-X O")
    issues = IssueLog()
    scores = score_docs([gold], [predicted], issues)
    assert (scores["correct"], scores["predicted"], scores["support"]) == (0, 1, 1)
    assert issues[seqeval_scores.OTHER_TEXT] == 1


@pytest.mark.parametrize("label", ["micro avg", "-X-", "X", "[red]", "PER-SON"])
def test_seqeval_scores_take_any_label(label):
    gold = [[f"B-{label}", f"I-{label}", "B-X", "B-micro avg"]]
    scores = score_tags(gold, gold)
    assert scores["per_label"][label]["f1"] == 1.0
    assert set(scores["per_label"]) == {label, "X", "micro avg"}


def test_seqeval_scores_of_nothing_are_zero_without_a_warning(nlp, recwarn):
    doc = make_doc(nlp, "a|b", "O O")
    scores = score_docs([doc, Doc(nlp.vocab)], [doc, Doc(nlp.vocab)])
    assert (scores["f1"], scores["support"], scores["per_label"]) == (0.0, 0, {})
    assert not [warning for warning in recwarn if "empty slice" in str(warning.message)]


def test_seqeval_scores_refuse_corpora_of_different_length(nlp):
    doc = make_doc(nlp, "a", "O")
    with pytest.raises(UserError, match="E341"):
        score_docs([doc, doc], [doc])


def test_seqeval_scores_score_50000_tokens_within_seconds():
    tags = [["B-PER", "I-PER", "O", "O", "B-LOC"] * 50 for _ in range(200)]
    # Of the CPU: other work on the machine doesn't count.
    began = time.process_time()
    assert score_tags(tags, tags)["support"] == 20_000
    assert time.process_time() - began < 5
