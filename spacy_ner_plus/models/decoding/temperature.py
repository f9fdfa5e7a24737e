"""One number that makes scores honest: the temperature by which logits are divided."""

from collections.abc import Callable, Sequence

import numpy as np

from spacy_ner_plus.models.decoding.marginals import span_marginals
from spacy_ner_plus.models.decoding.tags import Entities
from spacy_ner_plus.models.ragged import Ragged

# A network that needs more than this can't be mended by a temperature.
LOWEST, HIGHEST = 0.2, 10.0
_GOLDEN = (5**0.5 - 1) / 2


def fit_temperature(batches: Sequence[tuple[Ragged, Entities]], right: np.ndarray) -> float:
    """Find the temperature under which the probabilities of entities are most likely.

    As Guo et al. (2017), but for whole spans: what is minimised is the log loss of each predicted
    entity's probability against whether it is right. The best sequence is the same at any
    temperature, so the entities are.

    batches (Sequence[tuple[Ragged, Entities]]): Logits of documents that the network wasn't trained on,
        and the entities predicted there.
    right (ndarray[bool]): Whether each of all these entities is right.
    RETURNS (float): The temperature, from 0.2 to 10.
    """
    return fit(lambda temperature: all_marginals(batches, temperature), right)


def fit(probabilities: Callable[[float], np.ndarray], right: np.ndarray) -> float:
    """Find the temperature with the least log loss.

    probabilities (Callable[[float], Floats1d]): That of each entity at a temperature.
    right (ndarray[bool]): Whether each of them is right.
    RETURNS (float): The temperature, from 0.2 to 10.
    """
    right = np.asarray(right, dtype=bool)

    def log_loss(log_temperature: float) -> float:
        found = np.clip(probabilities(float(np.exp(log_temperature))), 1e-12, 1 - 1e-12)
        return float(-np.log(np.where(right, found, 1 - found)).mean())

    return float(np.exp(_lowest_point(log_loss, np.log(LOWEST), np.log(HIGHEST))))


def all_marginals(batches: Sequence[tuple[Ragged, Entities]], temperature: float) -> np.ndarray:
    """RETURNS (Floats1d): The probability of each entity of all batches at a temperature."""
    return np.concatenate([span_marginals(*batch, temperature) for batch in batches])


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
