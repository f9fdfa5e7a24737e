import subprocess
import sys

import spacy
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.pipeline.transformer_ner.test_import_hf import TAGS, save_classifier


def run(*arguments):
    command = [sys.executable, "-m", "spacy_ner_plus", "import-hf", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_import_hf_saves_a_pipeline(tmp_path):
    source = save_classifier(tmp_path / "hf", TAGS)
    done = CliRunner().invoke(app, ["import-hf", str(source), str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "LOC, PER" in done.stdout
    assert spacy.load(tmp_path / "out").pipe_names == ["transformer_ner"]


def test_import_hf_overwrites_nothing(tmp_path):
    (tmp_path / "out").mkdir()
    done = run(save_classifier(tmp_path / "hf", TAGS), tmp_path / "out")
    assert done.returncode == 1
    assert "E535" in done.stderr
    assert "Traceback" not in done.stderr


def test_import_hf_leaves_nothing_behind_on_failure(tmp_path):
    done = run(tmp_path / "nowhere", tmp_path / "out")
    assert done.returncode == 1
    assert "E217" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
