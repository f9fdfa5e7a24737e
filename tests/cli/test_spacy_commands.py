"""spaCy's commands by ours."""

import pytest

from spacy_ner_plus.cli import main
from tests.conftest import ROOT


@pytest.fixture
def command(monkeypatch, capsys):
    # `main` sets it for the process.
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(*arguments: str):
        monkeypatch.setattr("sys.argv", ["spacy-ner-plus", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        return done.value.code, capsys.readouterr()

    return run


def test_spacy_commands_pass_everything_on(command):
    code, shown = command("spacy", "init", "config", "-", "--lang", "de", "-p", "ner", "-F")
    assert code == 0
    assert 'lang = "de"' in shown.out
    assert "[components.ner]" in shown.out


def test_spacy_commands_show_spacys_help(command):
    code, shown = command("spacy", "train", "--help")
    assert code == 0
    assert "python -m spacy train" in shown.out


def test_spacy_commands_fail_as_spacys_do(command):
    code, shown = command("spacy", "no-such-command")
    assert code == 2
    assert "no-such-command" in shown.err


def test_spacy_commands_show_a_users_mistake_as_one_message(command, tmp_path):
    config = str(ROOT / "configs" / "transformer_ner.cfg")
    code, shown = command(
        "spacy",
        "train",
        config,
        "--output",
        str(tmp_path),
        "--paths.train",
        "nowhere",
        "--paths.dev",
        "nowhere",
    )
    assert code == 1
    assert shown.err.strip().startswith("Error: [E214]")
    assert "Traceback" not in shown.err
