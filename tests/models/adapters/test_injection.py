import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.adapters.injection import differences, inject, target_layers
from spacy_ner_plus.models.adapters.settings import LoraSettings
from spacy_ner_plus.models.encoders.pretrained import freeze_layers, load_encoder
from spacy_ner_plus.models.network.lora import injected_adapter
from tests.encoders import save_family

pytest.importorskip("peft")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoders")
    return {kind: save_family(kind, folder / kind) for kind in ("bert", "roberta", "distilbert", "electra")}


@pytest.mark.parametrize(
    ("kind", "targets", "count"),
    [
        ("bert", "all-linear", 12),
        ("roberta", ["query", "value"], 4),
        ("distilbert", ["q_lin", "v_lin", "lin1"], 6),
        # Its embeddings' projection is none of its layers.
        ("electra", "all-linear", 12),
        ("bert", ["attention.output.dense"], 2),
    ],
)
def test_injection_finds_the_layers_that_are_named(folders, kind, targets, count):
    encoder, _ = load_encoder(folders[kind])
    assert len(target_layers(encoder, targets)) == count


def test_injection_leaves_frozen_layers_alone(folders):
    encoder, _ = load_encoder(folders["bert"])
    freeze_layers(encoder, 1)
    inject(encoder, LoraSettings(r=2))
    assert all(name.startswith("encoder.layer.1.") for name in injected_adapter(encoder))


@pytest.mark.parametrize("targets", [["query", "q_lin"], ["uery"]])
def test_injection_refuses_a_name_that_no_layer_has(folders, targets):
    encoder, _ = load_encoder(folders["bert"])
    with pytest.raises(UserError, match=rf"E910.*BertModel.*'{targets[-1]}'.*dense, key, query, value"):
        inject(encoder, LoraSettings(targets=targets))
    assert injected_adapter(encoder) is None


def test_injection_refuses_an_encoder_that_is_frozen_whole(folders):
    encoder, _ = load_encoder(folders["bert"])
    freeze_layers(encoder, 2)
    with pytest.raises(UserError, match=r"E910.*all are frozen"):
        inject(encoder, LoraSettings())


def test_injection_trains_the_adapter_alone_and_begins_with_nothing_added(folders):
    encoder, _ = load_encoder(folders["roberta"])
    inject(encoder, LoraSettings(r=3, alpha=6, dropout=0.2))
    trained = {name for name, weight in encoder.named_parameters() if weight.requires_grad}
    assert all("lora_" in name for name in trained)
    assert len(trained) == 24
    for part in injected_adapter(encoder).values():
        assert part.scale == 2
        assert len(part.down) == 3
        assert not part.up.any()
    assert {m.p for n, m in encoder.named_modules() if n.endswith("lora_dropout.default")} == {0.2}


def test_injection_goes_on_with_an_adapter_of_the_rank_and_scale_that_it_had(folders):
    encoder, _ = load_encoder(folders["bert"])
    inject(encoder, LoraSettings(r=2, alpha=8, targets=["query"]))
    adapter = {name: part.to("cpu") for name, part in injected_adapter(encoder).items()}
    with torch.no_grad():
        for part in adapter.values():
            part.up.fill_(0.5)
    again, _ = load_encoder(folders["bert"])
    inject(again, LoraSettings(r=8), adapter)
    found = injected_adapter(again)
    assert found.keys() == adapter.keys()
    for name, part in found.items():
        assert part.scale == 4
        assert torch.equal(part.down, adapter[name].down)
        assert torch.equal(part.up, adapter[name].up)


def test_injection_refuses_a_rank_that_no_weight_has(folders):
    encoder, _ = load_encoder(folders["bert"])
    with pytest.raises(UserError, match=r"E956.*`lora\.r` is 33.*query of BertModel.*32 or less"):
        inject(encoder, LoraSettings(r=33))
    assert injected_adapter(encoder) is None
    inject(encoder, LoraSettings(r=32))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"r": 4}, ["r is 2, not 4"]),
        ({"alpha": 16}, ["alpha is 8, not 16"]),
        (
            {"targets": ["query"]},
            ["encoder.layer.0.attention.self.value has one, and isn't among the targets"],
        ),
        ({"targets": ["query", "value", "key"]}, ["no layer that is called key has one"]),
    ],
)
def test_injection_tells_where_an_adapter_is_not_as_the_settings_say(folders, given, expected):
    encoder, _ = load_encoder(folders["bert"])
    settings = {"r": 2, "alpha": 8, "targets": ["query", "value"]}
    inject(encoder, LoraSettings(**settings))
    assert differences(LoraSettings(**{**settings, **given}), injected_adapter(encoder)) == expected
