"""Spans from scores of tokens: where one starts, ends, and goes on."""

import torch

from spacy_ner_plus.models.zero_shot.span_model import Candidate


def find_token_spans(logits: torch.Tensor, lengths: list[int], least: torch.Tensor) -> list[list[Candidate]]:
    """Find the spans whose start, end and every word inside have at least some logit, as gliner's TokenDecoder does.

    logits (Tensor): Of shape (texts, words, prompts, 3): start, end, inside.
    lengths (list[int]): Words of each text.
    least (Tensor): For each prompt, the least logit.
    RETURNS (list[list[Candidate]]): For each text; the logit of each is the least of those that it is made of.
    """
    found: list[list[Candidate]] = []
    above = (logits >= least[None, None, :, None]).cpu()
    logits = logits.cpu()
    for text, length in enumerate(lengths):
        spans: list[Candidate] = []
        starts, ends, inside = above[text, :length].unbind(-1)
        for prompt in (starts.any(0) & ends.any(0)).nonzero().flatten().tolist():
            scores = logits[text, :length, prompt].tolist()
            is_end, goes_on = ends[:, prompt].tolist(), inside[:, prompt].tolist()
            for start in starts[:, prompt].nonzero().flatten().tolist():
                lowest = scores[start][0]
                for end in range(start, length):
                    if not goes_on[end]:
                        break
                    lowest = min(lowest, scores[end][2])
                    if is_end[end]:
                        spans.append(Candidate(start, end + 1, prompt, min(lowest, scores[end][1])))
        found.append(sorted(spans))
    return found
