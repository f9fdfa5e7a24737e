"""Self-attention on a CPU. In bfloat16 it is about twice as fast as torch's own, whose kernel for CPUs
multiplies small blocks.
"""

import torch
from torch.nn import functional as F

from spacy_ner_plus.models.network.dropout import apply_keep, draw_keep, scale_of

# As many bfloat16 numbers fill a register, and a softmax over rows of any other length is slow.
_LANES = 32
# So many scores a thread stay in its cache between being computed, normalised and used.
_SCORES_PER_THREAD = 300_000


class KeyMask:
    """Which keys are padding, that isn't attended to.

    mask (torch.Tensor): 1 for wordpieces and 0 for the padding after them, (windows, length).
    """

    def __init__(self, mask: torch.Tensor):
        self._mask = mask
        self._shortest = int(mask.sum(dim=1).min())
        self._tails: dict[torch.dtype, torch.Tensor | None] = {}

    def tail(self, dtype: torch.dtype) -> torch.Tensor | None:
        """Say what is added to the scores of the last keys.

        dtype (torch.dtype): Of the queries, which autocast makes another than that of hidden states.
        RETURNS (torch.Tensor | None): Of shape (windows, 1, 1, n) for the last n keys, those included
            that `attend` fills up with; None where there is no padding.
        """
        if dtype not in self._tails:
            self._tails[dtype] = self._make(dtype)
        return self._tails[dtype]

    def ranges(self, hidden: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): Lowest and highest number of each channel outside of padding, (2, channels)."""
        rows = hidden[self._mask.bool()]
        return torch.stack((rows.amin(0), rows.amax(0)))

    def _make(self, dtype: torch.dtype) -> torch.Tensor | None:
        length = self._mask.shape[1]
        missing = _missing(length, dtype)
        if self._shortest == length + missing:
            return None
        padding = F.pad(self._mask[:, None, None, self._shortest :] == 0, (0, missing), value=True)
        # Half of the lowest number: what is added to a low score is still a number.
        zeros = torch.zeros(padding.shape, dtype=dtype, device=padding.device)
        return zeros.masked_fill_(padding, torch.finfo(dtype).min / 2)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: KeyMask,
    dropout: float = 0.0,
) -> torch.Tensor:
    """Mix values by the softmax of the scores of their keys (Vaswani et al., 2017).

    query (torch.Tensor): Queries of shape (windows, heads, length, size), scaled already.
    key (torch.Tensor): Keys, of the same shape.
    value (torch.Tensor): Values, of the same shape.
    mask (KeyMask): Which keys are padding.
    dropout (float): Share of attention weights to drop. Default 0.
    RETURNS (torch.Tensor): Mixed values, of shape (windows, length, heads * size).
    """
    windows, heads, length, size = query.shape
    tail = mask.tail(query.dtype)
    if query.dtype == torch.bfloat16:
        missing = _missing(length, query.dtype)
        if missing:
            key, value = (F.pad(part, (0, 0, 0, missing)) for part in (key, value))
        flat = [part.reshape(windows * heads, -1, size) for part in (query, key, value)]
        mixed = _Attention.apply(*flat, tail, dropout) if torch.is_grad_enabled() else _mix(*flat, tail)
        mixed = mixed.view(windows, heads, length, size)
    else:
        whole = None if tail is None else F.pad(tail, (length - tail.shape[-1], 0))
        mixed = F.scaled_dot_product_attention(
            query, key, value, attn_mask=whole, dropout_p=dropout, scale=1.0
        )
    return mixed.transpose(1, 2).reshape(windows, length, heads * size)


class _Attention(torch.autograd.Function):
    """Attention in bfloat16, of shapes (windows * heads, length, size), for training."""

    @staticmethod
    def forward(ctx, query, key, value, tail, dropout):
        weights = torch.softmax(_mask(torch.bmm(query, key.transpose(1, 2)), tail), -1)
        keep = draw_keep(weights.shape, dropout) if dropout else None
        ctx.save_for_backward(query, key, value, weights, keep)
        ctx.dropout = dropout
        mixed = torch.bmm(apply_keep(weights, keep), value)
        return mixed.mul_(scale_of(dropout)) if dropout else mixed

    @staticmethod
    def backward(ctx, d_mixed):
        query, key, value, weights, keep = ctx.saved_tensors
        d_mixed = d_mixed * scale_of(ctx.dropout) if ctx.dropout else d_mixed
        d_value = torch.bmm(apply_keep(weights, keep).transpose(1, 2), d_mixed)
        d_weights = apply_keep(torch.bmm(d_mixed, value.transpose(1, 2)), keep)
        d_scores = torch._softmax_backward_data(d_weights, weights, -1, weights.dtype)
        d_query = torch.bmm(d_scores, key)
        d_key = torch.bmm(d_scores.transpose(1, 2), query)
        return d_query, d_key, d_value, None, None


def _mix(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, tail: torch.Tensor | None
) -> torch.Tensor:
    """The same for predicting: a few windows at a time, whose scores stay in the cache."""
    heads = 1 if tail is None else len(query) // len(tail)
    (count, length, _), width = query.shape, key.shape[1]
    most = max(1, torch.get_num_threads() * _SCORES_PER_THREAD // (heads * length * width)) * heads
    buffer = torch.empty(min(most, count), length, width, dtype=query.dtype)
    key, mixed = key.transpose(1, 2), torch.empty_like(query)
    for begin in range(0, count, most):
        end = min(begin + most, count)
        scores = torch.bmm(query[begin:end], key[begin:end], out=buffer[: end - begin])
        _mask(scores, None if tail is None else tail[begin // heads : end // heads])
        torch.softmax(scores, -1, out=scores)
        torch.bmm(scores, value[begin:end], out=mixed[begin:end])
    return mixed


def _mask(scores: torch.Tensor, tail: torch.Tensor | None) -> torch.Tensor:
    if tail is not None:
        windows, padded = tail.shape[0], tail.shape[-1]
        scores.view(windows, -1, *scores.shape[1:])[..., -padded:] += tail
    return scores


def _missing(length: int, dtype: torch.dtype) -> int:
    return -length % _LANES if dtype == torch.bfloat16 else 0
