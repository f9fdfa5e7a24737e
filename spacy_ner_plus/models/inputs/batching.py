"""Windows of similar length together, under a budget of wordpieces."""

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


# Libraries keep memory for each shape that they have met: oneDNN half a megabyte for each product of matrices, and
# up to 1,024 of them. So lengths are multiples of STEP, long ones of twice as much, and numbers of windows powers
# of two.
STEP = 8
_FINE_UP_TO = 64
# What a micro-batch costs beside its wordpieces, as a share of the budget: a thousand wordpieces take 25 times as
# long as next to none.
_CALL = 1 / 25
# In training each also brings the weights into bf16 and back, and a gradient of all word embeddings. Where bf16 is
# fast that is three times as much as counted here, and where it isn't padding takes longer. What libraries keep for
# more shapes is little beside what training takes.
_TRAINING_CALL = 1 / 10


def micro_batches(
    windows: Sequence[Window],
    prefix: Sequence[int],
    suffix: Sequence[int],
    pad_id: int,
    longest: int,
    budget: int,
    *,
    training: bool = False,
) -> Iterator[MicroBatch]:
    """Group windows by length, so that padding and the number of micro-batches together cost least.

    windows (Sequence[Window]): Windows in any order.
    prefix (Sequence[int]): Ids of special tokens before each window.
    suffix (Sequence[int]): And after it.
    pad_id (int): The id that fills up.
    longest (int): The most wordpieces of any window, special tokens not counted; no
        micro-batch is padded beyond.
    budget (int): Most wordpieces of a micro-batch, padding included; a longer
        window has one to itself.
    training (bool): Whether there is a backward pass: then there are fewer micro-batches, of any number of windows.
        Default False.
    YIELDS (MicroBatch): From the largest to the smallest, so that a lack of memory shows at once.
    """
    extra = len(prefix) + len(suffix)
    order = sorted(range(len(windows)), key=lambda i: -len(windows[i].ids))
    lengths = [_rounded(len(windows[i].ids) + extra, longest + extra) for i in order]
    groups, begin = [], 0
    for rows in _divide(lengths, budget, training=training):
        groups.append((begin, begin + rows, lengths[begin]))
        begin += rows
    for begin, end, length in sorted(groups, key=_size, reverse=True):
        yield _stack([windows[i] for i in order[begin:end]], prefix, suffix, pad_id, length)


def _rounded(length: int, longest: int) -> int:
    step = STEP if length <= _FINE_UP_TO else 2 * STEP
    return max(length, min(-(-length // step) * step, longest))


def _divide(lengths: Sequence[int], budget: int, *, training: bool) -> list[int]:
    """Divide windows that lie in order of their lengths, the longest first, at least cost.

    lengths (Sequence[int]): To what each is padded where it is the first of a micro-batch.
    RETURNS (list[int]): How many windows each micro-batch has: a power of two, but in training.
    """
    count, call = len(lengths), budget * (_TRAINING_CALL if training else _CALL)
    # From the end: the least that all windows from one on cost, and how many of them go first.
    costs, rows = [0.0] * (count + 1), [0] * count
    for begin in range(count - 1, -1, -1):
        length, most = lengths[begin], count - begin
        best, taken, tried = costs[begin + 1] + length, 1, 2
        while tried <= most and tried * length <= budget:
            cost = costs[begin + tried] + tried * length
            if cost <= best:
                best, taken = cost, tried
            tried += 1 if training else tried
        costs[begin], rows[begin] = best + call, taken
    divided, begin = [], 0
    while begin < count:
        divided.append(rows[begin])
        begin += rows[begin]
    return divided


def _size(group: tuple[int, int, int]) -> int:
    begin, end, length = group
    return (end - begin) * length


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
