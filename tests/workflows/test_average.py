"""Trainings that began with one head, averaged, measured and saved."""

import shutil

import numpy as np
import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.average import average
from tests.conftest import TEXTS, make_docs, make_pipeline, train
from tests.workflows.calibrated import save_hard_corpus


@pytest.fixture(scope="module")
def folders(trained_folder, tmp_path_factory):
    """Three trainings that went on from one, and one from elsewhere."""
    folder = tmp_path_factory.mktemp("averaged")
    for steps in (1, 2, 3):
        nlp = spacy.load(trained_folder)
        train(nlp, steps=steps, rate=1e-4)
        nlp.to_disk(folder / str(steps))
    return folder


@pytest.fixture
def three(folders):
    return [folders / name for name in "123"]


@pytest.fixture(scope="module")
def dev(tmp_path_factory, trained_folder):
    return save_hard_corpus(tmp_path_factory.mktemp("dev"), trained_folder)


def entities(nlp):
    return [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(TEXTS)]


def weights(nlp):
    state = nlp.get_pipe("transformer_ner").token_scorer.tagger.merged_state()
    return {name: weight.copy() for name, weight in state.weights.items()}


def test_average_is_saved(three, tmp_path):
    made = average(three, tmp_path / "averaged")
    saved = spacy.load(tmp_path / "averaged")
    np.testing.assert_array_equal(weights(saved)["head.weight"], weights(made.nlp)["head.weight"])
    heads = [weights(spacy.load(folder))["head.weight"] for folder in three]
    np.testing.assert_allclose(weights(saved)["head.weight"], np.mean(heads, axis=0), atol=1e-6)


def test_average_without_a_development_set_has_no_f1_and_says_that_nothing_was_calibrated(three):
    made = average(three)
    assert made.f1 is None
    assert not made.f1_of_each
    assert "no development set" in made.not_calibrated
    assert made.likeness > 0.7


def test_average_measures_itself_and_each_training(three, dev):
    made = average(three, dev=dev)
    golds = list(DocBin().from_disk(dev).get_docs(made.nlp.vocab))
    examples = [Example(made.nlp.make_doc(gold.text), gold) for gold in golds]
    assert made.f1 == pytest.approx(made.nlp.evaluate(examples)["ents_f"])
    assert made.f1_of_each == pytest.approx([made.f1] * 3)
    # A quarter of what the corpus says is wrong.
    assert 0.5 < made.f1 < 1


def test_average_measures_what_the_component_finds_whatever_stands_beside_it(three, small_corpus, tmp_path):
    nlp = spacy.load(three[0], config={"components.transformer_ner.threshold": 0.999999})
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DAY", "pattern": "Monday"}])
    nlp.disable_pipe("transformer_ner")
    nlp.to_disk(tmp_path / "first")
    made = average([tmp_path / "first", *three[1:]], dev=small_corpus)
    assert (made.f1, made.f1_of_each) == (1, [1, 1, 1])


def test_average_needs_no_scorer(three, small_corpus, tmp_path):
    nlp = spacy.load(three[0], config={"components.transformer_ner.scorer": None})
    nlp.to_disk(tmp_path / "first")
    assert average([tmp_path / "first", three[1]], dev=small_corpus).f1 == 1


def test_average_is_calibrated_on_the_development_set(three, dev, tmp_path):
    made = average(three, tmp_path / "averaged", dev=dev)
    assert not made.not_calibrated
    saved = srsly.read_json(tmp_path / "averaged" / "transformer_ner" / "cfg")
    assert saved["temperature"] == pytest.approx(made.temperature)
    assert made.temperature > 1


def test_average_knows_what_eight_bits_cost(three, dev, tmp_path):
    average(three, tmp_path / "averaged", dev=dev)
    assert (tmp_path / "averaged" / "transformer_ner" / "model" / "ranges.safetensors").exists()


def test_average_of_small_development_sets_says_why_it_is_not_calibrated(three, small_corpus):
    assert "50 or more" in average(three, dev=small_corpus).not_calibrated


def test_average_takes_docs(three):
    docs = make_docs(spacy.blank("en").vocab)
    assert average(three, dev=iter(docs)).f1 == 1


def test_average_of_loaded_pipelines_changes_the_first_alone(three):
    nlps = [spacy.load(folder) for folder in three]
    before = [weights(nlp) for nlp in nlps]
    made = average(iter(nlps))
    assert made.nlp is nlps[0]
    for nlp, state in zip(nlps[1:], before[1:], strict=True):
        np.testing.assert_array_equal(weights(nlp)["head.weight"], state["head.weight"])
    assert not np.array_equal(weights(nlps[0])["head.weight"], before[0]["head.weight"])
    assert entities(made.nlp) == entities(average(three).nlp)


