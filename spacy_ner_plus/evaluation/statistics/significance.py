"""Whether one pipeline is better than another: paired tests over the same documents."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spacy_ner_plus.evaluation.counting.counts import rates
from spacy_ner_plus.evaluation.defaults import RESAMPLES, ROUNDS
from spacy_ner_plus.evaluation.statistics.resampling import (
    BLOCK,
    LEAST_DOCUMENTS,
    LEVEL,
    resampled_means,
)

ALPHA = 0.05
# Sums that are equal differ by rounding.
TOLERANCE = 1e-12

Statistic = Callable[[np.ndarray], np.ndarray]


def f1_of(sums: np.ndarray) -> np.ndarray:
    """RETURNS (ndarray): F1 of summed counts, whose last axis has the columns FIELDS."""
    return rates(sums)[..., 2]


def mean_of(sums: np.ndarray) -> np.ndarray:
    """RETURNS (ndarray): Mean of summed numbers, whose last axis has the number, and 1 for what counts."""
    parts, wholes = sums[..., 0], sums[..., 1]
    return np.divide(parts, wholes, out=np.zeros_like(parts), where=wholes > 0)


def randomization_test(
    one: np.ndarray,
    other: np.ndarray,
    *,
    statistic: Statistic = f1_of,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> float:
    """Test whether two pipelines differ, by approximate randomization (Noreen, 1989; Yeh, 2000).

    If they don't, then which of them gave a document's counts is chance: they are swapped at random,
    and it is counted how often the difference gets as large as it is.

    one (ndarray): What one pipeline has for each document, a row each.
    other (ndarray): What the other has for the same documents.
    statistic (Callable): From sums of the rows to a score. Default: F1.
    rounds (int): How often is swapped.
    seed (int): Of the random numbers.
    RETURNS (float): p, two-sided, never below 1 / (rounds + 1).
    """
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    sums = one.sum(axis=0), other.sum(axis=0)
    seen = abs(statistic(sums[0]) - statistic(sums[1])) - TOLERANCE
    # Documents with the same counts stay the same when they are swapped.
    gaps = (other - one)[(one != other).any(axis=1)]
    if not len(gaps):
        return 1.0
    rng = np.random.default_rng(seed)
    rows = max(1, BLOCK // len(gaps))
    reached = 0
    for start in range(0, rounds, rows):
        count = min(rows, rounds - start)
        moved = rng.integers(0, 2, size=(count, len(gaps))).astype(np.float64) @ gaps
        reached += int((np.abs(statistic(sums[0] + moved) - statistic(sums[1] - moved)) >= seen).sum())
    return (reached + 1) / (rounds + 1)


def bootstrap_differences(
    ones: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
    *,
    statistic: Statistic = f1_of,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """Resample the difference between two pipelines: the same documents for both, and each one's trainings.

    ones (Sequence[ndarray]): What one pipeline has for each document, for each of its trainings.
    others (Sequence[ndarray]): The same of the other.
    statistic (Callable): From sums of the rows to a score. Default: F1.
    resamples (int): How many.
    seed (int): Of the random numbers.
    RETURNS (Floats1d): The differences of the means over trainings, one minus other.
    """
    one, other = (
        resampled_means(runs, statistic, resamples=resamples, seed=seed, stream=stream)
        for stream, runs in enumerate((ones, others))
    )
    return one - other


def compare_pair(
    ones: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
    *,
    statistic: Statistic = f1_of,
    resamples: int = RESAMPLES,
    rounds: int = ROUNDS,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Any]:
    """Compare two pipelines on the same documents.

    Of several trainings the scores are averaged and the counts added up; then the larger p of the
    two tests counts, since the randomization test knows nothing of chance between trainings.

    ones (Sequence[ndarray]): What one pipeline has for each document, for each of its trainings.
    others (Sequence[ndarray]): The same of the other.
    statistic (Callable): From sums of the rows to a score. Default: F1.
    resamples (int): For the interval.
    rounds (int): For the test.
    seed (int): Of the random numbers.
    level (float): Of the interval.
    RETURNS (dict[str, Any]): `difference` (one minus other); its `interval` by paired bootstrap;
        `p_randomization` and `p_bootstrap` (shifted to no difference, two-sided); and `p`, the one
        that counts. All but the difference are None where there are fewer than LEAST_DOCUMENTS documents.
    """
    scores = [np.mean([statistic(run.sum(axis=0)) for run in runs]) for runs in (ones, others)]
    difference = float(scores[0] - scores[1])
    if len(ones[0]) < LEAST_DOCUMENTS or not resamples:
        keys = ("interval", "p_randomization", "p_bootstrap", "p")
        return {"difference": difference, **dict.fromkeys(keys)}
    drawn = bootstrap_differences(ones, others, statistic=statistic, resamples=resamples, seed=seed)
    # Means, so that a pipeline with more trainings doesn't weigh more.
    pooled = [np.mean([np.asarray(run, dtype=np.float64) for run in runs], axis=0) for runs in (ones, others)]
    p = randomization_test(*pooled, statistic=statistic, rounds=rounds, seed=seed)
    shifted = np.abs(drawn - drawn.mean()) >= abs(difference) - TOLERANCE
    p_bootstrap = (int(shifted.sum()) + 1) / (len(drawn) + 1)
    several = len(ones) > 1 or len(others) > 1
    return {
        "difference": difference,
        "interval": np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]).tolist(),
        "p_randomization": p,
        "p_bootstrap": p_bootstrap,
        "p": max(p, p_bootstrap) if several else p,
    }


def holm(values: Sequence[float]) -> list[float]:
    """Correct p for several comparisons (Holm, 1979).

    values (Sequence[float]): p of each comparison.
    RETURNS (list[float]): Corrected p, in the same order.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected = [0.0] * len(values)
    highest = 0.0
    for rank, k in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - rank) * values[k]))
        corrected[k] = highest
    return corrected
