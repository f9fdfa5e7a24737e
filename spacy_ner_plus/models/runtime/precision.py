"""In which numbers a network computes."""

import torch

from spacy_ner_plus.errors import Errors, UserError

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose_dtype(setting: str, device: torch.device) -> torch.dtype:
    """Read the `precision` setting, as far as it concerns floats.

    setting (str): 'auto', 'fp32', 'bf16', 'fp16' or 'int8'. 'auto', and 'int8' in what isn't
        quantised, take bf16 where the hardware computes in it, else fp32.
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
    if device.type == "cpu" and _cpu_computes_bf16():
        return torch.bfloat16
    return torch.float32


def _cpu_computes_bf16() -> bool:
    # AVX-512 alone would emulate bf16, slower than float32.
    checks = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(check is not None and check() for check in checks)
