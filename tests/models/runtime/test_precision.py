import pytest
import torch

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.runtime.precision import BF16, FP32, INT8, VARIANTS, Variant, choose_dtype, fastest


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


FP32_BY_TRANSFORMERS = Variant("fp32", own_layers=False)


@pytest.mark.parametrize(
    ("seconds", "sure", "expected"),
    [
        ({}, True, FP32),
        ({FP32: float("inf"), BF16: float("inf")}, True, FP32),
        ({FP32: float("inf"), BF16: 1.0}, True, BF16),
        ({FP32: 1.0, BF16: 0.98}, True, FP32),
        ({FP32: 1.0, BF16: 0.9}, True, BF16),
        ({FP32: 1.0, BF16: 0.9}, False, FP32),
        ({FP32: 1.0, BF16: 0.5}, False, BF16),
        ({FP32: 1.0, FP32_BY_TRANSFORMERS: 0.9}, True, FP32),
        ({FP32: 1.0, FP32_BY_TRANSFORMERS: 0.7}, True, FP32_BY_TRANSFORMERS),
    ],
)
def test_precision_that_is_clearly_the_fastest_is_taken(seconds, sure, expected):
    assert fastest(seconds, sure=sure) == expected


def test_precision_that_is_not_allowed_is_not_taken():
    seconds = {FP32: 3.0, BF16: 2.0, INT8: 1.0}
    assert fastest(seconds) == INT8
    assert fastest(seconds, [v for v in VARIANTS if v != INT8]) == BF16


def test_precision_variants_are_read_as_they_are_written():
    assert [Variant.parse(str(variant)) for variant in VARIANTS] == list(VARIANTS)
    assert Variant.parse("fp64") is None
