"""Several teachers as one: the mean of what they say, and how far they agree."""

from collections.abc import Sequence

import numpy as np

from spacy_ner_plus.soft_tags import SoftTags

# The least agreement: what teachers say is kept where each is certain of something else, too, for trainings in which
# all tokens weigh the same.
LEAST = 1e-4


def average(teachers: Sequence[SoftTags]) -> SoftTags:
    """Average the probabilities of some teachers, token by token.

    Each counts as much as it says of the token (its weight), and those that say nothing not at all. A teacher that
    doesn't look for a label has no say about it: its O is shared out among O and these labels as the probabilities
    are of the others that look for them. Where a label is left that nobody looked for, nothing is known of O either,
    and the weight is that of the other tags alone.

    The weight of a token is how far the teachers agree, 1 minus their Jensen-Shannon divergence as a share of the
    highest possible (Lin, 1991): 1 where all say the same, or only one says anything, all but 0 where each is certain
    of something else.

    teachers (Sequence[SoftTags]): Of the same tokens; at least one.
    RETURNS (SoftTags): With the labels of all of them.
    """
    labels = tuple(sorted({label for soft in teachers for label in soft.labels}))
    n = len(labels)
    probs = np.stack([soft.for_labels(labels).probs for soft in teachers]).astype(np.float64)
    weights = np.stack([soft.weights for soft in teachers]).astype(np.float64)
    looks = np.zeros((len(teachers), n), dtype=bool)
    for row, soft in zip(looks, teachers, strict=True):
        row[:] = [soft.complete or label in soft.labels for label in labels]
    knows = np.concatenate([np.ones((len(teachers), 1), dtype=bool), looks, looks], axis=1)
    if not knows.all():
        probs = _share_out(probs, weights, knows)
    total = weights.sum(axis=0)
    said = total > 0
    shares = weights / np.where(said, total, 1.0)
    mean = np.einsum("kt,ktg->tg", shares, probs)
    unknown = ((weights[:, :, None] > 0) & looks[:, None, :]).any(axis=0).all(axis=1) ^ True
    known = np.ones(len(mean))
    if unknown.any():
        mean[unknown, 0] = 0.0
        known[unknown] = np.minimum(mean[unknown].sum(axis=1), 1.0)
        mean[unknown] /= np.where(known[unknown] > 0, known[unknown], 1.0)[:, None]
    weight = np.where(said, weights.max(axis=0) * known * _agreement(probs, shares), 0.0)
    complete = any(soft.complete for soft in teachers)
    return SoftTags(labels, mean * (weight > 0)[:, None], weight, teachers[0].temperature, complete)


def _share_out(probs: np.ndarray, weights: np.ndarray, knows: np.ndarray) -> np.ndarray:
    """Share out the O of teachers that don't look for all labels, as those that do would have it.

    probs (Floats3d): Of shape (teachers, tokens, tags).
    weights (Floats2d): Of shape (teachers, tokens).
    knows (ndarray[bool]): Of shape (teachers, tags): whether each has a say about each tag.
    """
    say = weights[:, :, None] * knows[:, None, :]
    total = say.sum(axis=0)
    reference = (say * probs).sum(axis=0) / np.where(total > 0, total, 1.0)
    reference[:, 0] = np.maximum(0.0, 1.0 - reference[:, 1:].sum(axis=1))
    shared = probs.copy()
    for teacher in np.flatnonzero(~knows.all(axis=1)):
        among = ~knows[teacher]
        among[0] = True
        part = reference[:, among]
        total = part.sum(axis=1, keepdims=True)
        outside = np.zeros_like(part)
        outside[:, 0] = 1.0
        part = np.where(total > 0, part / np.where(total > 0, total, 1.0), outside)
        shared[np.ix_([teacher], np.arange(probs.shape[1]), among)] = probs[teacher, :, :1] * part
    return shared


def _agreement(probs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """RETURNS (Floats1d): Of each token, from 0 to 1."""
    mean = np.einsum("kt,ktg->tg", shares, probs)
    divergence = _entropy(mean) - (shares * _entropy(probs)).sum(axis=0)
    highest = _entropy(shares.T)
    return np.clip(1.0 - divergence / np.where(highest > 1e-9, highest, np.inf), LEAST, 1.0)


def _entropy(probs: np.ndarray) -> np.ndarray:
    """RETURNS (ndarray): Entropy along the last axis, in nats."""
    return -(probs * np.log(np.where(probs > 0, probs, 1.0))).sum(axis=-1)
