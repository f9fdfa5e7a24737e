import json

from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.workflows.evaluate import evaluate
from tests.workflows.patterns import make_golds, make_ruler


def test_record_says_where_it_is(tmp_path):
    nlp = make_ruler("good")
    evaluate(nlp, make_golds(nlp.vocab), tmp_path / "m.json")
    step = {"step": 1, "epoch": 0, "seconds": 1, "words": 5, "score": 0.5}
    (tmp_path / "log.jsonl").write_text(f"{{}}\n{json.dumps(step)}\n")
    files = [str(tmp_path / name) for name in ("log.jsonl", "result.json", "m.json")]
    done = CliRunner().invoke(app, ["record", *files], catch_exceptions=False)
    assert f"Record: {files[1]}" in done.stderr
    assert json.loads((tmp_path / "result.json").read_text())["evaluations"][0]["f1"] == 1.0
