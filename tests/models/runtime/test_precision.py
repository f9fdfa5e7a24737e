import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.runtime.precision import choose_dtype


@pytest.mark.parametrize(
    ("setting", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("auto", None)]
)
def test_precision_on_a_cpu(setting, dtype):
    found = choose_dtype(setting, torch.device("cpu"))
    assert found == dtype or (setting == "auto" and found in (torch.float32, torch.bfloat16))


def test_precision_fp16_on_a_cpu_is_refused():
    with pytest.raises(UserError, match="E210"):
        choose_dtype("fp16", torch.device("cpu"))


def test_precision_int8_elsewhere_than_on_a_cpu_is_refused():
    with pytest.raises(UserError, match=r"E226.*meta"):
        choose_dtype("int8", torch.device("meta"))
