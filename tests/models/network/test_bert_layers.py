import copy

import pytest
import torch

from spacy_ner_plus.models.encoders.pretrained import load_encoder
from spacy_ner_plus.models.network.bert_layers import find_layers
from tests.encoders import FAMILIES, save_family

LIKE_BERT = [family for family in FAMILIES if family not in ("deberta-v3", "modernbert")]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    return {kind: load_encoder(save_family(kind, folder / kind))[0].eval() for kind in FAMILIES}


def make_inputs(encoder):
    torch.manual_seed(0)
    mask = torch.ones(3, 20, dtype=torch.int64)
    mask[1, 13:], mask[2, 9:] = 0, 0
    # Above the ids of special tokens: RoBERTa counts no position for padding.
    ids = torch.randint(5, encoder.config.vocab_size, mask.shape)
    ids[mask == 0] = encoder.config.pad_token_id
    return ids, mask


def states_of(encoder, mask, **inputs):
    return encoder(attention_mask=mask, output_hidden_states=True, **inputs).hidden_states


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("by_embeddings", [False, True])
@pytest.mark.parametrize("kind", LIKE_BERT)
def test_bert_layers_give_the_states_of_transformers(encoders, kind, by_embeddings, packed):
    encoder = encoders[kind]
    ids, mask = make_inputs(encoder)
    inputs = {"inputs_embeds": encoder.get_input_embeddings()(ids)} if by_embeddings else {"input_ids": ids}
    layers = find_layers(encoder)
    with torch.no_grad():
        ours = (layers.packed(torch.float32) if packed else layers)(mask, 2, **inputs)
        theirs = states_of(encoder, mask, **inputs)[-2:]
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one[mask == 1], other[mask == 1], atol=1e-5)


@pytest.mark.parametrize("kind", LIKE_BERT)
def test_bert_layers_in_bfloat16_are_as_near_to_float32_as_transformers(encoders, kind):
    encoder, half = encoders[kind], copy.deepcopy(encoders[kind]).bfloat16()
    ids, mask = make_inputs(encoder)
    with torch.no_grad():
        exact = states_of(encoder, mask, input_ids=ids)[-1]
        theirs = states_of(half, mask, input_ids=ids)[-1]
        for layers in (find_layers(half), find_layers(encoder).packed(torch.bfloat16).without_modules(half)):
            (ours,) = layers(mask, 1, input_ids=ids)
            far, as_far = ((part - exact)[mask == 1].abs().mean() for part in (ours, theirs))
            assert far < 1.5 * as_far


@pytest.mark.parametrize("kind", LIKE_BERT)
def test_bert_layers_have_the_gradient_of_transformers(encoders, kind):
    encoder = encoders[kind]
    ids, mask = make_inputs(encoder)
    weight = mask[..., None] * torch.randn(*mask.shape, encoder.config.hidden_size)
    gradients = []
    for states in (find_layers(encoder)(mask, 1, input_ids=ids), states_of(encoder, mask, input_ids=ids)):
        encoder.zero_grad()
        (states[-1] * weight).sum().backward()
        gradients.append(
            {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
        )
    ours, theirs = gradients
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.allclose(ours[name], theirs[name], atol=1e-4), name


@pytest.mark.parametrize("kind", ["deberta-v3", "modernbert"])
def test_bert_layers_leave_other_encoders_to_themselves(encoders, kind):
    assert find_layers(encoders[kind]) is None


def test_bert_layers_leave_an_encoder_with_other_parts_to_itself(encoders):
    """As a later version of transformers may name them."""
    encoder = copy.deepcopy(encoders["bert"])
    del encoder.encoder.layer[1].intermediate
    assert find_layers(encoder) is None


def test_bert_layers_leave_relative_positions_to_transformers(encoders):
    encoder = copy.deepcopy(encoders["bert"])
    encoder.config.position_embedding_type = "relative_key"
    assert find_layers(encoder) is None


def test_bert_layers_drop_in_training_alone(encoders):
    encoder = copy.deepcopy(encoders["bert"]).bfloat16()
    layers, (ids, mask) = find_layers(encoder), make_inputs(encoder)

    def run():
        return layers(mask, 1, input_ids=ids)[0]

    assert torch.equal(run(), run())
    encoder.train()
    assert not torch.equal(run(), run())


def test_bert_layers_of_a_copy_are_the_copy_s(encoders):
    encoder = encoders["bert"]
    holder = copy.deepcopy({"encoder": encoder, "layers": find_layers(encoder)})
    assert holder["layers"].attention_dropouts[0] is holder["encoder"].encoder.layer[0].attention.self.dropout


@pytest.mark.parametrize("kind", LIKE_BERT)
def test_bert_layers_do_not_read_padding_under_autocast(encoders, kind):
    """In training hidden states are float32 there, and queries bfloat16."""
    encoder = copy.deepcopy(encoders[kind])
    for module in encoder.modules():
        if isinstance(module, torch.nn.Linear):
            # As large as trained ones: what is attended to must be seen in the end.
            module.weight.data *= 10
    ids, mask = make_inputs(encoder)
    layers = find_layers(encoder)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (together,) = layers(mask, 1, input_ids=ids)
        (alone,) = layers(mask[1:2, :13], 1, input_ids=ids[1:2, :13])
    assert torch.allclose(together[1, :13].float(), alone[0].float(), atol=0.1)


@pytest.mark.parametrize("kind", LIKE_BERT)
def test_bert_layers_compute_the_places_that_are_read_as_they_compute_all(encoders, kind):
    encoder = encoders[kind]
    ids, mask = make_inputs(encoder)
    places = torch.tensor([3, 0, 21, 42, 42])
    layers = find_layers(encoder).packed(torch.float32)
    with torch.no_grad():
        everywhere = layers(mask, 2, input_ids=ids)
        some = layers(mask, 2, input_ids=ids, places=places)
    for one, other in zip(some, everywhere, strict=True):
        assert torch.allclose(one, other.flatten(0, 1)[places], atol=1e-6)


def test_bert_layers_that_predict_in_bfloat16_keep_none_of_the_others(encoders):
    from spacy_ner_plus.models.network.tagger import Tagger

    tagger = Tagger(encoders["bert"], n_tags=3)
    predicting = tagger.predicting(tagger.layers.packed(torch.bfloat16), torch.bfloat16)
    names = [name for name, _ in predicting.named_parameters()]
    assert "encoder.embeddings.word_embeddings.weight" in names
    assert not [name for name in names if "encoder.layer" in name]
    assert [name for name, _ in tagger.named_parameters() if "encoder.layer" in name]
