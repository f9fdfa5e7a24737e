import pytest
import torch

from spacy_ner_plus.models.encoders.pretrained import load_encoder
from spacy_ner_plus.models.network.activation_ranges import ActivationRanges, measure_ranges
from spacy_ner_plus.models.network.bert_layers import find_layers
from spacy_ner_plus.models.network.int8_layers import computes_int8, int8_layers
from tests.encoders import save_family

KINDS = ["bert", "distilbert", "roberta"]
needs_int8 = pytest.mark.skipif(not computes_int8(), reason="this CPU has no products of eight bits")


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    return {kind: load_encoder(save_family(kind, folder / kind))[0].eval() for kind in KINDS}


def make_inputs(encoder, lengths=(20, 13, 9)):
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
    # Above the ids of special tokens: RoBERTa counts no position for padding.
    ids = torch.randint(5, encoder.config.vocab_size, mask.shape, generator=generator)
    ids[mask == 0] = encoder.config.pad_token_id
    return ids, mask


def ranges_of(encoder) -> ActivationRanges:
    ids, mask = make_inputs(encoder)
    return measure_ranges(find_layers(encoder), lambda layers: layers(mask, 1, input_ids=ids))


def states_of(layers, ids, mask) -> torch.Tensor:
    with torch.no_grad():
        return layers(mask, 1, input_ids=ids)[0]


@needs_int8
@pytest.mark.parametrize("activation", ["gelu", "relu", "gelu_new"])
@pytest.mark.parametrize("kind", KINDS)
def test_int8_layers_are_near_to_float32(encoders, kind, activation, tmp_path):
    encoder = load_encoder(save_family(kind, tmp_path / kind))[0].eval()
    from transformers.activations import ACT2FN

    layers = find_layers(encoder)
    for part in layers.modules:
        if kind == "distilbert":
            part.ffn.activation = ACT2FN[activation]
        else:
            part.intermediate.intermediate_act_fn = ACT2FN[activation]
    setattr(encoder.config, "activation" if kind == "distilbert" else "hidden_act", activation)
    layers, (ids, mask) = find_layers(encoder), make_inputs(encoder)
    exact = states_of(layers, ids, mask)
    found = states_of(int8_layers(layers, ranges_of(encoder)), ids, mask)
    far = (found - exact)[mask == 1].abs().mean() / exact[mask == 1].abs().mean()
    assert 0 < far < 0.02


@needs_int8
@pytest.mark.parametrize("kind", KINDS)
def test_int8_layers_do_not_depend_on_what_stands_beside(encoders, kind):
    encoder = encoders[kind]
    layers = int8_layers(find_layers(encoder), ranges_of(encoder))
    ids, mask = make_inputs(encoder)
    together = states_of(layers, ids, mask)
    for row in range(len(ids)):
        length = int(mask[row].sum())
        alone = states_of(layers, ids[row : row + 1, :length], mask[row : row + 1, :length])
        assert torch.allclose(alone[0], together[row, :length], atol=1e-2)


@needs_int8
def test_int8_layers_take_numbers_outside_of_the_ranges_for_their_ends(encoders):
    encoder = encoders["bert"]
    ranges = ranges_of(encoder)
    narrow = ActivationRanges(**{name: tensor / 4 for name, tensor in ranges.to_tensors().items()})
    ids, mask = make_inputs(encoder)
    found = states_of(int8_layers(find_layers(encoder), narrow), ids, mask)
    exact = states_of(find_layers(encoder), ids, mask)
    # Norms keep what follows in order; a number that were written modulo 256 would be another one altogether.
    assert torch.isfinite(found).all()
    cosine = torch.nn.functional.cosine_similarity(found[mask == 1], exact[mask == 1])
    assert cosine.mean() > 0.7


def test_ranges_leave_padding_out(encoders):
    encoder = encoders["bert"]
    ids, mask = make_inputs(encoder)
    expected = ranges_of(encoder).to_tensors()
    ids[mask == 0] = 7
    found = measure_ranges(find_layers(encoder), lambda layers: layers(mask, 1, input_ids=ids)).to_tensors()
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in expected)


def test_ranges_are_the_widest_of_all_runs(encoders):
    encoder = encoders["bert"]
    ids, mask = make_inputs(encoder)

    def run(layers):
        for row in range(len(ids)):
            layers(mask[row : row + 1], 1, input_ids=ids[row : row + 1])

    found, expected = measure_ranges(find_layers(encoder), run).to_tensors(), ranges_of(encoder).to_tensors()
    assert all(torch.allclose(found[name], expected[name], atol=1e-5) for name in expected)


def test_ranges_fit_the_layers_that_they_are_of(encoders):
    ranges = ranges_of(encoders["bert"])
    assert ranges.fit(find_layers(encoders["bert"]))
    fewer = ActivationRanges(**{name: tensor[:1] for name, tensor in ranges.to_tensors().items()})
    assert not fewer.fit(find_layers(encoders["bert"]))
