import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.cli.calibrate import calibrate_pipeline
from spacy_ner_plus.errors import UserError
from tests.conftest import TEXTS, make_docs


@pytest.fixture
def pipeline(trained_folder, tmp_path):
    import shutil

    return shutil.copytree(trained_folder, tmp_path / "pipeline")


@pytest.fixture
def hard_corpus(tmp_path, trained_folder):
    """Gold that says of every other copy of a text that all in it is wrong."""
    nlp = spacy.load(trained_folder)
    docs = []
    for i in range(12):
        for doc in make_docs(nlp.vocab):
            copy = Doc(nlp.vocab, words=[token.text for token in doc], ents=["O"] * len(doc))
            docs.append(copy if i % 4 == 0 else doc)
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    return tmp_path / "dev.spacy"


def settings(folder):
    return srsly.read_json(folder / "transformer_ner" / "cfg")


def test_calibrate_makes_scores_as_high_as_the_share_that_is_right(pipeline, hard_corpus, tmp_path):
    result = calibrate_pipeline(str(pipeline), hard_corpus, plot=tmp_path / "plot.svg")
    assert result["after"]["ece"] < result["before"]["ece"]
    assert result["after"]["log_loss"] < result["before"]["log_loss"]
    assert settings(pipeline)["temperature"] == pytest.approx(result["after"]["temperature"])
    assert settings(pipeline)["temperature"] > 1
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")


def test_calibrate_changes_no_entity(pipeline, hard_corpus):
    before = [[(e.start, e.end, e.label_) for e in doc.ents] for doc in spacy.load(pipeline).pipe(TEXTS)]
    calibrate_pipeline(str(pipeline), hard_corpus)
    assert [
        [(e.start, e.end, e.label_) for e in doc.ents] for doc in spacy.load(pipeline).pipe(TEXTS)
    ] == before


def test_calibrate_writes_elsewhere_when_told(pipeline, hard_corpus, tmp_path):
    calibrate_pipeline(str(pipeline), hard_corpus, output=tmp_path / "calibrated")
    assert settings(pipeline)["temperature"] == 1
    assert spacy.load(tmp_path / "calibrated").get_pipe("transformer_ner").cfg["temperature"] > 1


def test_calibrate_leaves_a_pipeline_alone_where_all_is_right(pipeline, tmp_path):
    DocBin(docs=make_docs(spacy.blank("en").vocab) * 10).to_disk(tmp_path / "dev.spacy")
    result = CliRunner().invoke(app, ["calibrate", str(pipeline), str(tmp_path / "dev.spacy")])
    assert result.exit_code == 0
    assert "Left as it is" in result.output
    assert settings(pipeline)["temperature"] == 1


def test_calibrate_leaves_a_pipeline_alone_where_too_little_is_found(pipeline, tmp_path):
    DocBin(docs=make_docs(spacy.blank("en").vocab)).to_disk(tmp_path / "dev.spacy")
    assert "50 or more" in calibrate_pipeline(str(pipeline), tmp_path / "dev.spacy")["reason"]


def test_calibrate_names_the_components_that_there_are(pipeline, hard_corpus):
    with pytest.raises(UserError, match=r"E536.*'ner'.*transformer_ner"):
        calibrate_pipeline(str(pipeline), hard_corpus, component="ner")


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


def test_calibrate_counts_labels_that_the_pipeline_does_not_know_as_wrong(pipeline, tmp_path):
    nlp = spacy.blank("en")
    docs = make_docs(nlp.vocab) * 10
    for i, doc in enumerate(docs):
        if i % 2:
            doc.ents = [Span(doc, ent.start, ent.end, label="OTHER") for ent in doc.ents]
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    result = calibrate_pipeline(str(pipeline), tmp_path / "dev.spacy")
    assert result["after"]["precision"] == pytest.approx(0.5, abs=0.2)
    assert result["after"]["score"] == pytest.approx(result["after"]["precision"], abs=0.1)


def test_calibrate_refuses_a_corpus_without_annotation(pipeline, tmp_path):
    DocBin(docs=[spacy.blank("en")(text) for text in TEXTS]).to_disk(tmp_path / "dev.spacy")
    with pytest.raises(UserError, match="E305"):
        calibrate_pipeline(str(pipeline), tmp_path / "dev.spacy")


def test_calibrate_leaves_a_pipeline_without_the_component_alone(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "other")
    DocBin(docs=make_docs(nlp.vocab)).to_disk(tmp_path / "dev.spacy")
    assert (
        "no transformer_ner" in calibrate_pipeline(str(tmp_path / "other"), tmp_path / "dev.spacy")["reason"]
    )


def test_calibrate_needs_no_scores_on_the_docs(pipeline, hard_corpus):
    nlp = spacy.load(pipeline, config={"components.transformer_ner.spans_key": ""})
    nlp.to_disk(pipeline)
    result = CliRunner().invoke(app, ["calibrate", str(pipeline), str(hard_corpus)])
    assert result.exit_code == 0, result.output
    assert settings(pipeline)["temperature"] > 1


def test_calibrate_finds_a_component_that_is_disabled(pipeline, hard_corpus):
    nlp = spacy.load(pipeline)
    nlp.disable_pipe("transformer_ner")
    nlp.to_disk(pipeline)
    assert calibrate_pipeline(str(pipeline), hard_corpus)["after"]["temperature"] > 1


def test_calibrate_refuses_targets_before_anything_runs(pipeline, tmp_path):
    corpus = tmp_path / "nowhere.spacy"
    with pytest.raises(UserError, match=r"E320.*--output"):
        calibrate_pipeline(str(pipeline), corpus, output=pipeline)
    with pytest.raises(UserError, match=r"E320.*--plot"):
        calibrate_pipeline(str(pipeline), corpus, plot=corpus)
