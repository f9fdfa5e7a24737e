import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.errors import UserError
from tests.servers.fault_server import FaultServer


def test_generate_shows_labels_overlap_and_baseline(tmp_path):
    result = CliRunner().invoke(app, ["generate", str(tmp_path), "--train", "40", "--dev", "20"])
    assert result.exit_code == 0, result.output
    for part in ("LOCATION", "40 records", "20 records", "No entity is in two parts", "F1 0."):
        assert part in result.output


def run(*arguments):
    return CliRunner().invoke(app, ["generate", *map(str, arguments)])


def test_generate_by_a_chat_model_takes_settings_of_a_file_and_of_the_line(tmp_path):
    (tmp_path / "settings.yaml").write_text("labels: [PER, LOC]\nambiguity: 0\nmodel:\n  name: m\n", "utf-8")
    with FaultServer() as server:
        settings = ["--settings", tmp_path / "settings.yaml", "--set", f"model.base_url={server.url}"]
        sizes = ["--train", 6, "--dev", 2]
        result = run(tmp_path / "out", "--backend", "llm", *settings, *sizes, "--to", "spacy")
    assert result.exit_code == 0, result.output
    for part in ("6 records", "Requests:", "cost: not known", "5-15 words"):
        assert part in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "dev.json",
        "dev.spacy",
        "train.json",
        "train.spacy",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "nothing"], "[E730]"),
        (["--settings", "missing.yaml"], "[E738] Can't read the `settings` (--settings) in 'missing.yaml'"),
        (["--set", "lower"], "[E502]"),
        (["--set", "lower=1"], "[E732]"),
        (["--instructions", "nothing"], "[E736]"),
        (["--to", "nothing"], "[E113]"),
        (["--train", "0"], "[E404]"),
    ],
)
def test_generate_refuses_wrong_input_in_one_message(arguments, message, tmp_path):
    result = run(tmp_path / "out", *arguments)
    assert result.exit_code == 1
    assert message in " ".join(result.output.replace("│", " ").split())
    assert not isinstance(result.exception, UserError)
    assert not (tmp_path / "out").exists()
