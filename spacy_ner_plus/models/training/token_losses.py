"""Losses that a config names in place of plain cross-entropy: classes weighted, hard tokens first, labels smoothed.

[components.transformer_ner.loss]
@losses = "spacy_ner_plus.focal_loss.v1"
gamma = 2.0
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.training.loss import log_softmax, log_sum


class TokenLoss(Protocol):
    """A loss of a batch's tokens."""

    def __call__(
        self, scores: np.ndarray, allowed: np.ndarray, labels: Sequence[str]
    ) -> tuple[float, np.ndarray]:
        """Compute a mean over the tokens of which anything is known.

        scores (Floats2d): Logits of shape (tokens, 2 * labels + 1), numbered as in `decoding.tags`.
        allowed (ndarray[bool]): Which tags each token may have, of the same shape. A token that may have any
            doesn't count.
        labels (Sequence[str]): The labels, in order.
        RETURNS (tuple[float, Floats2d]): The loss, and its gradient by logits.
        """


def focal_loss_v1(
    gamma: float = 2.0, weights: dict[str, float] | None = None, outside: float = 1.0
) -> TokenLoss:
    """Count a token the less the surer the network is of its tag (Lin et al., 2017, equation 5).

    gamma (float): The power of what is missing to certainty; 0 for cross-entropy. Default 2.
    weights (dict[str, float] | None): How much tokens of each label count; 1 for those that aren't named.
    outside (float): How much tokens outside of entities count. Default 1.
    RAISES (UserError): Where one is negative.
    """
    return _Focal(gamma, _checked_weights(weights), outside)


def weighted_cross_entropy_v1(weights: dict[str, float] | None = None, outside: float = 1.0) -> TokenLoss:
    """Count tokens by their label: the mean is over these weights.

    weights (dict[str, float] | None): How much tokens of each label count; 1 for those that aren't named.
    outside (float): How much tokens outside of entities count. Default 1.
    RAISES (UserError): Where one is negative.
    """
    return _Focal(0.0, _checked_weights(weights), outside)


def smoothed_cross_entropy_v1(smoothing: float = 0.1) -> TokenLoss:
    """Learn that no tag is certain (label smoothing, Szegedy et al., 2016, section 7).

    smoothing (float): The share of the target that all tags have alike. Default 0.1.
    RAISES (UserError): Where it isn't from 0 to 1.
    """
    return _Smoothed(smoothing)


@dataclass(frozen=True)
class _Focal:
    gamma: float
    weights: Mapping[str, float] = field(default_factory=dict)
    outside: float = 1.0

    def __post_init__(self):
        # A label may be called as a setting is.
        for name, value in (("gamma", self.gamma), ("outside", self.outside), *self.weights.items()):
            if not _is_number(value) or not 0 <= value < float("inf"):
                raise UserError(
                    Errors.E916.format(setting=name, value=repr(value), remedy="a number from 0 on")
                )

    def __call__(
        self, scores: np.ndarray, allowed: np.ndarray, labels: Sequence[str]
    ) -> tuple[float, np.ndarray]:
        if unknown := [label for label in self.weights if label not in labels]:
            raise UserError(Errors.E917.format(label=unknown[0], labels=", ".join(labels)))
        gradient = np.zeros_like(scores)
        counted = np.flatnonzero(~allowed.all(axis=1))
        of_tags = np.array([self.outside, *[self.weights.get(label, 1.0) for label in labels] * 2])
        may = allowed[counted]
        # A token of which only some labels are known is rather outside of entities, where it may be.
        weights = np.where(may[:, 0], self.outside, (may * of_tags).sum(axis=1) / may.sum(axis=1).clip(1))
        total = weights.sum()
        if not total:
            return 0.0, gradient
        log_probs = log_softmax(scores[counted].astype(np.float64))
        among = np.where(may, log_probs, -np.inf)
        likelihood = log_sum(among)
        prob = np.exp(likelihood)
        missing = np.clip(1.0 - prob, 1e-12, None)
        loss = -(missing**self.gamma * likelihood)[:, 0]
        # By the likelihood's logarithm; that by the logits is the second factor.
        slope = self.gamma * missing ** (self.gamma - 1) * prob * likelihood - missing**self.gamma
        by_logits = slope * (np.exp(among - likelihood) - np.exp(log_probs))
        gradient[counted] = (weights / total)[:, None] * by_logits
        return float((weights * loss).sum() / total), gradient


@dataclass(frozen=True)
class _Smoothed:
    smoothing: float

    def __post_init__(self):
        if not _is_number(self.smoothing) or not 0 <= self.smoothing < 1:
            value = repr(self.smoothing)
            raise UserError(
                Errors.E916.format(setting="smoothing", value=value, remedy="a number from 0 to below 1")
            )

    def __call__(
        self, scores: np.ndarray, allowed: np.ndarray, labels: Sequence[str]
    ) -> tuple[float, np.ndarray]:
        gradient = np.zeros_like(scores)
        counted = np.flatnonzero(~allowed.all(axis=1))
        if not len(counted):
            return 0.0, gradient
        log_probs = log_softmax(scores[counted].astype(np.float64))
        among = np.where(allowed[counted], log_probs, -np.inf)
        likelihood = log_sum(among)
        share = self.smoothing
        loss = -(1 - share) * likelihood[:, 0] - share * log_probs.mean(axis=1)
        target = (1 - share) * np.exp(among - likelihood) + share / scores.shape[1]
        gradient[counted] = (np.exp(log_probs) - target) / len(counted)
        return float(loss.mean()), gradient


def _checked_weights(weights: dict[str, float] | None) -> dict[str, float]:
    if weights is not None and not isinstance(weights, Mapping):
        remedy = "a number for each label, such as {'ORG': 2.0}"
        raise UserError(Errors.E916.format(setting="weights", value=repr(weights), remedy=remedy))
    return dict(weights or {})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
