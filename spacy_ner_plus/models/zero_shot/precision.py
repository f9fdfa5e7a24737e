"""In which floats an encoder computes, and one that computes in others than those of its weights."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from spacy_ner_plus.models.runtime.measurement import measure_variants
from spacy_ner_plus.models.runtime.precision import BF16, FP32, Variant, choose_dtype, cpu_computes_bf16

_TASK = "zero-shot prediction"


def choose_precision(
    setting: str, device: torch.device, encoder: nn.Module, longest: int, most: int
) -> torch.dtype:
    """Read the `precision` setting; on a CPU 'auto' is the fastest that was measured there for such an encoder.

    encoder (Module): Takes input_ids and attention_mask.
    longest (int): Wordpieces of the longest window.
    most (int): Most wordpieces that are computed at once.
    """
    if setting != "auto" or device.type != "cpu" or not cpu_computes_bf16():
        return choose_dtype(setting, device)
    makers = {variant: partial(_maker, encoder, variant, longest) for variant in (FP32, BF16)}
    measured = measure_variants(encoder, _TASK, makers, longest=longest, most=max(most, longest))
    return measured.fastest((FP32, BF16)).dtype


def _maker(encoder: nn.Module, variant: Variant, longest: int) -> Callable[[int], None]:
    module = in_precision(encoder, variant.dtype)

    def run(count: int) -> None:
        width = min(count, longest)
        ids = torch.ones(max(count // width, 1), width, dtype=torch.long)
        with torch.inference_mode():
            module(input_ids=ids, attention_mask=torch.ones_like(ids))

    return run


def in_precision(encoder: nn.Module, dtype: torch.dtype) -> nn.Module:
    """RETURNS (Module): The encoder itself for float32; else a copy whose weights are cast once, that gives float32."""
    return encoder if dtype == torch.float32 else _Cast(copy.deepcopy(encoder).to(dtype))


class _Cast(nn.Module):
    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: Any, **options: Any) -> Any:
        found = self.inner(*inputs, **options)
        if isinstance(found, torch.Tensor):
            return found.float()
        found.last_hidden_state = found.last_hidden_state.float()
        return found


def with_module(module: nn.Module, path: str, replacement: nn.Module) -> nn.Module:
    """RETURNS (Module): One that shares all of a module but the one at a path, such as 'token_rep_layer.bert_layer'."""
    first, _, rest = path.partition(".")
    copied = copy.copy(module)
    copied._modules = dict(module._modules)
    copied._modules[first] = with_module(copied._modules[first], rest, replacement) if rest else replacement
    return copied
