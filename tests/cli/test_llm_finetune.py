import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.tiny_causal import save_tiny_causal


@pytest.mark.slow
def test_llm_finetune_and_gguf(tmp_path):
    base = save_tiny_causal(tmp_path / "base")
    corpus = tmp_path / "train.jsonl"
    corpus.write_text(
        '{"messages": [{"role": "user", "content": "Ann met Bob."}, {"role": "assistant", "content": "Ann, Bob"}]}\n'
        '{"messages": [{"role": "user", "content": "Ann met Bob."}]}\n',
        encoding="utf8",
    )
    words = [corpus, "--base", base, "--output", tmp_path / "tuned", "--epochs", "1", "--set", "rank=2"]
    result = CliRunner().invoke(app, ["llm", "finetune", *map(str, words)])
    assert result.exit_code == 0, result.output
    assert "1 chats" in result.stdout.replace("\n", " ")
    assert "Steps: 1" in result.stdout
    result = CliRunner().invoke(app, ["llm", "gguf", str(tmp_path / "tuned"), str(tmp_path / "a.gguf")])
    assert result.exit_code == 0, result.output


def test_llm_gguf_of_no_folder(tmp_path):
    result = CliRunner().invoke(app, ["llm", "gguf", str(tmp_path / "no"), str(tmp_path / "a.gguf")])
    assert result.exit_code == 1
    assert "E101" in result.output
