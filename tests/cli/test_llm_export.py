from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.llm.store.store import Store
from tests.learning.export.stored import TEXT, answered


def test_llm_export_says_what_was_left_out_and_why(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        for number, value in enumerate((0.9, 0.2)):
            inference = answered(store, f"{TEXT} {number}")
            store.feedback.add(inference.id, "jaccard", value)
    words = ["--metric", "jaccard", "--min", "0.5", "--output", tmp_path / "train.jsonl"]
    result = CliRunner().invoke(app, ["llm", "export", *map(str, (tmp_path / "s.sqlite", *words))])
    assert result.exit_code == 0, result.output
    assert "train.jsonl: 1 texts" in result.stdout.replace("\n", "")
    assert "In the model's own words: 1" in result.stdout
    assert "answer that isn't good enough" in result.stdout
