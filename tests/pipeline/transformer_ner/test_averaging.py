"""Trainings that began with one head, averaged."""

import warnings

import numpy as np
import pytest
import spacy

from spacy_ner_plus.errors import UserError
from tests.conftest import TEXTS, make_pipeline, train
from tests.pipeline.transformer_ner.test_shared_models import CNN, tagger

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def folders(encoder_folders, tmp_path_factory):
    """Two trainings with one head and other seeds, and one that began with another head."""
    made = []
    for name, seed, head_seed in (("one", 1, 0), ("two", 2, 0), ("other", 3, 1)):
        nlp = make_pipeline(encoder_folders["wordpiece"], seed=seed, model={"head_seed": head_seed})
        train(nlp, steps=4 + seed, rate=1e-3)
        made.append(tmp_path_factory.mktemp("averaging") / name)
        nlp.to_disk(made[-1])
    return made


@pytest.fixture
def pipelines(folders):
    return [spacy.load(folder) for folder in folders]


def component(nlp):
    return nlp.get_pipe("transformer_ner")


def weights(nlp):
    state = component(nlp).token_scorer.tagger.merged_state()
    return {name: weight.copy() for name, weight in state.weights.items()}


def scores(nlp):
    return component(nlp).score_tags([nlp.make_doc(text) for text in TEXTS]).data


def average(*nlps, names=NAMES):
    return component(nlps[0]).average([component(nlp) for nlp in nlps[1:]], names)


def assert_mean(nlp, *states):
    for name, weight in weights(nlp).items():
        expected = np.mean([state[name] for state in states], axis=0)
        np.testing.assert_allclose(weight, expected, atol=1e-6)


def reorder(nlp):
    """Number the labels of a pipeline the other way round; it finds the same."""
    pipe = component(nlp)
    tagger, n = pipe.token_scorer.tagger, len(pipe.labels)
    rows = [0, *range(n, 0, -1), *range(2 * n, n, -1)]
    state = weights(nlp)
    heads = {name: state[name][rows] for name in ("head.weight", "head.bias")}
    tagger.replace_weights({**state, **heads})
    pipe.cfg["labels"] = list(reversed(pipe.labels))


def test_trainings_with_one_head_seed_begin_with_one_head(encoder_folder):
    heads = [
        weights(make_pipeline(encoder_folder, seed=seed, model={"head_seed": 5}))["head.weight"]
        for seed in (1, 2)
    ]
    np.testing.assert_array_equal(*heads)


def test_trainings_without_a_head_seed_begin_with_the_head_of_their_own_seed(encoder_folder):
    heads = [weights(make_pipeline(encoder_folder, seed=seed))["head.weight"] for seed in (1, 2, 1)]
    assert not np.array_equal(heads[0], heads[1])
    np.testing.assert_array_equal(heads[0], heads[2])


def test_head_seed_changes_nothing_else_that_is_drawn(encoder_folder):
    import torch

    drawn = []
    for model in ({}, {"head_seed": 5}):
        make_pipeline(encoder_folder, model=model)
        drawn.append(torch.rand(3))
    assert torch.equal(*drawn)


def test_average_is_the_mean_of_all_weights(pipelines):
    one, two, _ = pipelines
    before = [weights(one), weights(two)]
    assert average(one, two) > 0.7
    assert_mean(one, *before)


def test_average_leaves_the_others_as_they_are(pipelines):
    one, two, _ = pipelines
    before = weights(two)
    average(one, two)
    for name, weight in weights(two).items():
        np.testing.assert_array_equal(weight, before[name])


def test_average_after_use_predicts_with_the_new_weights(pipelines, folders):
    one, two, _ = pipelines
    scores(one)
    average(one, two)
    fresh = [spacy.load(folder) for folder in folders]
    average(fresh[0], fresh[1])
    np.testing.assert_allclose(scores(one), scores(fresh[0]), atol=1e-5)


def test_average_is_saved_and_loaded(pipelines, tmp_path):
    one, two, _ = pipelines
    average(one, two)
    one.to_disk(tmp_path / "averaged")
    np.testing.assert_allclose(scores(spacy.load(tmp_path / "averaged")), scores(one), atol=1e-5)


def test_average_goes_to_processes(pipelines):
    one, two, _ = pipelines
    average(one, two)
    found = [[str(ent) for ent in doc.ents] for doc in one.pipe(TEXTS)]
    assert [[str(ent) for ent in doc.ents] for doc in one.pipe(TEXTS, n_process=2)] == found


def test_average_is_trained_on(pipelines):
    one, two, _ = pipelines
    average(one, two)
    losses = train(one, steps=30)
    assert losses[-1] < losses[0] / 2


def test_layers_that_are_frozen_stay_so(encoder_folder):
    nlps = [
        make_pipeline(encoder_folder, seed=seed, model={"head_seed": 0, "frozen_layers": 1})
        for seed in (1, 2)
    ]
    for steps, nlp in enumerate(nlps, start=2):
        train(nlp, steps=steps)
    average(*nlps)
    before = weights(nlps[0])
    train(nlps[0], steps=2)
    after = weights(nlps[0])
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert any(name.startswith("encoder.encoder.layer.1.") for name in changed)
    assert not any(name.startswith("encoder.encoder.layer.0.") for name in changed)


