import numpy as np
import pytest

from spacy_ner_plus.annotation.weak_labels.agreement import Agreement
from spacy_ner_plus.annotation.weak_labels.annotator import TextAnswer
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer, ScoredSpan
from spacy_ner_plus.pipeline.entity_vote.decision import decide
from spacy_ner_plus.pipeline.entity_vote.policies import majority_v1

LENGTH = 6
NAMES = ["a", "b"]


def report(*texts, labels=(None, None)):
    """The report about texts, each with the spans and the missing tokens of two annotators."""
    agreement = Agreement(NAMES, [found and frozenset(found) for found in labels])
    for text in texts:
        answers = []
        for (spans, missing), looks_for in zip(text, agreement.labels, strict=True):
            nothing = np.zeros(LENGTH, dtype=bool)
            nothing[list(missing)] = True
            answers.append(Answer([ScoredSpan(*span) for span in spans], nothing, looks_for))
        given = [TextAnswer([[*span, None] for span in answer.spans], []) for answer in answers]
        agreement.add(answers, given, decide(answers, NAMES, majority_v1()))
    return agreement.to_dict(resamples=100)


def test_agreement_tokens_that_someone_left_missing_are_left_out():
    found = report(((((0, 2, "PER"), (4, 5, "LOC")), ()), (((0, 2, "PER"),), (4, 5))))
    assert found["alpha"]["value"] == 1.0
    assert found["pairs"][0]["f1"] == 1.0
    assert found["annotators"][1]["missing_tokens"] == 2


def test_agreement_is_without_b_and_i():
    """Two spans or one over the same tokens are the same labels, though not the same spans."""
    found = report((((((0, 1, "PER"), (1, 2, "PER"))), ()), (((0, 2, "PER"),), ())))
    assert found["alpha"]["value"] == 1.0
    assert found["pairs"][0]["f1"] == 0.0


def test_agreement_is_about_labels_that_both_look_for():
    text = ((((0, 1, "PER"), (3, 4, "ORG")), ()), (((3, 4, "ORG"),), ()))
    found = report(text, labels=(["PER", "ORG"], ["ORG"]))
    assert (found["alpha"]["value"], found["alpha"]["labels"]) == (1.0, ["ORG"])
    assert found["pairs"][0] == {"annotators": ["a", "b"], "f1": 1.0, "labels": {"ORG": 1.0}}
    assert report(text)["alpha"]["value"] < 1


@pytest.mark.parametrize("count", [9, 10])
def test_agreement_has_an_interval_from_ten_documents_on(count):
    text = ((((0, 1, "PER"),), ()), (((0, 1, "PER"),), ()))
    assert (report(*[text] * count)["alpha"]["interval"] is None) == (count < 10)
