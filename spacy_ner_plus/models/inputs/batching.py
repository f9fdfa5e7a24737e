"""Windows of similar length together, under a budget of wordpieces."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spacy_ner_plus.models.inputs.windows import Window
from spacy_ner_plus.models.ragged import Ragged

if TYPE_CHECKING:
    import torch


class MicroBatch(NamedTuple):
    """Windows as rectangular arrays, special tokens included.

    ids (Ints2d): Wordpiece ids, of shape (windows, length).
    cases (Ints2d): Case patterns, of the same shape.
    lines (Ints2d): 1 where a line begins, of the same shape.
    mask (Ints2d): 1 where there is a wordpiece, 0 for padding.
    places (Ints1d): Flat index into (windows * length) for each token.
    tokens (Ints1d): Index of each token in the whole batch.
    """

    ids: np.ndarray
    cases: np.ndarray
    lines: np.ndarray
    mask: np.ndarray
    places: np.ndarray
    tokens: np.ndarray


# Libraries keep code and memory for each shape that they have met, so memory would grow with every new
# one. So lengths are rounded up to a multiple of this, and what remains after full micro-batches is
# divided into few different numbers of windows.
STEP = 8
_ROWS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


def micro_batches(
    windows: Sequence[Window],
    prefix: Sequence[int],
    suffix: Sequence[int],
    pad_id: int,
    longest: int,
    budget: int,
) -> Iterator[MicroBatch]:
    """Group windows by length so that little is padded.

    windows (Sequence[Window]): Windows in any order.
    prefix (Sequence[int]): Ids of special tokens before each window.
    suffix (Sequence[int]): And after it.
    pad_id (int): The id that fills up.
    longest (int): The most wordpieces of any window, special tokens not counted; no
        micro-batch is padded beyond.
    budget (int): Most wordpieces of a micro-batch, padding included; a longer
        window has one to itself.
    YIELDS (MicroBatch): From the longest windows to the shortest, so that a
        lack of memory shows at once.
    """
    extra = len(prefix) + len(suffix)
    order = sorted(range(len(windows)), key=lambda i: -len(windows[i].ids))
    begin = 0
    while begin < len(order):
        needed = len(windows[order[begin]].ids) + extra
        length = max(needed, min(-(-needed // STEP) * STEP, longest + extra))
        full, left = max(1, budget // length), len(order) - begin
        end = begin + (full if left >= full else _ROWS[bisect_right(_ROWS, left) - 1])
        yield _stack([windows[i] for i in order[begin:end]], prefix, suffix, pad_id, length)
        begin = end


def scatter(
    lengths: Sequence[int], batches: Sequence[MicroBatch], parts: Sequence["torch.Tensor"], n_tags: int
) -> Ragged:
    """Put the scores of micro-batches back in the order of tokens.

    lengths (Sequence[int]): Tokens of each Doc.
    parts (Sequence[torch.Tensor]): Scores of each micro-batch, float32 of shape (tokens, n_tags).
    RETURNS (Ragged): Scores of all tokens; zeros for those that no window reads.
    """
    scores = np.zeros((sum(lengths), n_tags), dtype=np.float32)
    if parts:
        # Joined where they are: one copy from a GPU, and one wait for it.
        joined = parts[0] if len(parts) == 1 else _concatenate(parts)
        scores[np.concatenate([batch.tokens for batch in batches])] = joined.cpu().numpy()
    return Ragged(scores, np.array(lengths, dtype=np.int64))


def _concatenate(parts: Sequence["torch.Tensor"]) -> "torch.Tensor":
    import torch

    return torch.cat(list(parts))


def _stack(group: list[Window], prefix: Sequence[int], suffix: Sequence[int], pad_id: int, length: int):
    ids = np.full((len(group), length), pad_id, dtype=np.int64)
    cases = np.zeros((len(group), length), dtype=np.int64)
    lines = np.zeros((len(group), length), dtype=np.int64)
    mask = np.zeros((len(group), length), dtype=np.int64)
    places, tokens = [], []
    before = len(prefix)
    for row, window in enumerate(group):
        end = before + len(window.ids)
        ids[row, :before] = prefix
        ids[row, before:end] = window.ids
        ids[row, end : end + len(suffix)] = suffix
        cases[row, before:end] = window.cases
        lines[row, before:end] = window.lines
        mask[row, : end + len(suffix)] = 1
        places.append(window.places + before + row * length)
        tokens.append(window.tokens)
    return MicroBatch(ids, cases, lines, mask, np.concatenate(places), np.concatenate(tokens))
