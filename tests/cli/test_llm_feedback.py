import pytest
from spacy.tokens import Doc
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan
from tests.learning.inferences import make_inference

WORDS = ["Anna", "met", "Bo", "."]


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "replies.sqlite"
    with Store(path) as opened:
        opened.inferences.add(make_inference("Anna met Bo .", ("Anna", "PER")))
    return path


@pytest.fixture
def gold(tmp_path, nlp):
    docs = [
        Doc(nlp.vocab, words=WORDS, spaces=[True, True, True, False], ents=tags)
        for tags in (["B-PER", "O", "B-PER", "O"], [""] * 4)
    ]
    docs[1] = Doc(nlp.vocab, words=["Nobody", "looked"], ents=["", ""])
    save_docs(docs, tmp_path / "gold.spacy")
    return tmp_path / "gold.spacy"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_llm_feedback_says_what_it_gave_and_what_it_could_not_use(gold, store):
    done = run("llm", "feedback", gold, "--store", store)
    assert done.exit_code == 0, done.output
    assert "1 of 1 answers about 2 gold documents scored" in done.stdout
    assert "5 values added" in done.stderr
    assert "1 gold texts without any annotation, such as: Nobody looked" in done.stderr
    again = run("llm", "feedback", gold, "--store", store)
    assert "0 values added" in again.stderr
    with Store(store, read_only=True) as opened:
        assert opened.feedback.totals("exact_match") == {"a": (1, 0.0)}


def test_llm_feedback_of_scores_alone(gold, store):
    done = run("llm", "feedback", gold, "--store", store, "--scores-alone", "--source", "ann")
    assert "4 values added" in done.stderr
    with Store(store, read_only=True) as opened:
        assert opened.feedback.latest("demonstration") == {}
        assert {row.source for row in opened.feedback.all()} == {"ann"}


def test_llm_feedback_of_the_first_documents(gold, store):
    assert (
        "about 1 gold documents scored" in run("llm", "feedback", gold, "--store", store, "--limit", 1).stdout
    )
    done = run("llm", "feedback", gold, "--store", store, "--limit", -1)
    assert (done.exit_code, "limit" in done.stderr) == (1, True)


def test_llm_feedback_renames_the_labels_of_gold(store, tmp_path, nlp):
    spaces = [True, True, True, False]
    doc = Doc(nlp.vocab, words=WORDS, spaces=spaces, ents=["B-PERSON", "O", "B-PERSON", "B-MISC"])
    save_docs([doc], tmp_path / "other.spacy")
    arguments = ["llm", "feedback", tmp_path / "other.spacy", "--store", store]
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "MISC, PERSON" in refused.stderr
    assert "--label-map" in refused.stderr
    (tmp_path / "labels.json").write_text('{"PERSON": "PER", "MISC": null, "ORG": "FIRM"}')
    done = run(*arguments, "--label-map", tmp_path / "labels.json")
    assert done.exit_code == 0, done.output
    assert "1 MISC dropped" in done.stderr
    assert "ORG was not among the labels" in done.stderr
    with Store(store, read_only=True) as opened:
        (right,) = opened.feedback.latest("demonstration").values()
        assert right.value == (CharSpan(0, 4, "PER"), CharSpan(9, 11, "PER"))


def test_llm_feedback_makes_no_store(gold, tmp_path):
    done = run("llm", "feedback", gold, "--store", tmp_path / "typo.sqlite")
    assert done.exit_code == 1
    assert "typo.sqlite" in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "typo.sqlite").exists()
