import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus, Example

from spacy_ner_plus.annotation.weak_labels.annotator import Annotator, TextAnswer, rename
from spacy_ner_plus.annotation.weak_labels.panel import Panel
from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.annotation.weak_labels.weak_doc import align_answer, weak_record
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.entity_vote.decision import decide
from spacy_ner_plus.pipeline.entity_vote.policies import intersection_v1, majority_v1, union_v1, weighted_v1
from spacy_ner_plus.pipeline.transformer_ner.gold_tags import read_gold_tags
from spacy_ner_plus.spans import doc_to_tags

TEXT = SourceText(["U.S.-based", "Acme", "hired", "Ann", "Lee"], [True, True, True, True, False])
WEIGHTS = {f"annotator {i}": {"LOC": 0.9, "ORG": 0.8} for i in range(3)}
NAMES = ["O", "B-ORG", "B-PER", "I-ORG", "I-PER"]


def weak_doc(*answers, nlp=None, keep=0.0, policy=None):
    nlp = nlp or spacy.blank("en")
    doc, issues = TEXT.doc(nlp.vocab), IssueLog()
    aligned = [align_answer(doc, answer, None, issues, "who") for answer in answers]
    names = [f"annotator {i}" for i in range(len(answers))]
    decision = decide(aligned, names, policy or majority_v1(), keep=keep)
    failures = [answer.failure for answer in answers]
    return weak_record(TEXT, doc, decision, names, failures).doc, issues


def test_weak_doc_what_does_not_fit_the_tokens_is_missing_and_counted():
    doc, issues = weak_doc(TextAnswer([[0, 4, "LOC", None], [11, 15, "ORG", None]], []))
    assert doc_to_tags(doc) == ["-", "B-ORG", "O", "O", "O"]
    assert issues["span that begins or ends within a token: its tokens are missing"] == 1
    # Another who says something about that token is heard.
    doc, _ = weak_doc(TextAnswer([[0, 4, "LOC", None]], []), TextAnswer([[0, 10, "LOC", None]], []))
    assert doc_to_tags(doc) == ["B-LOC", "O", "O", "O", "O"]


@pytest.mark.parametrize("stretch", [[0, 27], [0, 30], [11, 15], [12, 13]])
def test_weak_doc_stretches_without_an_answer_are_widened_to_tokens(stretch):
    doc, _ = weak_doc(TextAnswer([], [stretch]))
    expected = ["-"] * 5 if stretch[0] == 0 else ["O", "-", "O", "O", "O"]
    assert doc_to_tags(doc) == expected


def test_weak_doc_doubt_reaches_training_as_missing(tmp_path):
    """Through a file, spaCy's reader, and both spaCy's and our own reading of gold."""
    one = TextAnswer([[11, 15, "ORG", None], [22, 29, "PER", None]], [])
    doc, _ = weak_doc(one, TextAnswer([[22, 29, "PER", None]], []))
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "weak.spacy")
    nlp = spacy.blank("en")
    (example,) = Corpus(tmp_path / "weak.spacy")(nlp)
    assert doc_to_tags(example.reference) == ["O", "-", "O", "B-PER", "I-PER"]
    # The pipeline's tokens are others: 'U.S.-based' is three.
    expected = [None if token.text == "Acme" else "O" for token in example.predicted]
    expected[-2:] = ["B-PER", "L-PER"]
    assert example.get_aligned_ner() == expected
    tags, _ = read_gold_tags(example, NAMES)
    assert tags.tolist() == [-1 if tag is None else 0 for tag in expected[:-2]] + [2, 4]


def test_weak_doc_stock_ner_trains_on_it():
    doc, _ = weak_doc(TextAnswer([[11, 15, "ORG", 0.3], [22, 29, "PER", None]], []), keep=0.5)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    example = Example(TEXT.doc(nlp.vocab), doc)
    nlp.initialize(lambda: [example])
    assert example.get_aligned_ner() == ["O", None, "O", "B-PER", "L-PER"]
    assert np.isfinite(nlp.update([example])["ner"])


def test_weak_doc_says_who_said_what_and_who_failed():
    one = TextAnswer([[22, 29, "PER", 0.75]], [])
    doc, _ = weak_doc(one, TextAnswer([], [[0, 29]], "no reply"))
    assert doc.user_data["record"]["meta"]["weak_labels"] == {
        "annotators": ["annotator 0", "annotator 1"],
        "spans": [
            {
                "start": 22,
                "end": 29,
                "label": "PER",
                "score": 0.75,
                "kept": True,
                "annotators": {"annotator 0": 0.75},
            }
        ],
        "failures": {"annotator 1": "no reply"},
    }
    assert doc.spans["sc"].attrs["scores"] == [0.75]
    assert doc.user_data["record"]["annotator"] == "annotator 0 + annotator 1"


@pytest.mark.parametrize("policy", [majority_v1(), union_v1(), intersection_v1(), weighted_v1(WEIGHTS)])
@pytest.mark.parametrize("cut", [{"spans": [[0, 4, "LOC", None]]}, {"within": [[5, 10, "LOC"]]}])
def test_weak_doc_what_does_not_fit_the_tokens_is_missing_whoever_says_o(policy, cut):
    answer = TextAnswer(**{"spans": [], "missing": [], **cut})
    for others in ([], [TextAnswer([], [])], [TextAnswer([], []), TextAnswer([], [])]):
        for answers in ([answer, *others], [*others, answer]):
            doc, _ = weak_doc(*answers, policy=policy)
            assert doc_to_tags(doc) == ["-", "O", "O", "O", "O"]
    # What is kept there stays.
    doc, _ = weak_doc(answer, TextAnswer([[0, 15, "ORG", None]], []), policy=policy)
    assert doc_to_tags(doc) == ["B-ORG", "I-ORG", "O", "O", "O"]


def test_weak_doc_a_label_that_is_dropped_leaves_nothing_in_doubt():
    answer = TextAnswer([[0, 4, "LOC", None]], [], within=[[11, 13, "LOC"], [16, 18, "PER"]])
    assert rename(answer, {"LOC": None, "PER": "PERSON"}.get) == TextAnswer(
        [], [], within=[[16, 18, "PERSON"]]
    )


def test_weak_doc_soft_tags_say_nothing_where_a_span_does_not_fit():
    panel = Panel([Annotator(name, spacy.blank("en")) for name in ("a", "b")])
    cut, whole, nothing = ([[0, 4, "LOC", None]], [[0, 10, "LOC", None]], [])
    for others, weight in ((nothing, 0), (whole, 1)):
        doc = TEXT.doc(panel.annotators[0].nlp.vocab)
        soft = panel.soft_tags(doc, [TextAnswer(cut, []), TextAnswer(others, [])], 1.0)
        assert soft.weights.tolist() == [weight, 1, 1, 1, 1]
