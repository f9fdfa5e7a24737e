import pytest
import torch

from spacy_ner_plus.models.encoders.pretrained import blank_encoder, load_encoder
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.probe import make_probe, probe_inputs, probe_size
from tests.encoders import FAMILIES, save_family


@pytest.mark.parametrize("kind", FAMILIES)
def test_probe_is_a_layer_of_any_encoder(tmp_path, kind):
    encoder, _ = load_encoder(save_family(kind, tmp_path))
    network = Tagger(encoder, n_tags=5)
    probe = make_probe(network)
    assert probe.encoder.config.num_hidden_layers == 1
    assert encoder.config.num_hidden_layers == 2
    assert (probe.layers is None) == (network.layers is None)
    inputs = probe_inputs(32, 40)
    with torch.inference_mode():
        assert torch.isfinite(probe.eval()(*inputs)).all()
    given = dict(network.encoder.named_parameters())
    same = [name for name, weight in probe.encoder.named_parameters() if name in given]
    assert any(torch.equal(probe.encoder.get_parameter(name), given[name]) for name in same)


def test_probe_has_gradients_and_modes_of_its_own(encoder_folder):
    encoder, _ = load_encoder(encoder_folder)
    network = Tagger(encoder, n_tags=5).eval()
    probe = make_probe(network).train()
    probe(*probe_inputs(32, 40)).sum().backward()
    assert not any(module.training for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((1024, 16, 4096), (768, 768)), ((768, 12, 3072), (768, 768)), ((96, 2, 384), (96, 384))],
)
def test_probe_of_a_large_encoder_is_a_part_of_it(sizes, expected):
    from transformers import RobertaConfig

    hidden, heads, inner = sizes
    config = RobertaConfig(
        vocab_size=70,
        hidden_size=hidden,
        num_attention_heads=heads,
        intermediate_size=inner,
        num_hidden_layers=1,
    )
    encoder = blank_encoder(config)
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.fill_(0.01)
    probe = make_probe(Tagger(encoder, n_tags=5))
    found = probe.encoder.config
    assert (found.hidden_size, found.intermediate_size) == expected
    assert found.hidden_size // found.num_attention_heads == hidden // heads
    with torch.inference_mode():
        assert probe.eval()(*probe_inputs(64, 64)).shape == (64, 9)


@pytest.mark.parametrize(
    ("wordpieces", "expected"),
    [(1, 32), (40, 32), (100, 96), (226, 224), (227, 227), (600, 454), (5000, 908)],
)
def test_probe_size_is_whole_windows_or_one_that_is_shorter(wordpieces, expected):
    assert probe_size(wordpieces, longest=227, most=1000) == expected
    assert probe_inputs(expected, 227)[0].numel() == expected


def test_probe_size_is_never_more_than_a_window_takes():
    assert probe_size(32, longest=20, most=1000) == 20
    assert probe_size(5000, longest=400, most=300) == 400
