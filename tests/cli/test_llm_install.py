from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app


def test_llm_install_says_which_models_there_are():
    result = CliRunner().invoke(app, ["llm", "install", "gpt-4"])
    assert result.exit_code == 1
    assert "E872" in result.output
    assert "smollm2" in result.output
