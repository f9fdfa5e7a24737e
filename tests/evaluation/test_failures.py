import pytest
from spacy.tokens import Doc, SpanGroup

from spacy_ner_plus.evaluation.failures import FAILURE, find_failure, is_answered, share_invalid
from tests.evaluation.strategies import VOCAB, make_doc


def failed(doc, *reasons):
    for i, reason in enumerate(reasons):
        doc.spans[f"part {i}"] = SpanGroup(doc, attrs={FAILURE: reason})
    return doc


def test_failures_give_the_reasons_of_all_components():
    assert find_failure(make_doc("Bo left", "B-X O")) == ""
    assert (
        find_failure(failed(make_doc("Bo left", "B-X O"), "no reply", "", "no JSON")) == "no reply; no JSON"
    )


def test_failures_in_part_count_as_invalid_and_as_answered():
    part, whole = (
        failed(make_doc("Bo left", "B-X O"), "no reply"),
        failed(Doc(VOCAB, words=["Bo"]), "no reply"),
    )
    fine = make_doc("Bo left", "O O")
    assert share_invalid([part, whole, fine]) == pytest.approx(2 / 3)
    assert [is_answered(doc) for doc in (part, whole, fine)] == [True, False, True]


def test_failures_of_nothing_are_unknown():
    assert share_invalid([]) is None
    assert is_answered(Doc(VOCAB))
