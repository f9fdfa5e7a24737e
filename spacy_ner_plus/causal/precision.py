"""Whether products of 16 bits pay on this machine: a flag says that there are instructions, not that they are fast."""

from functools import cache
from time import perf_counter
from typing import Literal

Precision = Literal["fp32", "bf16"]
# About a layer of a small model.
_ROWS, _WIDTH, _WIDER = 512, 576, 1536
_TIMES = 4
# How much faster they have to be, since other work than products becomes slower.
_LEAST_GAIN = 1.3


def choose_precision(setting: str, device: str) -> Precision:
    """RETURNS (str): 'fp32' or 'bf16'; for 'auto' what is faster here.

    setting (str): 'auto', 'fp32' or 'bf16'.
    device (str): 'cpu' or 'cuda'.
    """
    if setting != "auto":
        return setting
    if device == "cuda":
        import torch

        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if bf16_gain() >= _LEAST_GAIN else "fp32"


@cache
def bf16_gain() -> float:
    """RETURNS (float): How many times as fast bf16 products are as those of fp32, on this CPU; measured once."""
    import torch

    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        inputs, weights = torch.ones(_ROWS, _WIDTH, dtype=dtype), torch.ones(_WIDER, _WIDTH, dtype=dtype)
        with torch.inference_mode():
            times = []
            for _ in range(_TIMES):
                start = perf_counter()
                torch.nn.functional.linear(inputs, weights)
                times.append(perf_counter() - start)
        # The least: other work on the machine only adds to it.
        seconds[dtype] = min(times)
    return seconds[torch.float32] / seconds[torch.bfloat16]
