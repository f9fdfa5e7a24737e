"""The loss of a batch, over the tokens whose annotation is known."""

import numpy as np

# What a missing gold tag looks like among tag numbers.
MISSING_TAG = -1


def cross_entropy(scores: np.ndarray, gold: np.ndarray) -> tuple[float, np.ndarray]:
    """Compute the mean cross-entropy and its gradient.

    scores (Floats2d): Logits of shape (tokens, n_tags).
    gold (Ints1d): Tag numbers of shape (tokens,); MISSING_TAG doesn't count.
    RETURNS (tuple[float, Floats2d]): The loss, and its gradient by logits.
    """
    counted = np.flatnonzero(gold != MISSING_TAG)
    gradient = np.zeros_like(scores)
    loss = 0.0
    if len(counted):
        shifted = scores[counted] - scores[counted].max(axis=1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        rows = np.arange(len(counted))
        loss = -float(log_probs[rows, gold[counted]].mean())
        d_counted = np.exp(log_probs)
        d_counted[rows, gold[counted]] -= 1.0
        gradient[counted] = d_counted / len(counted)
    return loss, gradient
