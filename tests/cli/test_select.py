from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.conftest import TEXTS


def test_select_shows_what_it_did(encoder_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("SPACY_NER_PLUS_CACHE", str(tmp_path / "cache"))
    source, target = tmp_path / "texts.txt", tmp_path / "out.conll"
    source.write_text("\n".join(TEXTS))
    command = ["select", str(source), str(target), "--model", encoder_folder, "--device", "cpu", "-n", "2"]
    done = CliRunner().invoke(app, [*command, "--query", TEXTS[0], "--query", TEXTS[2]])
    assert done.exit_code == 0, done.output
    words = done.stdout.replace("│", " ").split()
    assert "embedded now 6" in " ".join(words)
    assert "selected 2" in " ".join(words)
    assert target.read_text().startswith("-DOCSTART-")
    assert list((tmp_path / "cache" / "embeddings").glob("*.sqlite"))
    failed = CliRunner().invoke(app, command)
    assert failed.exit_code == 1
    assert "[E673]" in failed.output
