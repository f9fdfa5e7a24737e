import pytest

from spacy_ner_plus.causal import FinetuneSettings
from spacy_ner_plus.causal.base import read_base
from spacy_ner_plus.causal.model import prepare
from spacy_ner_plus.errors import UserError
from tests.tiny_causal import save_tiny_causal


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"layer_share": 1.0}, lambda name: True),
        ({"layer_share": 0.5}, lambda name: ".layers.1." in name),
        ({"layer_share": 1.0, "targets": ["q_proj"]}, lambda name: "q_proj" in name),
    ],
)
def test_model_gets_an_adapter_where_it_is_asked_for(tmp_path, settings, kept):
    base = read_base(save_tiny_causal(tmp_path / "smollm"))
    wrapped, trained = prepare(base, FinetuneSettings(rank=2, **settings), "bf16", "cpu")
    layers = {name for name, _ in base.model.named_modules() if name.endswith("_proj")}
    assert {name.partition(".lora_")[0] for name in trained} == {name for name in layers if kept(name)}
    # Only the base's weights are rounded.
    assert {str(weight.dtype) for weight in trained.values()} == {"torch.float32"}
    assert "torch.bfloat16" in {str(weight.dtype) for weight in base.model.parameters()}
    assert wrapped is not None


def test_model_is_trained_whole(tmp_path):
    base = read_base(save_tiny_causal(tmp_path / "smollm"))
    wrapped, trained = prepare(base, FinetuneSettings(method="full"), "fp32", "cpu")
    assert wrapped is None
    assert len(trained) == len(list(base.model.parameters()))


def test_model_without_such_layers_is_refused(tmp_path):
    base = read_base(save_tiny_causal(tmp_path / "smollm"))
    with pytest.raises(UserError, match=r"E909.*query"):
        prepare(base, FinetuneSettings(targets=["query"]), "fp32", "cpu")
