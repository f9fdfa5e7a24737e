"""In which numbers a network computes: as named, or what is the fastest where it was measured."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.machine import CPU

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# What is faster by less than this share isn't taken: measurements scatter by as much.
_MARGIN = 0.03
# By transformers' layers it must be by so much: the probe has no last layer, of which ours compute less.
_OTHERS = 0.15
# And where there was no time to measure twice.
_UNSURE = 0.25


def choose_dtype(setting: str, device: torch.device) -> torch.dtype:
    """Read the `precision` setting, as far as it concerns floats and needs no measurement.

    setting (str): 'auto', 'fp32', 'bf16', 'fp16' or 'int8'. On a GPU, 'auto' takes bf16 where the hardware computes
        in it, else fp16. On a CPU it is for measurements to tell, and this says fp32, as for what 'int8' doesn't
        quantize.
    RAISES (UserError): For fp16 on a CPU, and int8 elsewhere.
    """
    if setting == "fp16" and device.type == "cpu":
        raise UserError(Errors.E210)
    if setting == "int8" and device.type != "cpu":
        raise UserError(Errors.E226.format(device=device))
    if setting in _DTYPES:
        return _DTYPES[setting]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float32


def cpu_computes_bf16() -> bool:
    """RETURNS (bool): Whether there are instructions for it, which says nothing of how fast they are."""
    # AVX-512 alone would emulate bf16, slower than float32.
    checks = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return "bf16" in CPU.here().flags or any(check is not None and check() for check in checks)


@dataclass(frozen=True)
class Variant:
    """A way in which a CPU may compute a network.

    precision (str): 'fp32', 'bf16' or 'int8'.
    own_layers (bool): Whether by our layers, where the encoder has them, or by those of transformers. Default True.
    """

    precision: Literal["fp32", "bf16", "int8"]
    own_layers: bool = True

    @classmethod
    def parse(cls, text: str) -> "Variant | None":
        """RETURNS (Variant | None): The one that is written so; None where there is none."""
        return _BY_NAME.get(text)

    @property
    def dtype(self) -> torch.dtype:
        """RETURNS (torch.dtype): The floats of what isn't quantized."""
        return _DTYPES.get(self.precision, torch.float32)

    @property
    def quantized(self) -> bool:
        return self.precision == "int8"

    def __str__(self) -> str:
        return self.precision if self.own_layers else f"{self.precision} by transformers"


FP32, BF16, INT8 = Variant("fp32"), Variant("bf16"), Variant("int8")
# All that there are, what is rather taken first: the more exact, and what earlier versions computed.
VARIANTS = (FP32, BF16, Variant("fp32", own_layers=False), Variant("bf16", own_layers=False), INT8)
_BY_NAME = {str(variant): variant for variant in VARIANTS}


def fastest(
    seconds: Mapping[Variant, float], allowed: Collection[Variant] = VARIANTS, *, sure: bool = True
) -> Variant:
    """Choose by what was measured.

    seconds (Mapping[Variant, float]): How long each takes for the same.
    allowed (Collection[Variant]): Which may be chosen. Default: all.
    sure (bool): Whether there was time to measure well. Default True.
    RETURNS (Variant): The fastest; of those that are as fast within 3 %, or 25 % if that isn't sure, the most exact.
        What transformers computes counts as 15 % slower. fp32 where none was measured.
    """
    measured = [variant for variant in VARIANTS if variant in seconds and variant in allowed]
    if not measured:
        return FP32
    weighed = {v: seconds[v] * (1 if v.own_layers else 1 + _OTHERS) for v in measured}
    most = min(weighed.values()) * (1 + (_MARGIN if sure else _UNSURE))
    return next(variant for variant in measured if weighed[variant] <= most)
