import json

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*words):
    return CliRunner().invoke(app, ["info", *map(str, words)])


def test_info_shows_the_machine_and_what_was_measured(trained_folder, cache):
    done = run(trained_folder)
    assert done.exit_code == 0
    for text in ("CPU", "threads", "torch", "transformer_ner", "prediction", "training", "fp32"):
        assert text in done.output
    assert "precision fp32: prediction in fp32 and training in fp32." in done.output


def test_info_says_where_measurements_are_kept(trained_folder, cache):
    assert str(cache) in run(trained_folder).output.replace("\n", "").replace("│", "").replace(" ", "")


def test_info_is_written_as_json(trained_folder):
    found = json.loads(run(trained_folder, "--json", "--anew").output)
    assert found["networks"][0]["name"] == "transformer_ner"


def test_info_of_what_is_no_pipeline_is_one_message(tmp_path):
    done = run(tmp_path / "nothing")
    assert (done.exit_code, type(done.exception)) == (1, SystemExit)
    assert "E501" in done.output


def test_info_has_no_other_options():
    assert run("--fast").exit_code == 2
