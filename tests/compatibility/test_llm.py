"""Pipelines of structured_llm_ner and their kept replies give what they gave, and ask nobody."""

import json
import shutil
import warnings
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus.llm.store.store import Store
from tests.compatibility.found import found

MADE = Path(__file__).parent / "made"
EXPECTED = json.loads((MADE / "expected.json").read_text(encoding="utf8"))["llm"]


@pytest.fixture
def replies(tmp_path) -> str:
    """A copy of the store, which may be written to."""
    return str(shutil.copyfile(MADE / "replies.sqlite", tmp_path / "replies.sqlite"))


def load(name: str, replies: str, **model):
    settings = {"model": {"store": replies, "replay_only": True, **model}}
    return spacy.load(MADE / name, config={"components": {"structured_llm_ner": settings}})


def annotate(nlp, name: str) -> list[dict]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return found(nlp.pipe([row["text"] for row in EXPECTED[name]]), "structured_llm_ner")


@pytest.mark.parametrize("name", EXPECTED)
def test_llm_replies_kept_before_give_the_same_entities(name, replies):
    nlp = load(name, replies)
    rows = annotate(nlp, name)
    for row, expected in zip(rows, EXPECTED[name], strict=True):
        assert row.pop("scores") == pytest.approx(expected["scores"])
        assert row == {key: value for key, value in expected.items() if key != "scores"}
    usage = nlp.get_pipe("structured_llm_ner").usage_report()
    assert usage["requests"] == 0
    assert usage["stored"] > 0


@pytest.mark.parametrize("name", EXPECTED)
def test_llm_pipelines_saved_before_keep_the_labels_and_examples_they_read(
    name, replies, monkeypatch, tmp_path
):
    # Their files are named by relative paths, and are nowhere now.
    monkeypatch.chdir(tmp_path)
    pipe = load(name, replies).get_pipe("structured_llm_ner")
    assert pipe.labels == ("PER", "ORG", "LOC")
    saved = json.loads((MADE / name / "structured_llm_ner" / "cfg").read_text(encoding="utf8"))
    assert len(saved["resolved"]["examples"]["value"]) == 3


def test_llm_pipelines_saved_before_as_bytes_give_the_same_entities(replies):
    name = "llm_label_lists"
    nlp = load(name, replies)
    pipe = nlp.get_pipe("structured_llm_ner")
    pipe.from_bytes((MADE / f"{name}.bytes").read_bytes(), exclude=["vocab"])
    assert [row["ents"] for row in annotate(nlp, name)] == [row["ents"] for row in EXPECTED[name]]


def test_llm_stores_of_before_take_further_replies(replies):
    from tests.servers.fault_server import FaultServer

    before = count_replies(replies)
    with FaultServer() as server:
        nlp = load("llm_label_lists", replies, replay_only=False, base_url=server.url)
        doc = nlp("Anna met Robert in Oslo.")
        assert len(server.requests) == 1
        nlp("Anna met Robert in Oslo.")
        assert len(server.requests) == 1
    assert doc.ents
    assert count_replies(replies) == before + 1


def count_replies(path):
    with Store(path, read_only=True) as store:
        return sum(1 for _ in store.replies())
