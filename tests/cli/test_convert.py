"""convert: right and wrong input, and nothing written by halves."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app

CONLL = "Peter NNP B-PER\nBlackburn NNP I-PER\n"


BROKEN = "Ann B-PER\n\nBob PER\n\nAnn B-PER\n"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source" / "a.conll"
    path.parent.mkdir()
    path.write_text(CONLL)
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "corpus.spacy"


def test_convert_command_shows_what_was_read_and_lost(tmp_path, out, monkeypatch):
    # A short path, as the table wraps long ones.
    monkeypatch.chdir(tmp_path)
    source = "a.conll"
    Path(source).write_text(BROKEN)
    result = CliRunner().invoke(app, ["convert", source, str(out)], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert "duplicate document" in result.stdout
    assert f"{source}:3" in result.stdout
    assert "PER" in result.stdout


def test_convert_command_exits_with_one_message(source, out):
    source.write_bytes(b"M\xfcller B-PER\n")
    command = [sys.executable, "-m", "spacy_ner_plus", "convert", str(source), str(out)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert f"{source}:1" in result.stderr
    assert "--encoding" in result.stderr
    assert "Traceback" not in result.stderr
    assert not out.parent.exists()


@pytest.mark.parametrize(
    "options",
    [["--annotated-labels", "PER, ORG"], ["--annotated-labels", "PER", "--annotated-labels", "ORG"]],
)
def test_convert_command_says_which_labels_were_annotated(source, out, options):
    result = CliRunner().invoke(app, ["convert", str(source), str(out), *options], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert re.search(r"documents with some labels annotated\W+1\b", result.stdout)
    (doc,) = DocBin().from_disk(out).get_docs(Vocab())
    assert list(doc.user_data["annotated_labels"]) == ["ORG", "PER"]
