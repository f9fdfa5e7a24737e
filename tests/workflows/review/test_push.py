import json

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.review.push import LABEL_NOT_SENT, review_push
from tests.annotation.review.docs import PEOPLE, corpus


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()]


def test_push_sends_only_the_labels_to_review(tmp_path):
    path = tmp_path / "tasks.jsonl"
    pushed = review_push(corpus(), str(path), tool="doccano", labels=["PER", "ANIMAL"])
    assert pushed.issues[LABEL_NOT_SENT] == 3
    assert {label for row in rows(path) for *_, label in row["label"]} == {"PER"}


def test_push_sends_the_most_doubtful_first(tmp_path):
    docs = corpus()
    docs[0].spans["ner"] = list(docs[0].ents)
    docs[0].spans["ner"].attrs["uncertainty"] = 0.9
    docs[1].spans["ner"] = list(docs[1].ents)
    docs[1].spans["ner"].attrs["uncertainty"] = 0.1
    path = tmp_path / "tasks.jsonl"
    review_push(docs[::-1], str(path), tool="doccano", limit=1)
    assert [row["text"] for row in rows(path)] == [PEOPLE]


def test_push_without_any_label_says_what_to_give(tmp_path):
    with pytest.raises(UserError, match="E744"):
        review_push(corpus()[2:], str(tmp_path / "tasks.jsonl"), tool="doccano")
    with pytest.raises(UserError, match=r"E743.*twice"):
        review_push(corpus(), str(tmp_path / "tasks.jsonl"), tool="doccano", twice=1.5)
    assert not (tmp_path / "tasks.jsonl").exists()
