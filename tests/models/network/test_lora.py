"""Adapters in an encoder: whatever predicts must see them, packed or not."""

import copy

import pytest
import torch

from spacy_ner_plus.models.adapters.injection import inject
from spacy_ner_plus.models.adapters.settings import LoraSettings
from spacy_ner_plus.models.encoders.pretrained import load_encoder
from spacy_ner_plus.models.network.activation_ranges import measure_ranges
from spacy_ner_plus.models.network.bert_layers import find_layers
from spacy_ner_plus.models.network.int8_layers import computes_int8, int8_layers
from spacy_ner_plus.models.network.lora import injected_adapter, merged_encoder, plain_names
from tests.encoders import save_family

pytest.importorskip("peft")

KINDS = ("bert", "roberta", "distilbert")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    return {kind: save_family(kind, folder / kind) for kind in (*KINDS, "deberta-v3")}


@pytest.fixture(scope="module")
def encoders(folders):
    return {kind: adapted(load_encoder(folder)[0]) for kind, folder in folders.items()}


def adapted(encoder):
    """With an adapter that changes what the encoder gives, as a trained one does."""
    inject(encoder.eval(), LoraSettings(r=4))
    torch.manual_seed(1)
    with torch.no_grad():
        for part in injected_adapter(encoder).values():
            part.up.normal_(std=0.1)
    return encoder


def make_inputs(encoder):
    torch.manual_seed(0)
    mask = torch.ones(3, 20, dtype=torch.int64)
    mask[1, 13:] = 0
    ids = torch.randint(5, encoder.config.vocab_size, mask.shape)
    ids[mask == 0] = encoder.config.pad_token_id
    return mask, ids


def states_of(encoder):
    mask, ids = make_inputs(encoder)
    with torch.no_grad():
        return encoder(input_ids=ids, attention_mask=mask).last_hidden_state[mask == 1]


def layers_of(encoder, layers):
    mask, ids = make_inputs(encoder)
    with torch.no_grad():
        (last,) = layers(mask, 1, input_ids=ids)
    return last[mask == 1].float()


def without_adapter(encoder):
    plain = copy.deepcopy(encoder)
    for module in plain.modules():
        if hasattr(module, "lora_A"):
            module.lora_B["default"].weight.data.zero_()
    return plain


@pytest.mark.parametrize("kind", KINDS)
def test_lora_packed_layers_give_the_states_of_the_adapted_encoder(encoders, kind):
    encoder = encoders[kind]
    expected = states_of(encoder)
    assert (states_of(without_adapter(encoder)) - expected).abs().max() > 0.3
    for layers in (find_layers(encoder), find_layers(encoder).packed(torch.float32)):
        assert torch.allclose(layers_of(encoder, layers), expected, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_lora_packed_layers_in_bfloat16_are_as_near_as_those_of_the_merged_encoder(encoders, kind):
    encoder = encoders[kind]
    half = copy.deepcopy(merged_encoder(encoder, injected_adapter(encoder))).bfloat16()
    expected = states_of(encoder)
    ours = layers_of(half, find_layers(encoder).packed(torch.bfloat16).without_modules(half))
    assert (ours - expected).abs().mean() < 1.5 * (states_of(half).float() - expected).abs().mean()


@pytest.mark.skipif(not computes_int8(), reason="this CPU has no instructions for it")
@pytest.mark.parametrize("kind", KINDS)
def test_lora_int8_layers_are_those_of_the_merged_encoder(encoders, kind):
    encoder = encoders[kind]
    merged = merged_encoder(encoder, injected_adapter(encoder))
    found = []
    for one in (encoder, merged):
        layers = find_layers(one)
        ranges = measure_ranges(layers, lambda these, one=one: layers_of(one, these))
        found.append(layers_of(one, int8_layers(layers, ranges)))
    assert torch.allclose(*found, atol=0.05)
    assert (found[0] - states_of(encoder)).abs().mean() < 0.05


@pytest.mark.parametrize("kind", [*KINDS, "deberta-v3"])
def test_lora_merged_encoder_has_plain_layers_and_leaves_the_other_as_it_was(encoders, kind):
    encoder = encoders[kind]
    before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    merged = merged_encoder(encoder, injected_adapter(encoder))
    assert torch.allclose(states_of(merged), states_of(encoder), atol=2e-5)
    assert injected_adapter(merged) is None
    assert merged.state_dict().keys() == plain_names(before).keys()
    embeddings = (one.get_input_embeddings().weight for one in (merged, encoder))
    assert len({weight.data_ptr() for weight in embeddings}) == 1
    assert all(torch.equal(weight, before[name]) for name, weight in encoder.state_dict().items())


def test_lora_merging_needs_an_adapter_of_this_kind_alone(encoders):
    """A second one, or one that was merged by hand, would be counted twice or left out."""
    encoder = copy.deepcopy(encoders["bert"])
    encoder.encoder.layer[0].attention.self.query.merge()
    with pytest.raises(NotImplementedError, match="neither merged nor switched off"):
        injected_adapter(encoder)
    with pytest.raises(NotImplementedError):
        find_layers(encoder).packed(torch.float32)


def test_lora_is_told_apart_from_the_weights_that_it_is_added_to(folders):
    plain = load_encoder(folders["distilbert"])[0]
    names = set(plain.state_dict())
    assert injected_adapter(plain) is None
    adapted(plain)
    assert set(plain_names(plain.state_dict())) == names
    assert "transformer.layer.0.attention.q_lin" in injected_adapter(plain)
