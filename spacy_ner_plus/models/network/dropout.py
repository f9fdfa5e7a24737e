"""Dropout (Srivastava et al., 2014) on a CPU in bfloat16.

torch draws from its generator for each number, which takes a fifth of a training step. Here four
numbers share a draw of 64 bits.
"""

import torch
from torch import nn
from torch.nn import functional as F

_BITS = 15


def drop(hidden: torch.Tensor, layer: nn.Dropout) -> torch.Tensor:
    """Drop a share of numbers, and scale the others up, as the layer would.

    hidden (torch.Tensor): Numbers of any shape.
    layer (nn.Dropout): Says which share, and whether it is training.
    RETURNS (torch.Tensor): Of the same shape.
    """
    rate = rate_of(layer)
    if rate and hidden.dtype == torch.bfloat16 and hidden.device.type == "cpu":
        return _Dropout.apply(hidden, rate)
    return F.dropout(hidden, rate, training=bool(rate))


def rate_of(layer: nn.Dropout) -> float:
    """RETURNS (float): Which share a layer drops now: none where it isn't training."""
    return layer.p if layer.training else 0.0


def draw_keep(shape: torch.Size, rate: float) -> torch.Tensor:
    """Draw which numbers stay.

    shape (torch.Size): Of the numbers.
    rate (float): Which share of them is dropped, taken to the nearest of 2 ** 15.
    RETURNS (torch.Tensor): int16, -1 (all bits set) for those that stay, and 0 for the others.
    """
    count = shape.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)[:count]
    # Of 15 random bits: less than zero unless they are less than that share of all.
    bits.bitwise_and_(2**_BITS - 1).neg_().add_(round(rate * 2**_BITS) - 1).bitwise_right_shift_(_BITS)
    return bits.view(shape)


def apply_keep(numbers: torch.Tensor, keep: torch.Tensor | None) -> torch.Tensor:
    """Set to zero what doesn't stay; nothing is scaled.

    numbers (torch.Tensor): bfloat16.
    keep (torch.Tensor | None): What `draw_keep` gave; None keeps all.
    RETURNS (torch.Tensor): Of the same shape.
    """
    if keep is None:
        return numbers
    return torch.bitwise_and(numbers.view(torch.int16), keep).view(numbers.dtype)


def scale_of(rate: float) -> float:
    """RETURNS (float): What the numbers that stay are multiplied by, so that the mean stays as well."""
    return 1 / (1 - rate) if rate < 1 else 0.0


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx, hidden, rate):
        keep = draw_keep(hidden.shape, rate)
        ctx.save_for_backward(keep)
        ctx.rate = rate
        return apply_keep(hidden, keep).mul_(scale_of(rate))

    @staticmethod
    def backward(ctx, d_hidden):
        (keep,) = ctx.saved_tensors
        return apply_keep(d_hidden.contiguous(), keep).mul_(scale_of(ctx.rate)), None
