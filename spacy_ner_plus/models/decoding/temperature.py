"""One number that makes scores honest: the temperature by which logits are divided."""

from collections.abc import Callable, Sequence

import numpy as np

from spacy_ner_plus.models.decoding.marginals import Entities, span_marginals

# A network that needs more than this is not to be mended by a temperature.
LOWEST, HIGHEST = 0.2, 10.0
_GOLDEN = (5**0.5 - 1) / 2


def fit_temperature(
    scores: Sequence[np.ndarray], entities: Sequence[Entities], right: Sequence[np.ndarray]
) -> float:
    """Find the temperature under which the probabilities of entities are most likely.

    As Guo et al. (2017), but for whole spans: what is minimised is the log loss of each predicted
    entity's probability against whether it is right. The best sequence is the same at any
    temperature, so the entities are.

    scores (Sequence[Floats2d]): Logits of each document, which the network wasn't trained on.
    entities (Sequence[Entities]): The entities predicted there.
    right (Sequence[ndarray[bool]]): Whether each is right.
    RETURNS (float): The temperature, from 0.2 to 10.
    """
    flat = np.concatenate([np.asarray(part, dtype=bool) for part in right])

    def log_loss(log_temperature: float) -> float:
        marginals = np.concatenate(span_marginals(scores, entities, float(np.exp(log_temperature))))
        marginals = np.clip(marginals, 1e-12, 1 - 1e-12)
        return float(-np.log(np.where(flat, marginals, 1 - marginals)).mean())

    return float(np.exp(_lowest_point(log_loss, np.log(LOWEST), np.log(HIGHEST))))


def _lowest_point(function: Callable[[float], float], low: float, high: float) -> float:
    """Golden-section search (Kiefer, 1953), to a thousandth."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-3:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2
