"""The loss of a batch, over the tokens whose annotation is known."""

from collections.abc import Sequence

import numpy as np

# What a missing gold tag looks like among tag numbers.
MISSING_TAG = -1


def cross_entropy(scores: Sequence[np.ndarray], gold: Sequence[np.ndarray]) -> tuple[float, list[np.ndarray]]:
    """Compute the mean cross-entropy and its gradient.

    scores (Sequence[Floats2d]): Logits for each Doc, of shape (tokens, n_tags).
    gold (Sequence[Ints1d]): Tag numbers for each Doc; MISSING_TAG doesn't count.
    RETURNS (tuple[float, list[Floats2d]]): The loss, and its gradient by logits.
    """
    flat, gold_flat = np.concatenate(scores), np.concatenate(gold)
    counted = np.flatnonzero(gold_flat != MISSING_TAG)
    gradient = np.zeros_like(flat)
    loss = 0.0
    if len(counted):
        shifted = flat[counted] - flat[counted].max(axis=1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        rows = np.arange(len(counted))
        loss = -float(log_probs[rows, gold_flat[counted]].mean())
        d_counted = np.exp(log_probs)
        d_counted[rows, gold_flat[counted]] -= 1.0
        gradient[counted] = d_counted / len(counted)
    return loss, np.split(gradient, np.cumsum([len(doc_scores) for doc_scores in scores])[:-1])
