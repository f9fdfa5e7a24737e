"""Several components on one encoder: kept once, and each predicts with its own adapter."""

import copy
import gc
import pickle

import numpy as np
import pytest
import spacy
import torch

from spacy_ner_plus.models.runtime import shared_base
from tests.conftest import TEXTS, make_docs, make_examples
from tests.encoders import save_family

pytest.importorskip("peft")
LORA = {"r": 4, "share_base": True}
NAMES = ("one", "other")


def tagger_of(nlp, name="one"):
    return nlp.get_pipe(name).token_scorer.tagger


def scores_of(nlp, name="one") -> np.ndarray:
    return nlp.get_pipe(name).token_scorer.score(make_docs(nlp.vocab)).data


def make_two(encoder, **settings):
    """A pipeline of two components on the same encoder, which have learnt different things."""
    torch.manual_seed(0)
    nlp = spacy.blank("en")
    lora = settings.pop("lora", LORA)
    for name in NAMES:
        model = {
            "@architectures": "spacy_ner_plus.TransformerTagger.v2",
            "encoder": encoder,
            "window": 30,
            "overlap": 10,
            "lead": 6,
            "lora": lora,
        }
        config = {"device": "cpu", "precision": "fp32", **settings, "model": model}
        nlp.add_pipe("transformer_ner", name, config=config)
    nlp.initialize(lambda: make_examples(nlp))
    train_one(nlp, "one", 12)
    train_one(nlp, "other", 6)
    return nlp


def train_one(nlp, name, steps):
    pipe = nlp.get_pipe(name)
    optimizer = pipe.create_optimizer()
    optimizer.learn_rate = 2e-3
    for _ in range(steps):
        pipe.update(make_examples(nlp), sgd=optimizer)


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bases")
    return {
        kind: save_family(kind, folder / kind) for kind in ("bert", "roberta", "distilbert", "modernbert")
    }


@pytest.fixture(scope="module")
def two(bases):
    return make_two(bases["bert"])


def merged_scores(nlp, name) -> np.ndarray:
    """By weights of the component's own."""
    tagger = tagger_of(nlp, name)
    shared, tagger._shared, tagger._inference = tagger._shared, None, None
    try:
        return scores_of(nlp, name)
    finally:
        tagger._shared, tagger._inference = shared, None


def kept(nlp, name) -> dict[str, int]:
    """Where the encoder's weights lie."""
    state = tagger_of(nlp, name).network.plain_state()
    return {key: weight.data_ptr() for key, weight in state.items() if key.startswith("encoder.")}


@pytest.mark.parametrize(
    "kind", ["distilbert", *(pytest.param(k, marks=pytest.mark.slow) for k in ("bert", "roberta"))]
)
@pytest.mark.parametrize(("precision", "far"), [("fp32", 1e-4), ("bf16", 0.1)])
def test_shared_base_predicts_with_each_adapter_beside_it_as_with_merged_weights(bases, kind, precision, far):
    nlp = make_two(bases[kind], precision=precision)
    for name in (*NAMES, *NAMES):
        assert np.abs(scores_of(nlp, name) - merged_scores(nlp, name)).max() < far
    assert np.abs(scores_of(nlp, "one") - scores_of(nlp, "other")).max() > 10 * far
    one, other = (tagger_of(nlp, name).inference_network() for name in NAMES)
    assert kept(nlp, "one") == kept(nlp, "other")
    layers = [network.layers._forward[0] for network in (one, other)]
    assert layers[0].down is not layers[1].down
    assert layers[0].down.packed is layers[1].down.packed
    assert one.encoder.embeddings.word_embeddings.weight.data_ptr() == (
        other.encoder.embeddings.word_embeddings.weight.data_ptr()
    )


def test_shared_base_of_some_targets_alone(bases):
    nlp = make_two(bases["roberta"], lora={**LORA, "targets": ["value", "intermediate.dense"]})
    assert np.abs(scores_of(nlp) - merged_scores(nlp, "one")).max() < 1e-4


def test_shared_base_is_not_changed_by_what_one_component_learns(two):
    nlp = copy.deepcopy(two)
    weights = copy.deepcopy(tagger_of(nlp)._shared.weights)
    expected = scores_of(nlp, "other")
    train_one(nlp, "one", 2)
    assert np.array_equal(scores_of(nlp, "other"), expected)
    assert all(torch.equal(w, weights[name]) for name, w in tagger_of(nlp)._shared.weights.items())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))])
def test_shared_base_is_shared_with_copies(two, copied):
    other = copied(two)
    for name in NAMES:
        assert np.array_equal(scores_of(other, name), scores_of(two, name))
        assert kept(other, name) == kept(two, "one")


def test_shared_base_is_kept_once_for_pipelines_that_are_loaded(two, tmp_path):
    two.to_disk(tmp_path / "saved")
    assert not (tmp_path / "saved/one/model/model.safetensors").stat().st_size > 20_000
    loaded = [spacy.load(tmp_path / "saved") for _ in range(2)]
    blank = spacy.blank("en").from_config(two.config)
    for nlp in (*loaded, blank.from_bytes(two.to_bytes())):
        for name in NAMES:
            assert kept(nlp, name) == kept(two, "one")
            assert np.abs(scores_of(nlp, name) - scores_of(two, name)).max() < 1e-5


def test_shared_base_goes_with_the_last_component_that_stands_on_it(bases):
    nlp = make_two(bases["distilbert"])
    key = tagger_of(nlp)._base_hash
    assert key in shared_base._bases
    scores_of(nlp)
    del nlp
    gc.collect()
    assert key not in shared_base._bases


@pytest.mark.parametrize(
    ("settings", "reason"), [({"precision": "int8"}, "eight bits"), ({"device": "openvino"}, "as a whole")]
)
def test_shared_base_that_cannot_be_kept_to_is_told_and_the_adapter_is_merged(two, settings, reason):
    if "device" in settings:
        pytest.importorskip("openvino")
    nlp = copy.deepcopy(two)
    expected = scores_of(nlp)
    tagger_of(nlp).configure(settings.get("device", "cpu"), settings.get("precision", "fp32"))
    with pytest.warns(UserWarning, match=rf"W385.*{reason}"):
        found = scores_of(nlp)
    assert np.abs(found - expected).max() < 0.3


def test_shared_base_of_an_encoder_that_transformers_runs_is_merged(bases):
    nlp = make_two(bases["modernbert"])
    with pytest.warns(UserWarning, match=r"W385.*layers we compute ourselves"):
        scores_of(nlp)


def test_shared_base_leaves_eight_bits_out_of_precision_auto(two):
    nlp = copy.deepcopy(two)
    tagger = tagger_of(nlp)
    tagger.configure("cpu", "auto", precision_tolerance=100.0)
    assert {str(variant) for variant in tagger.allowed} == {"fp32", "bf16"}
    assert np.abs(scores_of(nlp) - scores_of(two)).max() < 0.1


@pytest.mark.slow
def test_shared_base_predicts_in_two_processes(two):
    expected = [[ent.text for ent in doc.ents] for doc in two.pipe(TEXTS)]
    found = [[ent.text for ent in doc.ents] for doc in two.pipe(TEXTS, n_process=2, batch_size=2)]
    assert found == expected


def test_two_adapters_of_one_training_do_not_touch_each_other(bases):
    """Whether the other is trained between or not, each learns the same."""
    together = make_two(bases["bert"], lora={**LORA, "share_base": False})
    shared = make_two(bases["bert"])
    for name in NAMES:
        assert np.abs(scores_of(together, name) - scores_of(shared, name)).max() < 1e-4
