"""stats: what corpora hold, and which texts they share."""

import pytest
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.errors import UserError
from tests.conftest import ROOT


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


def test_stats_command_debugs_by_config(small_corpus):
    paths = ["--paths.train", str(small_corpus), f"--paths.dev={small_corpus}"]
    result = CliRunner().invoke(
        app, ["stats", "--debug", str(ROOT / "configs" / "cnn_ner.cfg"), *paths], env={"COLUMNS": "250"}
    )
    assert result.exit_code == 1  # So few documents.
    assert "✘  6 training documents are very few" in result.stdout
    assert "Few examples (at most 50) of 'LOC' (6), 'PER' (4), 'ORG' (3)" in result.stdout
    assert "7 checks passed, 2 warnings, 1 errors" in result.stdout


def test_stats_command_debugs_two_corpora(corpora):
    result = CliRunner().invoke(
        app, ["stats", *map(str, corpora), "--debug", "--lang", "de"], env={"COLUMNS": "250"}
    )
    assert "Labels of the evaluation data that can't be learnt: 'LOC'" in result.stdout


@pytest.mark.parametrize("words", [["--paths.train", "x"], ["--lang", "de"]])
def test_stats_command_refuses_without_debug_what_is_for_it(corpora, words):
    with pytest.raises(UserError, match=f"E547.*{words[0]}"):
        app(["stats", *map(str, corpora), *words], standalone_mode=False)


@pytest.mark.parametrize("words", [["--debgu"], ["--paths.train"], ["--paths.train", "--debug"]])
def test_stats_command_refuses_options_that_it_does_not_know(corpora, words):
    with pytest.raises(UserError, match="E546"):
        app(["stats", *map(str, corpora), *words], standalone_mode=False)
