"""Keys that look like annotation, so that none is taken for a record without any."""

import pytest

from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation, looks_like_annotation
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("marks", [{"start": 0, "end": 4, "label": "PER"}]),
        ("marks", [{"begin": 0, "end": 4, "type": "PER"}]),
        ("marks", [{"startOffset": 0, "endOffset": 4, "category": "PER"}]),
        ("marks", [[0, 4, "PER"]]),
        ("marks", [["PER", 0, 4]]),
        ("marks", {"user": [{"spans": [{"start": 0, "end": 4, "label": "PER"}]}]}),
        ("marks", ["B-PER", "O"]),
        ("marks", "B-PER O O"),
        ("entities", ["Rosa"]),
        ("NER", {"PER": ["Rosa"]}),
        ("entites", [{"text": "Rosa", "type": "PER"}]),
        ("lables", ["Rosa"]),
        ("annots", {"PER": ["Rosa"]}),
    ],
)
def test_annotation_is_known_by_its_shape_or_name(key, value):
    assert looks_like_annotation(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("entities", None),
        ("entities", []),
        ("spans", {}),
        ("label", "positive"),
        ("url", "https://example.org"),
        ("tokens", [{"text": "Rosa", "start": 0, "end": 4, "id": 0}]),
        ("scores", [1, 2, 3]),
        ("title", "O"),
        ("annotators", ["ann", "bob"]),
        ("sections", ["news"]),
        ("words", ["O", "O"]),
        ("meta", {"section": "news", "pages": [1, 4]}),
    ],
)
def test_annotation_is_not_seen_in_other_keys(key, value):
    assert not looks_like_annotation(key, value)


def test_annotation_under_another_key_is_refused_with_its_name():
    record = {"text": "Rosa left", "marks": [[0, 4, "PER"]]}
    with pytest.raises(
        UserError, match=r"E180.*f.jsonl:3.*under spans, entities, but 'marks' looks like some"
    ):
        check_no_annotation(record, ("spans", "entities"), "f.jsonl:3", IssueLog(), "Rosa left")


def test_a_record_without_annotation_is_counted():
    issues = IssueLog()
    check_no_annotation({"text": "Rosa left", "id": 3}, ("spans",), "f.jsonl:3", issues, "Rosa left")
    assert [(kind, issue.count, issue.where) for kind, issue in issues] == [
        ("record without annotation", 1, "f.jsonl:3")
    ]
