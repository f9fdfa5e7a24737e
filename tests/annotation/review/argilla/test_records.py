import pytest

from spacy_ner_plus.annotation.review.argilla.records import suggested_spans, to_row
from spacy_ner_plus.annotation.review.tasks import Task, TaskSpan

SPANS = (TaskSpan(0, 3, "PER", 0.9), TaskSpan(0, 8, "ORG", 0.7), TaskSpan(10, 12, "LOC", 0.1))


def question(**settings):
    return {"id": "q", "settings": {"field": "text", "allow_overlapping": True, **settings}}


def test_argilla_records_come_back_as_they_went():
    row = to_row(Task("a", "Ann Berg in", SPANS, 0.25), question())
    assert row["metadata"] == {"spacy_ner_plus_id": "a", "uncertainty": 0.25}
    assert suggested_spans(row, "q") == SPANS
    assert suggested_spans(row, "another") is None


def test_argilla_records_without_predictions_differ_from_those_with_none():
    assert "suggestions" not in to_row(Task("a", "Ann"), question())
    assert suggested_spans(to_row(Task("a", "Ann", ()), question()), "q") == ()


@pytest.mark.parametrize("score", [None, 1.5, -0.5])
def test_argilla_records_have_scores_that_the_server_takes(score):
    (suggestion,) = to_row(Task("a", "Ann Berg", (TaskSpan(0, 3, "PER", score), SPANS[1])), question())[
        "suggestions"
    ]
    assert ("score" in suggestion) == (score is not None)
    assert all(0 <= one <= 1 for one in suggestion.get("score", ()))


def test_argilla_records_keep_the_longest_where_spans_may_not_overlap():
    row = to_row(Task("a", "Ann Berg in", SPANS), question(allow_overlapping=False))
    assert [one["label"] for one in row["suggestions"][0]["value"]] == ["ORG", "LOC"]
