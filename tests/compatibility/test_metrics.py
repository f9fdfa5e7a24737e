"""Metrics and predictions that earlier versions wrote are read, compared and shown as they were."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app

MADE = Path(__file__).parent / "made"
NAMES = ("transformer_ner", "roberta_ner", "cnn_ner")
# What hangs on the machine and on the day, and how settings are written down.
OF_THE_RUN = {
    "speed",
    "performance",
    "pipeline",
    "settings",
    "predictions",
    "losses",
    "issues",
    "format_version",
}
# What is the same to the last digits; the other sections follow from these.
SAME = (
    *("ents_p", "ents_r", "ents_f", "ents_per_type", "token_f"),
    *("seqeval", "labels", "documents", "accuracy", "errors", "per_document"),
)


@pytest.fixture
def made(tmp_path) -> Path:
    """A copy, since predictions lie beside the metrics."""
    for path in (*MADE.glob("*.json"), *MADE.glob("*.spacy")):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path


def run(*arguments: str | Path) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output


def close(value):
    """Numbers to a last digit or two."""
    if isinstance(value, dict):
        return {key: close(part) for key, part in value.items()}
    if isinstance(value, list):
        return [close(part) for part in value]
    return pytest.approx(value, abs=1e-9) if isinstance(value, float) else value


def by_pair(comparison: dict) -> dict:
    rows = {}
    for row in comparison["pairs"]:
        rows[row["one"], row["other"], row["measure"], row["label"]] = {
            key: row[key] for key in ("difference", "interval", "p", "p_holm", "better")
        }
    return rows


@pytest.mark.parametrize(("name", "corpus"), [("comparison", "gold.spacy"), ("comparison_of_metrics", None)])
def test_metrics_of_before_compare_as_they_did(made, name, corpus):
    sources = [made / f"{name}.json" for name in NAMES]
    options = ["--corpus", made / corpus] if corpus else []
    options += ["--resamples", "200", "--rounds", "500", "--no-page"]
    run("compare", *sources, "-o", made / "new", *options)
    comparison = json.loads((made / "new" / "comparison.json").read_text(encoding="utf8"))
    expected = json.loads((MADE / f"{name}.json").read_text(encoding="utf8"))
    assert by_pair(comparison) == close(by_pair(expected))
    assert [row["name"] for row in comparison["pipelines"]] == [row["name"] for row in expected["pipelines"]]
    assert (comparison["winner"], comparison["leaders"]) == (expected["winner"], expected["leaders"])


def test_metrics_of_before_make_the_page_of_compare(made):
    sources = [made / f"{name}.json" for name in NAMES]
    run("compare", *sources, "-o", made / "new", "--corpus", made / "gold.spacy", "--resamples", "100")
    page = (made / "new" / "index.html").read_text(encoding="utf8")
    assert all(name in page for name in NAMES)


@pytest.mark.parametrize("name", ["transformer_ner", "roberta_ner"])
def test_metrics_of_before_are_measured_again(made, name):
    options = ["--resamples", "200", "--examples", "2"]
    run("evaluate", MADE / name, made / "gold.spacy", "-o", made / "again.json", *options)
    again = json.loads((made / "again.json").read_text(encoding="utf8"))
    before = json.loads((MADE / f"{name}.json").read_text(encoding="utf8"))
    assert set(before) - OF_THE_RUN <= set(again)
    # What is counted by label since then.
    for row in again["labels"].values():
        row.pop("fuzzy")
    for key in SAME:
        assert again[key] == close(before[key]), key
    for scheme, row in before["schemes"].items():
        row.pop("likeness", None)
        assert {key: again["schemes"][scheme][key] for key in row} == close(row), scheme


@pytest.mark.parametrize("name", ["transformer_ner", "llm_label_lists"])
def test_metrics_of_before_make_a_model_card(made, name):
    pipeline = shutil.copytree(MADE / name, made / "pipeline")
    run("model-card", pipeline, made / f"{name}.json")
    f1 = json.loads((MADE / f"{name}.json").read_text(encoding="utf8"))["seqeval"]["f1"]
    assert f"value: {round(f1, 6)}" in (pipeline / "README.md").read_text(encoding="utf8")


def test_predictions_of_before_are_rendered(made):
    run("render", made / "gold.spacy", made / "cnn_ner-predictions.spacy", made / "page.html")
    assert "Anna" in (made / "page.html").read_text(encoding="utf8")
