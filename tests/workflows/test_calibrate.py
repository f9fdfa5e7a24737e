import pytest
import spacy
import srsly
from spacy.tokens import DocBin, Span

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.calibrate import calibrate
from tests.conftest import TEXTS, make_docs
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


def test_calibrate_makes_scores_as_high_as_the_share_that_is_right(pipeline, hard_corpus, tmp_path):
    result = calibrate(pipeline, hard_corpus, plot=tmp_path / "plot.svg", in_place=True)
    assert result.after["ece"] < result.before["ece"]
    assert result.after["log_loss"] < result.before["log_loss"]
    assert settings(pipeline)["temperature"] == pytest.approx(result.temperature)
    assert settings(pipeline)["temperature"] > 1
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")


def test_calibrate_changes_no_entity(pipeline, hard_corpus):
    before = [[(e.start, e.end, e.label_) for e in doc.ents] for doc in spacy.load(pipeline).pipe(TEXTS)]
    calibrate(pipeline, hard_corpus, in_place=True)
    assert [
        [(e.start, e.end, e.label_) for e in doc.ents] for doc in spacy.load(pipeline).pipe(TEXTS)
    ] == before


def test_calibrate_writes_elsewhere_when_told(pipeline, hard_corpus, tmp_path):
    calibrate(pipeline, hard_corpus, tmp_path / "calibrated")
    assert settings(pipeline)["temperature"] == 1
    assert spacy.load(tmp_path / "calibrated").get_pipe("transformer_ner").cfg["temperature"] > 1


def test_calibrate_leaves_a_pipeline_alone_where_too_little_is_found(pipeline, tmp_path):
    DocBin(docs=make_docs(spacy.blank("en").vocab)).to_disk(tmp_path / "dev.spacy")
    assert "50 or more" in calibrate(pipeline, tmp_path / "dev.spacy", in_place=True).reason


def test_calibrate_names_the_components_that_there_are(pipeline, hard_corpus):
    with pytest.raises(UserError, match=r"E538.*'ner'.*transformer_ner"):
        calibrate(pipeline, hard_corpus, component="ner", in_place=True)


def test_calibrate_counts_labels_that_the_pipeline_does_not_know_as_wrong(pipeline, tmp_path):
    nlp = spacy.blank("en")
    docs = make_docs(nlp.vocab) * 10
    for i, doc in enumerate(docs):
        if i % 2:
            doc.ents = [Span(doc, ent.start, ent.end, label="OTHER") for ent in doc.ents]
    DocBin(docs=docs).to_disk(tmp_path / "dev.spacy")
    result = calibrate(pipeline, tmp_path / "dev.spacy", in_place=True)
    assert result.after["precision"] == pytest.approx(0.5, abs=0.2)
    assert result.after["score"] == pytest.approx(result.after["precision"], abs=0.1)


def test_calibrate_refuses_a_corpus_without_annotation(pipeline, tmp_path):
    DocBin(docs=[spacy.blank("en")(text) for text in TEXTS]).to_disk(tmp_path / "dev.spacy")
    with pytest.raises(UserError, match="E305"):
        calibrate(pipeline, tmp_path / "dev.spacy", in_place=True)


def test_calibrate_leaves_a_pipeline_without_the_component_alone(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "other")
    DocBin(docs=make_docs(nlp.vocab)).to_disk(tmp_path / "dev.spacy")
    assert "no transformer_ner" in calibrate(tmp_path / "other", tmp_path / "dev.spacy", in_place=True).reason


def test_calibrate_finds_a_component_that_is_disabled(pipeline, hard_corpus):
    nlp = spacy.load(pipeline)
    nlp.disable_pipe("transformer_ner")
    nlp.to_disk(pipeline)
    assert calibrate(pipeline, hard_corpus, in_place=True).temperature > 1


def test_calibrate_refuses_targets_before_anything_runs(pipeline, tmp_path):
    corpus = tmp_path / "nowhere.spacy"
    with pytest.raises(UserError, match=r"E320.*the calibrated pipeline"):
        calibrate(pipeline, corpus, pipeline)
    with pytest.raises(UserError, match=r"E320.*the plot"):
        calibrate(pipeline, corpus, plot=corpus)


def test_calibrate_changes_a_loaded_pipeline_and_no_file(pipeline, hard_corpus):
    nlp = spacy.load(pipeline)
    fitted = calibrate(nlp, hard_corpus)
    assert nlp.get_pipe("transformer_ner").cfg["temperature"] == pytest.approx(fitted.temperature)
    assert settings(pipeline)["temperature"] == 1
    with pytest.raises(UserError, match="E537"):
        calibrate(nlp, hard_corpus, in_place=True)
