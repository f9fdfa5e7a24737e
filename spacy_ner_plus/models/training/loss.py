"""The losses of a batch, each with its gradient by the logits, over the tokens of which anything is known."""

from typing import NamedTuple

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
        log_probs = log_softmax(scores[counted])
        # Impossible tags stay out of the sum, and out of the gradient.
        among = np.where(allowed[counted], log_probs, -np.inf)
        likelihood = log_sum(among)
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
        log_probs, target = log_softmax(scores[counted]), log_softmax(taught[counted])
        together = log_probs[:, kept]
        together[:, :1] = log_sum(log_probs[:, part_of == 0])
        wanted = np.exp(target)
        # Rounding may make nothing a little less than that.
        loss = max(0.0, float((wanted * (target - together)).sum(axis=1).mean()))
        share = np.exp(log_probs - together[:, part_of])
        gradient[counted] = (np.exp(log_probs) - wanted[:, part_of] * share) / len(counted)
    return loss, gradient


class SoftTargets(NamedTuple):
    """How probable the tags of each token are, some of them only together.

    part_of (Ints2d): Of shape (tokens, n_tags): the number of the group that each tag is in; groups are called by
        one of their tags.
    probs (Floats2d): Of the same shape: the probability of the group of each number, 0 where there is none; each
        row sums to 1.
    weights (Floats1d): How much each token counts; 0 where nothing is known.
    temperatures (Floats1d): What the scores of each token are divided by.
    """

    part_of: np.ndarray
    probs: np.ndarray
    weights: np.ndarray
    temperatures: np.ndarray


def distillation_loss(
    scores: np.ndarray, allowed: np.ndarray, hard_weights: np.ndarray, soft: SoftTargets
) -> tuple[float, np.ndarray]:
    """Compute how far scores are from what is annotated and from what teachers say, as a mean over tokens.

    To what is annotated it is the cross-entropy, as `cross_entropy` gives it; to what teachers say the
    Kullback-Leibler divergence from their probabilities, times the square of the temperature, so that gradients of any
    temperature are alike (Hinton et al., 2015). Where each token has one of the two with the weight 1 and teachers are
    certain, that is the same as `cross_entropy` of their tags.

    scores (Floats2d): Logits of shape (tokens, n_tags).
    allowed (ndarray[bool]): Which tags each token may have by its annotation, of the same shape.
    hard_weights (Floats1d): How much each token's annotation counts.
    soft (SoftTargets): What the teachers say.
    RETURNS (tuple[float, Floats2d]): The loss, and its gradient by logits. The mean is over the tokens that have a
        weight, whatever it is: a token with half the weight counts half as much in any batch.
    """
    hard_weights = np.where(allowed.all(axis=1), 0.0, hard_weights)
    count = np.count_nonzero((hard_weights > 0) | (soft.weights > 0))
    gradient = np.zeros(scores.shape)
    loss = 0.0
    if count:
        # The tags that a token may have are one group, and all others another.
        hard_groups = (~allowed).astype(np.int64)
        certain = np.zeros(scores.shape)
        certain[:, 0] = 1.0
        once = np.ones(len(scores))
        for part in (SoftTargets(hard_groups, certain, hard_weights, once), soft):
            part_loss, part_gradient = _divergence(scores, part)
            loss += part_loss / count
            gradient += part_gradient / count
    return loss, gradient.astype(scores.dtype, copy=False)


def _divergence(scores: np.ndarray, targets: SoftTargets) -> tuple[float, np.ndarray]:
    """RETURNS (tuple[float, Floats2d]): The weighted sum over tokens, and its gradient by logits."""
    counted = np.flatnonzero(targets.weights > 0)
    gradient = np.zeros(scores.shape)
    if not len(counted):
        return 0.0, gradient
    part_of, probs, weights, temperatures = (part[counted] for part in targets)
    log_probs = log_softmax(scores[counted].astype(np.float64) / temperatures[:, None])
    of_group = _log_sums_by_group(log_probs, part_of)
    named = probs > 0
    log_wanted = np.log(np.where(named, probs, 1.0))
    terms = np.where(named, probs * (log_wanted - np.where(named, of_group, 0.0)), 0.0)
    # Rounding may make nothing a little less than that.
    divergence = np.maximum(terms.sum(axis=1), 0.0)
    loss = float((weights * temperatures**2 * divergence).sum())
    # A group's probability, shared out among its tags as they are now.
    shares = np.exp(log_probs - np.take_along_axis(of_group, part_of, axis=1))
    wanted = np.take_along_axis(probs, part_of, axis=1) * shares
    gradient[counted] = (weights * temperatures)[:, None] * (np.exp(log_probs) - wanted)
    return loss, gradient


def _log_sums_by_group(logs: np.ndarray, part_of: np.ndarray) -> np.ndarray:
    """RETURNS (Floats2d): Of each row the log of the summed probability of each group; minus infinity where it has no
    tag."""
    rows = np.arange(len(logs))[:, None]
    highest = np.full(logs.shape, -np.inf)
    np.maximum.at(highest, (rows, part_of), logs)
    sums = np.zeros(logs.shape)
    np.add.at(sums, (rows, part_of), np.exp(logs - np.take_along_axis(highest, part_of, axis=1)))
    with np.errstate(divide="ignore"):
        return np.where(sums > 0, highest + np.log(sums), -np.inf)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """RETURNS (Floats2d): The logarithms of the probabilities of each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_sum(logs: np.ndarray) -> np.ndarray:
    """RETURNS (Floats2d): Of each row the logarithm of the sum, of shape (rows, 1)."""
    highest = logs.max(axis=1, keepdims=True)
    return highest + np.log(np.exp(logs - highest).sum(axis=1, keepdims=True))
