import pytest
import spacy
import srsly
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.conftest import make_docs
from tests.workflows.calibrated import save_hard_corpus


@pytest.fixture
def pipeline(trained_folder, tmp_path):
    import shutil

    return shutil.copytree(trained_folder, tmp_path / "pipeline")


@pytest.fixture
def hard_corpus(tmp_path, trained_folder):
    return save_hard_corpus(tmp_path, trained_folder)


def settings(folder):
    return srsly.read_json(folder / "transformer_ner" / "cfg")


def test_calibrate_leaves_a_pipeline_alone_where_all_is_right(pipeline, tmp_path):
    DocBin(docs=make_docs(spacy.blank("en").vocab) * 10).to_disk(tmp_path / "dev.spacy")
    result = CliRunner().invoke(app, ["calibrate", str(pipeline), str(tmp_path / "dev.spacy")])
    assert result.exit_code == 0
    assert "Left as it is" in result.output
    assert settings(pipeline)["temperature"] == 1


def test_calibrate_says_before_and_after(pipeline, hard_corpus):
    result = CliRunner().invoke(app, ["calibrate", str(pipeline), str(hard_corpus)])
    assert result.exit_code == 0
    assert "before: temperature 1.000" in result.output
    assert "after: temperature" in result.output


def test_calibrate_measures_all_entities_and_says_that_a_threshold_is_set(pipeline, hard_corpus):
    path = pipeline / "transformer_ner" / "cfg"
    srsly.write_json(path, {**settings(pipeline), "threshold": 0.95})
    result = CliRunner().invoke(app, ["calibrate", str(pipeline), str(hard_corpus)])
    assert result.exit_code == 0
    assert "threshold stays at 0.95" in result.output
    assert settings(pipeline)["threshold"] == pytest.approx(0.95)


def test_calibrate_needs_no_scores_on_the_docs(pipeline, hard_corpus):
    nlp = spacy.load(pipeline, config={"components.transformer_ner.spans_key": ""})
    nlp.to_disk(pipeline)
    result = CliRunner().invoke(app, ["calibrate", str(pipeline), str(hard_corpus)])
    assert result.exit_code == 0, result.output
    assert settings(pipeline)["temperature"] > 1
