"""The spaCy project: what its scripts use, and runs on somebody's own CoNLL files."""

import json
import shutil
import subprocess
import sys

import pytest
import srsly
from spacy.util import load_config

from tests.conftest import ROOT


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path):
    for name in ("project.yml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    (tmp_path / "assets").mkdir()
    shutil.copy(ROOT / "assets" / "corpora.yml", tmp_path / "assets" / "corpora.yml")
    return tmp_path


@pytest.fixture
def own_files(project):
    """The synthetic corpus in CoNLL's format, as if somebody had brought it."""
    folder = project / "own"
    folder.mkdir()
    for split, source in (("train", "train"), ("dev", "dev"), ("test", "dev")):
        path = folder / f"{split}.conll"
        done = run("spacy_ner_plus", "convert", ROOT / "assets" / "synthetic" / f"{source}.json", path)
        assert done.returncode == 0, done.stderr
        path.rename(folder / f"{split}.txt")
    return project


def test_project_uses_nothing_of_tests_or_benchmarks():
    for command in srsly.read_yaml(ROOT / "project.yml")["commands"]:
        for line in command["script"]:
            assert "tests" not in line, command["name"]
            assert "benchmarks" not in line, command["name"]


def test_project_says_that_no_chat_model_is_given_before_anything_runs(project):
    done = run("spacy", "project", "run", "llm", project)
    assert done.returncode == 1
    assert "--vars.llm_url http" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((project / "corpus").iterdir())


def test_project_compares_without_a_chat_model_where_none_is_given():
    project = srsly.read_yaml(ROOT / "project.yml")
    commands = {command["name"]: command for command in project["commands"]}
    assert project["workflows"]["compare"][0] == "check-compare"
    assert "evaluate-llm" not in project["workflows"]["compare"]
    assert "--llm-url '${vars.llm_url}'" in commands["compare-all"]["script"][-1]


def test_project_says_that_the_corpus_is_missing(project):
    done = run("spacy", "project", "run", "convert-conll", project, "--vars.conll", "nowhere")
    assert done.returncode == 1
    assert "nowhere/train.txt" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_project_runs_on_own_files(own_files):
    done = run(
        "spacy", "project", "run", "conll", own_files, "--vars.conll", "own", "--vars.version", "1.2.3"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((own_files / "metrics" / "conll-result.json").read_text())
    # However small the corpus, what is packaged was trained, and for long enough.
    assert result["training"]["best_step"] > 0
    assert result["training"]["epochs"] > load_config(ROOT / "configs/transformer_ner.cfg")["vars"]["epochs"]
    assert [row["tokens"] for row in result["evaluations"]] == ["own", "gold"]
    assert "no counts are known" in done.stdout.lower()
    assert "<html" in (own_files / "metrics" / "conll.html").read_text()
    assert list((own_files / "packages").rglob("en_ner_plus_conll-1.2.3-py3-none-any.whl"))


@pytest.mark.slow
def test_project_trains_the_stock_baseline_by_the_same_commands(own_files):
    pytest.importorskip("spacy_transformers")
    for command in ("convert-conll", "train-conll", "evaluate-conll"):
        done = run(
            "spacy", "project", "run", command, own_files, "--vars.conll", "own", "--vars.config", "stock_ner"
        )
        assert done.returncode == 0, done.stdout + done.stderr
    metrics = json.loads((own_files / "metrics" / "conll.json").read_text())
    assert metrics["pipeline"]["components"] == {"transformer": "transformer", "ner": "ner"}
