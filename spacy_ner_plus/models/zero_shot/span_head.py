"""Scores of all spans of words, by the layers of gliner."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from spacy_ner_plus.models.zero_shot.span_model import Candidate


class SpanHead:
    """Scores spans for prompts.

    In the mode that nearly all models have, a span's embedding is a network of two layers over what is made of its
    first and last word. The first of these layers is linear in both, so that it is computed once for each word and not
    for each of the twelve spans that begin or end there; and what is scored is a product with the second, which is
    multiplied with the prompts first where they are few. That is the same to float rounding, and takes a fraction of
    the time: there are twelve times as many spans as words.

    layer (SpanRepLayer): gliner's, which gives an embedding of each span.
    widest (int): Most words of a span.
    """

    def __init__(self, layer: Any, widest: int):
        self._layer = layer
        self._widest = widest
        inner = layer.span_rep_layer
        without_context = type(layer.context_encoder).__name__ == "IdentityContextEncoder"
        is_known = type(inner).__name__ == "SpanMarkerV0" and _is_known(inner)
        self._marks = inner if is_known and without_context else None

    def find(
        self, words: torch.Tensor, prompts: torch.Tensor, lengths: list[int], least: torch.Tensor
    ) -> list[list[Candidate]]:
        """Find the spans that have at least some logit for a prompt.

        words (Tensor): Embeddings of shape (texts, words, hidden).
        prompts (Tensor): Embeddings of shape (texts, prompts, hidden).
        lengths (list[int]): Words of each text.
        least (Tensor): For each prompt, the least logit.
        RETURNS (list[list[Candidate]]): For each text, by start, width and prompt.
        """
        found: list[list[Candidate]] = [[] for _ in lengths]
        if self._marks is not None:
            for width, logits in self._scores_by_marks(words, prompts):
                _collect(found, 0, width, logits, lengths, least)
        else:
            # One by one: some of these layers take what pads a batch for words.
            for i, length in enumerate(lengths):
                for width, logits in self._scores_by_layer(words[i : i + 1, :length], prompts[i : i + 1]):
                    _collect(found, i, width, logits, lengths[i : i + 1], least)
        return [sorted(candidates) for candidates in found]

    def logits(self, words: torch.Tensor, prompts: torch.Tensor, lengths: list[int]) -> list[torch.Tensor]:
        """Score all spans, with a gradient.

        RETURNS (list[Tensor]): For each width, from one word on, logits of shape (texts, starts, prompts). Those of
            spans that reach beyond a text are of no meaning.
        """
        if self._marks is not None:
            return [logits for _, logits in self._scores_by_marks(words, prompts)]
        by_text = [
            dict(self._scores_by_layer(words[i : i + 1, :length], prompts[i : i + 1]))
            for i, length in enumerate(lengths)
        ]
        longest = words.shape[1]
        empty = words.new_zeros(1, 0, prompts.shape[1])
        return [
            torch.cat(
                [
                    nn.functional.pad(found, (0, 0, 0, longest - width + 1 - found.shape[1]))
                    for found in (scores.get(width, empty) for scores in by_text)
                ]
            )
            for width in range(1, min(self._widest, longest) + 1)
        ]

    def _scores_by_marks(
        self, words: torch.Tensor, prompts: torch.Tensor
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """YIELDS (tuple[int, Tensor]): For each width, logits of shape (texts, starts, prompts)."""
        marks = self._marks
        first, last = marks.out_project[0], marks.out_project[-1]
        hidden = words.shape[-1]
        by_start, by_end = first.weight[:, :hidden], first.weight[:, hidden:]
        starts = nn.functional.linear(marks.project_start(words).relu(), by_start, first.bias)
        ends = nn.functional.linear(marks.project_end(words).relu(), by_end)
        # Of shapes (texts, inner, prompts) and (texts, 1, prompts).
        is_few = 3 * prompts.shape[1] < 4 * hidden
        weights = last.weight.t() @ prompts.transpose(1, 2) if is_few else prompts.transpose(1, 2)
        bias = (prompts @ last.bias)[:, None, :]
        for width in range(1, min(self._widest, words.shape[1]) + 1):
            inner = (starts[:, : starts.shape[1] - width + 1] + ends[:, width - 1 :]).relu_()
            inner = nn.functional.dropout(inner, marks.out_project[2].p, marks.training)
            if not is_few:
                inner = nn.functional.linear(inner, last.weight)
            yield width, torch.baddbmm(bias, inner, weights)

    def _scores_by_layer(
        self, words: torch.Tensor, prompts: torch.Tensor
    ) -> Iterator[tuple[int, torch.Tensor]]:
        longest = words.shape[1]
        starts = torch.arange(longest, device=words.device).repeat_interleave(self._widest)
        ends = starts + torch.arange(self._widest, device=words.device).repeat(longest)
        spans = torch.stack([starts, ends], dim=-1) * (ends < longest)[:, None]
        embedded = self._layer(words, spans[None])
        logits = torch.einsum("blkd,bcd->blkc", embedded, prompts)
        for width in range(1, min(self._widest, longest) + 1):
            yield width, logits[:, : longest - width + 1, width - 1]


def _collect(
    found: list[list[Candidate]],
    text: int,
    width: int,
    logits: torch.Tensor,
    lengths: list[int],
    least: torch.Tensor,
) -> None:
    """Add the spans of a width that score enough, of texts from a number on."""
    starts = torch.arange(logits.shape[1], device=logits.device)
    exists = starts[None, :] + width <= torch.tensor(lengths, device=logits.device)[:, None]
    texts, start, prompt = ((logits >= least) & exists[..., None]).nonzero(as_tuple=True)
    scores = logits[texts, start, prompt].tolist()
    rows = torch.stack([texts, start, prompt], dim=-1).tolist()
    for (other, first, number), score in zip(rows, scores, strict=True):
        found[text + other].append(Candidate(first, first + width, number, score))


def _is_known(marks: Any) -> bool:
    """Whether the layers are those that are taken apart here."""
    out = marks.out_project
    return (
        isinstance(out, nn.Sequential)
        and len(out) == 4
        and isinstance(out[0], nn.Linear)
        and isinstance(out[1], nn.ReLU)
        and isinstance(out[2], nn.Dropout)
        and isinstance(out[3], nn.Linear)
    )
