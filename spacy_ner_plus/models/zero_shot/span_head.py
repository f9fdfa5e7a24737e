"""Scores of all spans of words, by the layers of gliner."""

from typing import Any

import torch

from spacy_ner_plus.models.zero_shot.span_model import Candidate


class SpanHead:
    """Scores spans for prompts.

    layer (SpanRepLayer): gliner's, which gives an embedding of each span.
    widest (int): Most words of a span.
    """

    def __init__(self, layer: Any, widest: int):
        self._layer = layer
        self._widest = widest

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
        count = words.shape[1]
        starts = torch.arange(count, device=words.device).repeat_interleave(self._widest)
        ends = starts + torch.arange(self._widest, device=words.device).repeat(count)
        ends_of = torch.tensor(lengths, device=words.device)[:, None]
        exists = ends < ends_of
        spans = torch.stack([starts, ends], dim=-1) * exists[..., None]
        embedded = self._layer(words, spans)
        logits = torch.einsum("blkd,bcd->blkc", embedded, prompts).float()
        kept = (logits >= least) & exists.view(len(lengths), count, self._widest, 1)
        texts, start, width, prompt = kept.nonzero(as_tuple=True)
        scores = logits[texts, start, width, prompt].tolist()
        found: list[list[Candidate]] = [[] for _ in lengths]
        rows = torch.stack([texts, start, start + width + 1, prompt], dim=-1).tolist()
        for (text, first, after, number), score in zip(rows, scores, strict=True):
            found[text].append(Candidate(first, after, number, score))
        return found
