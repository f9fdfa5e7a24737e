import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.runtime.placement import Placement
from tests.conftest import make_docs, make_pipeline


def test_placement_resolves_both_settings():
    assert Placement.resolve("cpu", "bf16") == Placement(torch.device("cpu"), torch.bfloat16)
    assert Placement.resolve("openvino", "fp32").by_openvino
    assert Placement.resolve("cpu", "int8").quantized


@pytest.mark.parametrize(("device", "precision"), [("cpu", "fp16"), ("openvino", "int8"), ("meta", "int8")])
def test_placement_refuses_a_precision_that_is_not_for_the_device(device, precision):
    with pytest.raises(UserError, match=r"E210|E226"):
        Placement.resolve(device, precision)


def test_placement_trains_in_full_precision_where_half_would_need_scaled_gradients():
    assert Placement(torch.device("cuda"), torch.float16).training_dtype == torch.float32
    assert Placement(torch.device("cuda"), torch.bfloat16).training_dtype == torch.bfloat16


def test_placement_may_be_configured_before_or_after_the_network_is_made_used_and_loaded(
    encoder_folder, tmp_path
):
    nlp = make_pipeline(encoder_folder, precision="fp32")
    scorer, docs = nlp.get_pipe("transformer_ner").token_scorer, make_docs(nlp.vocab)
    expected = {"fp32": scorer.score(docs).data}
    scorer.configure("cpu", "bf16")
    expected["bf16"] = scorer.score(docs).data
    assert abs(expected["bf16"] - expected["fp32"]).max() > 0
    scorer.save(tmp_path / "model")
    for precision in ("fp32", "bf16"):
        scorer.configure("cpu", precision)
        scorer.load(tmp_path / "model")
        assert (scorer.score(docs).data == expected[precision]).all()


def test_placement_configured_again_between_updates_goes_on_learning(encoder_folder):
    from tests.conftest import train

    nlp = make_pipeline(encoder_folder)
    before = train(nlp, steps=10)
    nlp.get_pipe("transformer_ner").token_scorer.configure("auto", "fp32")
    assert train(nlp, steps=10)[-1] < before[-1]
