"""Means of what was sampled with changing probabilities: each value counts as often as it stands for others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacy_ner_plus.evaluation.statistics.resampling import LEAST_DOCUMENTS

# The quantile of the normal distribution for an interval of 95 %.
_Z = 1.959963984540054


@dataclass(frozen=True)
class WeightedMean:
    """A mean, and how sure it is.

    n (int): Values.
    value (float | None): The mean; None where there is no value, or nothing to divide by.
    interval (tuple[float, float] | None): The ends of a 95 % interval; None where there are fewer than 10 values, or
        groups of them.
    """

    n: int
    value: float | None
    interval: tuple[float, float] | None = None


def hajek_mean(
    values: Sequence[float],
    probabilities: Sequence[float],
    wholes: Sequence[float] | None = None,
    *,
    is_share: bool = True,
    groups: Sequence[str] | None = None,
) -> WeightedMean:
    """Estimate a mean over all that could have been sampled (Hájek, 1971): weighted by 1 / probability.

    The interval is that of a share (Wilson, 1927) with as many values as would give the variance that these have (Korn
    and Graubard, 1998), by its linear approximation. So it stays within 0 and 1, and is no single point where all
    values are the same. It is one of a sample of this size, and not to be looked at again and again until it tells what
    one hopes for.

    values (Sequence[float]): One for each.
    probabilities (Sequence[float]): With which each was sampled, above 0.
    wholes (Sequence[float]): What the values are parts of, as for a pooled F1. Default: 1 each, for a mean.
    is_share (bool): Whether the mean is from 0 to 1; else the interval is that of the normal distribution.
    groups (Sequence[str]): Values of one group, such as those of one text, say little more than one value, so that
        intervals are by groups. Default: each value is a group.
    """
    parts, weights = np.asarray(values, dtype=np.float64), 1 / np.asarray(probabilities, dtype=np.float64)
    wholes = np.ones(len(parts)) if wholes is None else np.asarray(wholes, dtype=np.float64)
    whole = float(weights @ wholes) if len(parts) else 0.0
    if whole <= 0:
        return WeightedMean(len(parts), None)
    value = float(weights @ parts) / whole
    number = np.arange(len(parts)) if groups is None else np.unique(list(groups), return_inverse=True)[1]
    count = int(number.max()) + 1
    if count < LEAST_DOCUMENTS:
        return WeightedMean(len(parts), value)
    residuals = np.bincount(number, weights * (parts - value * wholes))
    variance = float(residuals @ residuals) / whole**2 * count / (count - 1)
    if not is_share:
        width = _Z * variance**0.5
        return WeightedMean(len(parts), value, (value - width, value + width))
    # Where all are the same they still are no more than so many.
    together = np.bincount(number, weights)
    size = float(together.sum() ** 2 / (together @ together))
    if variance > 0 and 0 < value < 1:
        size = min(value * (1 - value) / variance, 1e15)
    return WeightedMean(len(parts), value, _wilson(value, size))


def difference(one: WeightedMean, other: WeightedMean) -> tuple[float, tuple[float, float] | None] | None:
    """Estimate how much higher one mean is than another one of other values.

    RETURNS (tuple[float, tuple[float, float] | None] | None): The difference and its interval, from both intervals
        (Newcombe, 1998); None where a mean isn't known.
    """
    if one.value is None or other.value is None:
        return None
    found = one.value - other.value
    if one.interval is None or other.interval is None:
        return found, None
    below = np.hypot(one.value - one.interval[0], other.interval[1] - other.value)
    above = np.hypot(one.interval[1] - one.value, other.value - other.interval[0])
    return found, (found - float(below), found + float(above))


def _wilson(value: float, size: float) -> tuple[float, float]:
    square = _Z**2 / size
    middle = (value + square / 2) / (1 + square)
    half = _Z / (1 + square) * (value * (1 - value) / size + square / (4 * size)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)
