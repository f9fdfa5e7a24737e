"""Spans with scores as probabilities of tags, for teachers that give nothing more."""

import numpy as np

from spacy_ner_plus.pipeline.entity_vote.ballot import Answer
from spacy_ner_plus.soft_tags import SoftTags


def soften(score: float, temperature: float) -> float:
    """RETURNS (float): A probability whose log odds are divided by a temperature."""
    if temperature == 1:
        return score
    yes, no = score ** (1 / temperature), (1 - score) ** (1 / temperature)
    return yes / (yes + no)


def span_tags(answer: Answer, temperature: float = 1.0) -> SoftTags:
    """Read what a teacher says as probabilities of tags.

    A span's score is that of B- at its first token, and of I- at the others; what it lacks of 1 is O's. A token in no
    span is O. Nothing is said of tokens that the teacher left missing.

    answer (Answer): Spans with scores, none of them overlapping another; the labels that it looks for.
    temperature (float): More than 1 for softer targets: the log odds of scores are divided by it. Default 1.
    """
    labels = tuple(sorted((answer.labels or frozenset()) | {span.label for span in answer.spans}))
    n = len(labels)
    probs = np.zeros((len(answer.missing), 2 * n + 1))
    probs[:, 0] = 1.0
    for start, end, label, score in answer.spans:
        score = soften(score, temperature)
        number = labels.index(label)
        probs[start:end, 0] = 1.0 - score
        probs[start, 1 + number] = score
        probs[start + 1 : end, 1 + n + number] = score
    said = (~answer.missing).astype(np.float64)
    return SoftTags(labels, probs, said, temperature, complete=answer.labels is None)
