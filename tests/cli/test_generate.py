from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app


def test_generate_shows_labels_overlap_and_baseline(tmp_path):
    result = CliRunner().invoke(app, ["generate", str(tmp_path), "--train", "40", "--dev", "20"])
    assert result.exit_code == 0, result.output
    for part in ("LOCATION", "40 records", "20 records", "No entity is in two parts", "F1 0."):
        assert part in result.output
