import json

import pytest
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.project.gold_review import gold_review
from spacy_ner_plus.workflows.review.pull import pull
from spacy_ner_plus.workflows.review.push import push


@pytest.fixture
def corpora(nlp, tmp_path):
    """Three texts as a pipeline and as a person annotates them."""
    words = [["😀", "Ann", "in", "Oslo"], ["Bo", "left"], ["nobody"]]
    tags = {
        "predicted": [["O", "B-PER", "O", "O"], ["B-LOC", "O"], ["B-PER"]],
        "gold": [["O", "B-PER", "O", "B-LOC"], ["B-PER", "O"], ["O"]],
    }
    paths = {}
    for name, rows in tags.items():
        docs = [Doc(nlp.vocab, words=text, ents=row) for text, row in zip(words, rows, strict=True)]
        paths[name] = tmp_path / f"{name}.spacy"
        DocBin(docs=docs).to_disk(paths[name])
    return paths


def test_gold_review_stands_for_a_person(corpora, tmp_path):
    tasks, answers = tmp_path / "tasks.jsonl", tmp_path / "answers.jsonl"
    push(corpora["predicted"], str(tasks), tool="prodigy", labels=["PER", "LOC"], limit=2)
    assert gold_review(tasks, corpora["gold"], answers) == 2
    reviewed = pull(corpora["predicted"], str(answers), tool="prodigy")
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in reviewed.docs] == [
        [("Ann", "PER"), ("Oslo", "LOC")],
        [("Bo", "PER")],
        [],
    ]
    assert [doc.has_annotation("ENT_IOB") for doc in reviewed.docs] == [True, True, False]


def test_gold_review_refuses_tasks_of_other_texts(corpora, tmp_path):
    (tmp_path / "tasks.jsonl").write_text(json.dumps({"text": "elsewhere"}))
    with pytest.raises(UserError, match=r"E786.*tasks\.jsonl:1.*elsewhere"):
        gold_review(tmp_path / "tasks.jsonl", corpora["gold"], tmp_path / "answers.jsonl")
    assert not (tmp_path / "answers.jsonl").exists()