def test_average_that_is_saved_computes_as_the_one_in_memory(three, dev, tmp_path):
    nlps = [spacy.load(folder, config={"components.transformer_ner.precision": "int8"}) for folder in three]
    made = average(nlps, tmp_path / "averaged", dev=dev)
    docs = [made.nlp.make_doc(text) for text in TEXTS]
    found = [
        nlp.get_pipe("transformer_ner").score_tags(docs).data
        for nlp in (made.nlp, spacy.load(tmp_path / "averaged"))
    ]
    np.testing.assert_allclose(*found, atol=1e-5)


def test_average_forgets_what_was_measured_of_the_first(three, tmp_path):
    first = shutil.copytree(three[0], tmp_path / "first")
    srsly.write_json(
        first / "meta.json", {**srsly.read_json(first / "meta.json"), "performance": {"ents_f": 0.5}}
    )
    assert not average([first, three[1]]).nlp.meta.get("performance")


def test_average_keeps_the_other_components_of_the_first(three, tmp_path):
    nlp = spacy.load(three[0])
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DAY", "pattern": "Monday"}])
    nlp.to_disk(tmp_path / "first")
    made = average([tmp_path / "first", three[1]])
    assert ("Monday", "DAY") in entities(made.nlp)[2]


def test_average_that_is_worse_is_not_written(encoder_folders, small_corpus, tmp_path):
    one = make_pipeline(encoder_folders["wordpiece"], model={"head_layers": 1})
    train(one)
    one.to_disk(tmp_path / "one")
    # The same with the signs of all that the head reads turned round: it finds the same, and the mean of both nothing.
    tagger = one.get_pipe("transformer_ner").token_scorer.tagger
    norm = [name for name in weights(one) if "output.LayerNorm" in name and "attention" not in name][-2:]
    turned = {name: -weight for name, weight in weights(one).items() if name in (*norm, "head.weight")}
    tagger.replace_weights({**weights(one), **turned})
    one.to_disk(tmp_path / "other")
    pair = [spacy.load(tmp_path / name) for name in ("one", "other")]
    before = weights(pair[0])
    with (
        pytest.warns(UserWarning, match="W959"),
        pytest.raises(
            UserError, match=r"E949.*'train.spacy'.*1.0000, 1.0000.*nothing was written.*head_seed"
        ),
    ):
        average(pair, tmp_path / "averaged", dev=small_corpus)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "other"]
    np.testing.assert_array_equal(weights(pair[0])["head.weight"], before["head.weight"])
    assert entities(pair[0]) == entities(pair[1])


def test_average_refuses_a_folder_that_is_there(three, tmp_path):
    (tmp_path / "mine").write_text("work")
    with pytest.raises(UserError, match="E535"):
        average(three, tmp_path)
    assert (tmp_path / "mine").read_text() == "work"


def test_average_refuses_to_write_over_a_pipeline(three):
    with pytest.raises(UserError, match=r"E320.*a pipeline"):
        average(three, three[0])


@pytest.mark.parametrize("count", [0, 1])
def test_average_refuses_fewer_than_two_pipelines(three, count):
    with pytest.raises(UserError, match="E950"):
        average(three[:count])


@pytest.mark.parametrize("load", [str, spacy.load])
def test_average_refuses_a_pipeline_in_place_of_several(three, load):
    with pytest.raises(UserError, match="E950"):
        average(load(three[0]))


def test_average_refuses_a_training_as_the_folder_to_make(three):
    with pytest.raises(UserError, match=r"E950.*the last, .* is a pipeline itself"):
        average(three[:2], three[2])


def test_average_refuses_an_installed_pipeline_as_the_folder_to_make(three, tmp_path, monkeypatch):
    installed = tmp_path / "en_mine-1.0.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: en_mine\nVersion: 1.0.0\n")
    (installed / "entry_points.txt").write_text("[spacy_models]\nen_mine = en_mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"E950.*'en_mine', is a pipeline itself"):
        average(three, "en_mine")
    assert not (tmp_path / "en_mine").exists()


def test_average_refuses_a_development_set_without_entities(three, tmp_path):
    nlp = spacy.blank("en")
    docs = [Doc(nlp.vocab, words=text.split(), ents=["O"] * len(text.split())) for text in TEXTS]
    DocBin(docs=docs).to_disk(tmp_path / "empty.spacy")
    with pytest.raises(UserError, match=r"E952.*'empty.spacy'"):
        average(three, dev=tmp_path / "empty.spacy")


def test_average_refuses_a_development_set_without_annotation(three, tmp_path):
    nlp = spacy.blank("en")
    DocBin(docs=[nlp.make_doc(text) for text in TEXTS]).to_disk(tmp_path / "bare.spacy")
    with pytest.raises(UserError, match="E305"):
        average(three, tmp_path / "averaged", dev=tmp_path / "bare.spacy")
    assert not (tmp_path / "averaged").exists()


def test_average_names_the_pipeline_without_the_component(three, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler")
    nlp.to_disk(tmp_path / "rules")
    with pytest.raises(UserError, match=r"E538.*rules.*transformer_ner"):
        average([three[0], tmp_path / "rules"])
