import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.runtime.precision import (
    choose_device,
    choose_dtype,
    for_inference,
    is_out_of_memory,
)


@pytest.mark.parametrize(
    ("setting", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("auto", None)]
)
def test_precision_precision_on_a_cpu(setting, dtype):
    found = choose_dtype(setting, torch.device("cpu"))
    assert found == dtype or (setting == "auto" and found in (torch.float32, torch.bfloat16))


def test_precision_fp16_on_a_cpu_is_refused():
    with pytest.raises(UserError, match="E210"):
        choose_dtype("fp16", torch.device("cpu"))


def test_precision_device_that_is_no_device_is_refused():
    with pytest.raises(UserError, match=r"E205.*toaster"):
        choose_device("toaster")


def test_precision_int8_elsewhere_than_on_a_cpu_is_refused():
    with pytest.raises(UserError, match=r"E226.*meta"):
        choose_dtype("int8", torch.device("meta"))


def test_precision_knows_torch_s_message_of_a_full_memory():
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)
    assert is_out_of_memory(RuntimeError("could not create a primitive"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_precision_int8_is_refused_before_a_network_is_quantised_elsewhere():
    with pytest.raises(UserError, match="E226"):
        for_inference(torch.nn.Linear(2, 2), "int8", torch.device("meta"))
