"""What a model's scores should be, and which of them count."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from spacy_ner_plus.models.zero_shot.prompts import Prompt
from spacy_ner_plus.models.zero_shot.training.gold_windows import GoldWindow


class Column(NamedTuple):
    """One of the prompts that a batch is asked for.

    label (str | None): The entity label that it means; None where no corpus has one for it.
    """

    prompt: Prompt
    label: str | None


class Targets(NamedTuple):
    """For one tensor of scores.

    wanted (Tensor): 1 for an entity, 0 for none; of the shape of the scores.
    known (Tensor): Whether gold says so, of the shape of the scores or one that is broadcast to it.
    unasked (Tensor): Whether gold says nothing as the label wasn't annotated there, of such a shape.
    """

    wanted: torch.Tensor
    known: torch.Tensor
    unasked: torch.Tensor


def make_targets(
    windows: Sequence[GoldWindow], columns: Sequence[Column], widths: Sequence[int] | None
) -> list[Targets]:
    """Make targets for scores of spans or of words.

    widths (Sequence[int] | None): For scores of spans, how many words those of each tensor have; its shape is
        (windows, starts, columns). None for scores of words, one tensor of shape (windows, words, columns, 3).
    """
    lengths = [len(window.window.words) for window in windows]
    exists = torch.zeros(len(windows), max(lengths), dtype=torch.bool)
    is_known = exists.clone()
    for i, (window, length) in enumerate(zip(windows, lengths, strict=True)):
        exists[i, :length] = is_known[i, :length] = True
        if window.unknown:
            is_known[i, list(window.unknown)] = False
    annotated = torch.tensor([[_is_annotated(window, column) for column in columns] for window in windows])
    number = {column.label: i for i, column in enumerate(columns) if column.label is not None}
    gold = [
        (i, span.start, span.end, number[span.label])
        for i, window in enumerate(windows)
        for span in window.spans
        if span.label in number
    ]
    if widths is None:
        return [_for_words(gold, exists, is_known, annotated)]
    return [_for_spans(gold, exists, is_known, annotated, width) for width in widths]


def _is_annotated(window: GoldWindow, column: Column) -> bool:
    return column.label is not None and (window.labels is None or column.label in window.labels)


def _for_spans(
    gold: Sequence[tuple[int, int, int, int]],
    exists: torch.Tensor,
    is_known: torch.Tensor,
    annotated: torch.Tensor,
    width: int,
) -> Targets:
    there, known = (mask.unfold(1, width, 1).all(-1)[..., None] for mask in (exists, is_known))
    wanted = torch.zeros(*there.shape[:2], annotated.shape[1])
    for i, start, end, column in gold:
        if end - start == width:
            wanted[i, start, column] = 1
    return Targets(wanted, known & annotated[:, None], there & ~annotated[:, None])


def _for_words(
    gold: Sequence[tuple[int, int, int, int]],
    exists: torch.Tensor,
    is_known: torch.Tensor,
    annotated: torch.Tensor,
) -> Targets:
    wanted = torch.zeros(*exists.shape, annotated.shape[1], 3)
    for i, start, end, column in gold:
        wanted[i, start, column, 0] = 1
        wanted[i, end - 1, column, 1] = 1
        wanted[i, start:end, column, 2] = 1
    columns = annotated[:, None, :, None]
    return Targets(wanted, is_known[..., None, None] & columns, exists[..., None, None] & ~columns)
