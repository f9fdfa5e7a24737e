import copy
from dataclasses import replace

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.encoders.pretrained import layer_parameters
from spacy_ner_plus.models.tagger_settings import TaggerSettings
from spacy_ner_plus.models.training.layer_rates import gradual_unfreezing_v1, layer_rate_decay_v1
from tests.conftest import make_pipeline, train


def test_layer_rates_fall_from_the_last_layer_to_the_embeddings():
    rates = layer_rate_decay_v1(0.5)
    assert [rates(layer, 2, 9) for layer in (2, 1, 0)] == [1.0, 0.5, 0.25]


def test_layer_rates_of_unfreezing_begin_one_after_the_other():
    rates = gradual_unfreezing_v1(steps=10, decay=0.5)
    trained = [[rates(layer, 2, step) for layer in (2, 1, 0)] for step in (0, 9, 10, 20, 30)]
    assert trained == [[0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 0.5, 0], [1, 0.5, 0.25]]


@pytest.mark.parametrize("decay", [0, 1.1, -0.5, True, "0.9"])
def test_layer_rates_refuse_a_decay_that_is_no_share(decay):
    for make in (layer_rate_decay_v1, gradual_unfreezing_v1):
        with pytest.raises(UserError, match=r"E916.*`decay`"):
            make(decay=decay)


@pytest.mark.parametrize("steps", [0, 2.5, True])
def test_layer_rates_refuse_a_number_of_steps_that_is_none(steps):
    with pytest.raises(UserError, match=r"E916.*`steps`"):
        gradual_unfreezing_v1(steps=steps)


def network_of(nlp):
    return nlp.get_pipe("transformer_ner").token_scorer.tagger.network


def moved(nlp, steps) -> dict[str, float]:
    """How far the weights of each layer went."""
    before = {name: w.detach().clone() for name, w in network_of(nlp).named_parameters()}
    train(nlp, steps=steps, rate=1e-3)
    found: dict[str, float] = {}
    for name, weight in network_of(nlp).named_parameters():
        key = "embeddings" if "embeddings" in name else name.split("layer.")[-1].split(".")[0]
        far = float((weight.detach() - before[name]).abs().max())
        found[key] = max(found.get(key, 0.0), far)
    return found


def pipeline(encoder, name, **given):
    return make_pipeline(encoder, model={"layer_rates": {"@misc": f"spacy_ner_plus.{name}.v1", **given}})


def test_layer_rates_from_a_config_train_lower_layers_more_slowly(encoder_folder):
    # The first step of AdamW goes as far as the rate, whatever the gradient.
    far = moved(pipeline(encoder_folder, "layer_rate_decay", decay=0.1), 1)
    assert far["1"] == pytest.approx(1e-3, rel=0.1)
    assert far["0"] == pytest.approx(1e-4, rel=0.1)
    assert far["embeddings"] == pytest.approx(1e-5, rel=0.1)
    assert far["head"] == pytest.approx(1e-2, rel=0.1)


def test_layer_rates_from_a_config_unfreeze_layers_one_by_one(encoder_folder):
    nlp = pipeline(encoder_folder, "gradual_unfreezing", steps=2)
    parts = ("head", "1", "0", "embeddings")
    trained = [[far[part] > 0 for part in parts] for far in (moved(nlp, 2) for _ in range(4))]
    assert trained == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True] * 4,
    ]


def test_layer_rates_hold_for_an_adapter(encoder_folder):
    pytest.importorskip("peft")
    nlp = make_pipeline(
        encoder_folder,
        model={
            "lora": {"r": 2, "rate_factor": 2.0},
            "layer_rates": {"@misc": "spacy_ner_plus.layer_rate_decay.v1", "decay": 0.1},
        },
    )
    far = moved(nlp, 1)
    assert far["1"] == pytest.approx(2e-3, rel=0.1)
    assert far["0"] == pytest.approx(2e-4, rel=0.1)
    assert far["embeddings"] == 0


@pytest.mark.parametrize("rate", [-1.0, float("nan"), None, "1", True])
def test_layer_rates_that_are_no_factor_are_refused(encoder_folder, rate):
    """A negative one would teach a layer the opposite, in silence."""
    nlp = pipeline(encoder_folder, "layer_rate_decay")
    tagger = nlp.get_pipe("transformer_ner").token_scorer.tagger
    tagger.settings = replace(tagger.settings, layer_rates=lambda layer, n_layers, step: rate)
    with pytest.raises(UserError, match=r"E957.*at step 0.*a number from 0 on"):
        train(nlp, steps=1)


def test_layer_rates_of_nothing_are_not_counted_as_trained(encoder_folder):
    nlp = pipeline(encoder_folder, "layer_rate_decay")
    tagger = nlp.get_pipe("transformer_ner").token_scorer.tagger
    tagger.settings = replace(tagger.settings, layer_rates=lambda layer, n_layers, step: float(layer > 0))
    train(nlp, steps=1)
    network = tagger.network
    whole = sum(w.numel() for w in network.parameters())
    of_embeddings = sum(w.numel() for w in layer_parameters(network.encoder)[0])
    assert tagger._trained == whole - of_embeddings


def test_layer_rates_that_are_no_function_are_refused():
    with pytest.raises(UserError, match=r"E234.*layer_rates.*registered function"):
        TaggerSettings(layer_rates=0.9)


def test_layer_rates_are_kept_by_copies(encoder_folder):
    nlp = copy.deepcopy(pipeline(encoder_folder, "layer_rate_decay", decay=0.1))
    assert moved(nlp, 1)["0"] == pytest.approx(1e-4, rel=0.1)
