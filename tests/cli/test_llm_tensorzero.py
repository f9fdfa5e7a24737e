from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app


def test_llm_tensorzero_says_what_it_wrote_and_how_to_ask_it(tmp_path):
    folder = tmp_path / "gateway"
    result = CliRunner().invoke(app, ["llm", "tensorzero", str(folder), "--function", "find"])
    assert result.exit_code == 0, result.output
    assert str(folder / "config" / "tensorzero.toml") in result.output
    assert '"name": "tensorzero::function_name::find"' in result.output
    assert (folder / "docker-compose.yml").exists()
