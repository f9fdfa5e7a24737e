import json

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.evaluate_apart import evaluate_apart, main
from tests.workflows.evaluated import make_corpus, make_gold
from tests.workflows.own_code import own_pipeline, write_code
from tests.workflows.patterns import make_ruler

# Each takes a process of its own.
pytestmark = pytest.mark.slow


@pytest.fixture
def corpus(nlp, tmp_path):
    return make_corpus(tmp_path / "gold.spacy", [make_gold(nlp)] * 2)


def test_evaluate_apart_gives_the_metrics_that_it_wrote(corpus, tmp_path):
    make_ruler("good").to_disk(tmp_path / "good")
    target, notes = tmp_path / "m.json", []
    metrics = evaluate_apart(tmp_path / "good", corpus, target, notes=notes, limit=1, gold_tokens=True)
    assert metrics.path == target
    assert (metrics["settings"]["limit"], metrics["settings"]["tokens"]) == (1, "gold")
    assert metrics["corpus"]["documents"] == 1
    assert notes == []


def test_evaluate_apart_keeps_what_the_process_said(corpus, tmp_path):
    code = write_code(tmp_path)
    code.write_text(f"import sys\nprint('be warned', file=sys.stderr)\n{code.read_text()}")
    notes, pipeline = [], own_pipeline(tmp_path, code)
    evaluate_apart(pipeline, corpus, tmp_path / "m.json", notes=notes, code=code)
    assert notes == [f"{pipeline}: be warned"]


def test_evaluate_apart_gives_the_error_of_the_process(corpus, tmp_path):
    with pytest.raises(UserError, match=r"E315.*'nothing' failed: .*E501"):
        evaluate_apart("nothing", corpus, tmp_path / "m.json", notes=[])


def test_evaluate_apart_says_how_a_process_broke_off(corpus, tmp_path):
    (tmp_path / "code.py").write_text(
        "import os, sys\nprint('no more', file=sys.stderr, flush=True)\nos._exit(7)\n"
    )
    notes = []
    with pytest.raises(UserError, match=r"E315.*ended with code 7: no more"):
        evaluate_apart("x", corpus, tmp_path / "m.json", notes=notes, code=tmp_path / "code.py")
    assert notes == ["x: no more"]


def test_evaluate_apart_writes_its_error_as_json(corpus, tmp_path):
    arguments = {"pipeline": "nothing", "gold": str(corpus), "target": str(tmp_path / "m.json")}
    (tmp_path / "request.json").write_text(json.dumps(arguments))
    main(str(tmp_path / "request.json"), str(tmp_path / "reply.json"))
    assert "E501" in json.loads((tmp_path / "reply.json").read_text())["error"]