def test_labels_in_another_order_are_laid_on_those_of_the_first(pipelines):
    one, two, _ = pipelines
    before = [weights(one), weights(two)]
    expected = scores(two)
    reorder(two)
    assert not np.array_equal(scores(two), expected)
    average(one, two)
    assert_mean(one, *before)


def test_another_head_at_the_start_is_warned_of(pipelines):
    with pytest.warns(UserWarning, match=r"W959.*head_seed"):
        assert average(pipelines[0], pipelines[2]) < 0.7


def test_one_head_at_the_start_is_not_warned_of(pipelines):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        average(*pipelines[:2])


def test_temperature_is_the_geometric_mean(pipelines):
    one, two, _ = pipelines
    component(one).cfg["temperature"], component(two).cfg["temperature"] = 1.0, 4.0
    average(one, two)
    assert component(one).cfg["temperature"] == pytest.approx(2)


def test_what_eight_bits_need_is_forgotten_and_measured_again(pipelines, tmp_path):
    one, two, _ = pipelines
    average(one, two)
    one.to_disk(tmp_path / "unknown")
    component(one).token_scorer.tagger.measure_ranges(one.make_doc(text) for text in TEXTS)
    one.to_disk(tmp_path / "measured")
    found = [
        (tmp_path / name / "transformer_ner" / "model" / "ranges.safetensors").exists()
        for name in ("unknown", "measured")
    ]
    assert found == [False, True]


def test_adapters_count_merged(encoder_folder, tmp_path):
    pytest.importorskip("peft")
    lora = {"r": 2, "save": "adapter"}
    nlps = []
    for seed in (1, 2):
        nlp = make_pipeline(encoder_folder, seed=seed, model={"head_seed": 0, "lora": lora})
        train(nlp, steps=3 * seed, rate=1e-4)
        nlp.to_disk(tmp_path / str(seed))
        nlps.append(spacy.load(tmp_path / str(seed)))
    before = [weights(nlp) for nlp in nlps]
    average(*nlps)
    assert_mean(nlps[0], *before)
    nlps[0].to_disk(tmp_path / "averaged")
    np.testing.assert_allclose(scores(spacy.load(tmp_path / "averaged")), scores(nlps[0]), atol=1e-5)


def test_other_labels_are_refused(pipelines):
    one, two, _ = pipelines
    component(two).add_label("EVENT")
    with pytest.raises(UserError, match=r"E945.*'two'.*'one'.*EVENT"):
        average(one, two)


def test_another_encoder_is_refused(pipelines, encoder_folders):
    other = make_pipeline(encoder_folders["bpe"])
    before = weights(pipelines[0])
    with pytest.raises(UserError, match=r"E945.*of the encoder is"):
        average(pipelines[0], other)
    np.testing.assert_array_equal(weights(pipelines[0])["head.weight"], before["head.weight"])


def test_another_tokenizer_is_refused(pipelines):
    one, two, _ = pipelines
    component(two).token_scorer.tagger.tokenizer.cuts_at_tokens = False
    with pytest.raises(UserError, match=r"E945.*its tokenizer is another"):
        average(one, two)


def test_other_features_are_refused(pipelines, encoder_folder):
    other = make_pipeline(encoder_folder, model={"head_layers": 1})
    with pytest.raises(UserError, match=r"E945.*`head_layers` differ"):
        average(pipelines[0], other)


def test_the_same_training_twice_is_refused(pipelines, folders):
    with pytest.raises(UserError, match=r"E948.*'again' and 'one'"):
        average(pipelines[0], spacy.load(folders[0]), names=("one", "again"))


def test_another_model_is_refused(pipelines):
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner", config=tagger(CNN))
    with pytest.raises(UserError, match=r"E944.*'two'.*TransformerTagger"):
        average(pipelines[0], nlp)


def test_a_component_without_a_network_is_refused(pipelines):
    nlp = spacy.blank("en")
    nlp.add_pipe("transformer_ner")
    with pytest.raises(UserError, match=r"E951.*'two'.*no network"):
        average(pipelines[0], nlp)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_training_that_diverged_is_refused(pipelines, value):
    one, two, _ = pipelines
    state = weights(two)
    state["head.bias"][0] = value
    component(two).token_scorer.tagger.replace_weights(state)
    with pytest.raises(UserError, match=r"E951.*'two'.*diverged"):
        average(one, two)


def test_nothing_to_average_with_is_refused(pipelines):
    with pytest.raises(UserError, match="E950"):
        component(pipelines[0]).average([])


def test_components_without_names_are_told_apart(pipelines, folders):
    with pytest.raises(UserError, match=r"'transformer_ner 2' and 'transformer_ner 1' have the same weights"):
        component(pipelines[0]).average([component(spacy.load(folders[0]))])
