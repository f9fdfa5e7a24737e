import numpy as np
import pytest

from spacy_ner_plus.annotation.distil.span_tags import span_tags
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer, ScoredSpan


def answer(*spans, missing=(False,) * 4, labels=None):
    return Answer([ScoredSpan(*span) for span in spans], np.array(missing), labels)


def test_span_tags_give_a_score_to_the_tags_and_the_rest_to_o():
    found = span_tags(answer((0, 2, "PER", 0.8), (3, 4, "LOC", 0.6)))
    assert found.labels == ("LOC", "PER")
    assert found.probs == pytest.approx(
        np.array([[0.2, 0, 0.8, 0, 0], [0.2, 0, 0, 0, 0.8], [1, 0, 0, 0, 0], [0.4, 0.6, 0, 0, 0]])
    )
    assert found.weights.tolist() == [1, 1, 1, 1]
    assert found.complete


def test_span_tags_say_nothing_where_the_teacher_does_not():
    found = span_tags(
        answer((0, 1, "PER"), missing=(False, True, True, False), labels=frozenset({"PER", "ORG"}))
    )
    assert found.labels == ("ORG", "PER")
    assert found.weights.tolist() == [1, 0, 0, 1]
    assert not found.complete


def test_span_tags_are_softer_with_a_temperature():
    found = span_tags(answer((0, 1, "PER", 0.9)), temperature=2.0)
    # The log odds of 9 to 1 are halved: 3 to 1.
    assert found.probs[0] == pytest.approx([0.25, 0.75, 0])
    assert found.probs[1] == pytest.approx([1, 0, 0])
    assert found.temperature == 2.0
