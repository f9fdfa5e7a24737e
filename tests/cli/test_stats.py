"""stats: what corpora hold, and which texts they share."""

import pytest
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app


@pytest.fixture
def corpora(tmp_path, nlp):
    ann = Doc(nlp.vocab, words=["Ann", "left"], ents=["B-PER", "O"])
    bob = Doc(nlp.vocab, words=["Bob", "Lee", "left"], ents=["B-PER", "I-PER", ""])
    DocBin(docs=[ann, bob, ann]).to_disk(tmp_path / "train.spacy")
    folder = tmp_path / "dev"
    folder.mkdir()
    DocBin(docs=[ann]).to_disk(folder / "part-1.spacy")
    DocBin(docs=[Doc(nlp.vocab, words=["Oslo"], ents=["B-LOC"])]).to_disk(folder / "part-2.spacy")
    return [tmp_path / "train.spacy", folder]


def test_stats_command_shows_the_labels_and_the_shared_texts(corpora):
    result = CliRunner().invoke(app, ["stats", *map(str, corpora)], env={"COLUMNS": "250"})
    assert result.exit_code == 0
    assert "LOC" in result.stdout
    assert "2 (66.7%)" in result.stdout
