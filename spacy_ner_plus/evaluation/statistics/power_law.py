"""How a score grows with the training corpus: a power law, and how sure what it foretells is.

The share of errors falls as floor + scale * size ** -rate (Hestness et al., 2017, Deep Learning Scaling is Predictable;
Viering and Loog, 2022, The Shape of Learning Curves, on why a floor is fitted, too, and on how far not to trust it).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacy_ner_plus.evaluation.counting.counts import rates
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.evaluation.statistics.resampling import LEAST_DOCUMENTS, LEVEL, resampled_sums

# Fewer sizes than this fit any law.
LEAST_SIZES = 3
# What is tried: rates of learning from almost none to faster than any seen, floors as shares of the least error.
RATES = np.linspace(0.05, 1.5, 59)
FLOORS = np.linspace(0.0, 0.98, 50)
# Below this a pipeline has learnt nothing yet, and errors fall by no law.
LEAST_F1 = 0.02
_BLOCK = 200


@dataclass(frozen=True)
class PowerLaw:
    """The share of errors by the size of the training corpus.

    floor (float): What is left with any corpus.
    scale (float): What a corpus of size 1 would have more than that.
    rate (float): How fast it falls.
    """

    floor: float
    scale: float
    rate: float

    def f1(self, size: float) -> float:
        """RETURNS (float): What a corpus of this size gives, from 0 to 1."""
        return float(np.clip(1.0 - self.floor - self.scale * size**-self.rate, 0.0, 1.0))


@dataclass(frozen=True)
class Foretold:
    """What a corpus of a size would give.

    size (int): Of the corpus.
    f1 (float): By the law.
    interval (tuple[float, float]): Where a training on such a corpus would come, in 95 of 100 cases.
    """

    size: int
    f1: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class FittedCurve:
    """A law, and what it foretells.

    law (PowerLaw): Fitted to all trainings.
    foretold (list[Foretold]): For each size that was asked for.
    """

    law: PowerLaw
    foretold: list[Foretold]


def fit_curve(
    sizes: Sequence[int],
    runs: Sequence[np.ndarray],
    ahead: Sequence[int],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> FittedCurve | None:
    """Fit a power law to trainings on corpora of several sizes.

    The interval is of a bootstrap: the documents of the test corpus are resampled, the same for all trainings; each
    training varies by as much as trainings lie off the law, which counts both their seeds and that the law is none; and
    so does the training that is foretold.

    sizes (Sequence[int]): Size of each training's corpus.
    runs (Sequence[Ints2d]): Strict counts of each training on the same test documents, as `rates` takes them.
    ahead (Sequence[int]): For which sizes to foretell.
    resamples (int): How many.
    seed (int): Of the random numbers.
    level (float): How often the interval should hold the value.
    RETURNS (FittedCurve | None): None where there are fewer than 3 sizes at which something was learnt, no more
        trainings than a law has numbers, or fewer than 10 test documents.
    """
    scores = np.array([float(rates(run.sum(axis=0))[2]) for run in runs])
    learnt = np.flatnonzero(scores >= LEAST_F1)
    sizes_of = np.asarray(sizes, dtype=np.float64)[learnt]
    if len(set(sizes_of.tolist())) < LEAST_SIZES or len(learnt) < 4 or len(runs[0]) < LEAST_DOCUMENTS:
        return None
    errors = 1.0 - scores[learnt]
    floors, scales, rates_found = _fit(sizes_of, errors[None])
    law = PowerLaw(float(floors[0]), float(scales[0]), float(rates_found[0]))
    off = errors - (law.floor + law.scale * sizes_of**-law.rate)
    freedom = max(1, len(learnt) - 3)
    rng = np.random.default_rng(seed)
    # Few trainings say little of how much they vary: that is drawn, too.
    spread = np.sqrt((off @ off) / rng.chisquare(freedom, size=resamples))
    table = np.concatenate([runs[i] for i in learnt], axis=1)
    drawn = rates(resampled_sums(table, resamples, seed).reshape(resamples, len(learnt), -1))[:, :, 2]
    noisy = 1.0 - drawn + spread[:, None] * rng.standard_normal(drawn.shape)
    floors, scales, rates_found = _fit(sizes_of, np.clip(noisy, 1e-6, 1.0))
    foretold = []
    for size in ahead:
        found = 1.0 - floors - scales * float(size) ** -rates_found
        found = np.clip(found + spread * rng.standard_normal(resamples), 0.0, 1.0)
        low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2]).tolist()
        foretold.append(Foretold(int(size), law.f1(size), (low, high)))
    return FittedCurve(law, foretold)


def _fit(sizes: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit laws by least squares: all rates and floors are tried, and the scale follows from them.

    sizes (Floats1d): Of each training's corpus.
    errors (Floats2d): A row a law, a column a training.
    RETURNS (tuple[Floats1d, Floats1d, Floats1d]): Floor, scale and rate of each law.
    """
    # By the smallest size, so that no power is out of range.
    basis = (sizes / sizes.min())[None] ** -RATES[:, None]
    norms = (basis**2).sum(axis=1)
    best = [np.zeros(len(errors)) for _ in range(3)]
    for start in range(0, len(errors), _BLOCK):
        some = errors[start : start + _BLOCK]
        floors = some.min(axis=1)[:, None] * FLOORS
        left = some[:, None] - floors[:, :, None]
        products = left @ basis.T
        scales = np.maximum(products / norms, 0.0)
        # Of the sum of squares what depends on rate and floor.
        squares = (left**2).sum(axis=2)[:, :, None] - 2 * scales * products + scales**2 * norms
        chosen = squares.reshape(len(some), -1).argmin(axis=1)
        floor_at, rate_at = np.unravel_index(chosen, squares.shape[1:])
        rows = np.arange(len(some))
        rate = RATES[rate_at]
        stop = start + len(some)
        best[0][start:stop] = floors[rows, floor_at]
        best[1][start:stop] = scales[rows, floor_at, rate_at] * sizes.min() ** rate
        best[2][start:stop] = rate
    return best[0], best[1], best[2]
