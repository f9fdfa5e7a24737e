"""The losses of a batch, each with its gradient by the logits, over the tokens of which anything is known."""

import numpy as np

from spacy_ner_plus.models.decoding.tags import renumber_tags


def cross_entropy(scores: np.ndarray, allowed: np.ndarray) -> tuple[float, np.ndarray]:
    """Compute the mean negative log likelihood of what is known of each token.

    A token's likelihood is the probability of all the tags together that it may have: of one, where its
    annotation is known; where only some labels were annotated, of O and all tags of the other labels
    (Cermelli et al., 2020, equation 3).

    scores (Floats2d): Logits of shape (tokens, n_tags).
    allowed (ndarray[bool]): Which tags each token may have, of the same shape. A token that may have any
        doesn't count.
    RETURNS (tuple[float, Floats2d]): The loss, and its gradient by logits.
    """
    counted = np.flatnonzero(~allowed.all(axis=1))
    gradient = np.zeros_like(scores)
    loss = 0.0
    if len(counted):
        log_probs = _log_softmax(scores[counted])
        # Impossible tags stay out of the sum, and out of the gradient.
        among = np.where(allowed[counted], log_probs, -np.inf)
        likelihood = _log_sum(among)
        loss = -float(likelihood.mean())
        gradient[counted] = (np.exp(log_probs) - np.exp(among - likelihood)) / len(counted)
    return loss, gradient


def rehearsal_loss(scores: np.ndarray, taught: np.ndarray) -> tuple[float, np.ndarray]:
    """Compute how far a network has come away from an earlier one, which may know fewer labels.

    What was O to the earlier network may be an entity of a label that it didn't know: its probability of O is
    compared with that of O and of all tags of new labels together (Cermelli et al., 2020, equation 8).

    scores (Floats2d): Logits of shape (tokens, n_tags).
    taught (Floats2d): The earlier network's, of shape (tokens, n_taught); its labels are the first ones of
        `scores`. Tokens without scores, which have zeros, don't count.
    RETURNS (tuple[float, Floats2d]): The mean Kullback-Leibler divergence from the earlier network's
        probabilities, 0 where nothing has changed, and its gradient by `scores`.
    """
    counted = np.flatnonzero(taught.any(axis=1))
    gradient = np.zeros_like(scores)
    loss = 0.0
    if len(counted):
        kept = renumber_tags(taught.shape[1], scores.shape[1])
        # For each tag the earlier network's tag that it was part of.
        part_of = np.zeros(scores.shape[1], dtype=np.int64)
        part_of[kept] = np.arange(taught.shape[1])
        log_probs, target = _log_softmax(scores[counted]), _log_softmax(taught[counted])
        together = log_probs[:, kept]
        together[:, :1] = _log_sum(log_probs[:, part_of == 0])
        wanted = np.exp(target)
        # Rounding may make nothing a little less than that.
        loss = max(0.0, float((wanted * (target - together)).sum(axis=1).mean()))
        share = np.exp(log_probs - together[:, part_of])
        gradient[counted] = (np.exp(log_probs) - wanted[:, part_of] * share) / len(counted)
    return loss, gradient


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _log_sum(logs: np.ndarray) -> np.ndarray:
    highest = logs.max(axis=1, keepdims=True)
    return highest + np.log(np.exp(logs - highest).sum(axis=1, keepdims=True))
