import numpy as np
import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus, Example

from spacy_ner_plus.annotation.weak_labels.annotator import TextAnswer
from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.annotation.weak_labels.weak_doc import align_answer, weak_record
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.entity_vote.decision import decide
from spacy_ner_plus.pipeline.entity_vote.policies import majority_v1
from spacy_ner_plus.pipeline.transformer_ner.gold_tags import read_gold_tags
from spacy_ner_plus.spans import doc_to_tags

TEXT = SourceText(["U.S.-based", "Acme", "hired", "Ann", "Lee"], [True, True, True, True, False])
NAMES = ["O", "B-ORG", "B-PER", "I-ORG", "I-PER"]


def weak_doc(*answers, nlp=None, keep=0.0):
    nlp = nlp or spacy.blank("en")
    doc, issues = TEXT.doc(nlp.vocab), IssueLog()
    aligned = [align_answer(doc, answer, None, issues, "who") for answer in answers]
    names = [f"annotator {i}" for i in range(len(answers))]
    decision = decide(aligned, names, majority_v1(), keep=keep)
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
