"""A learning curve: trainings on more and more of a corpus, and whether more annotation would pay."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.counts import rates
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.evaluation.statistics.power_law import fit_curve

# What is foretold: a corpus so many times as large.
AHEAD = (2, 4)
# A wider interval says nothing of what more annotation would bring.
WIDE = 0.1
NOT_ENOUGH = "not enough data"
# The smallest corpus of a curve.
LEAST_SIZE = 2


@dataclass(frozen=True)
class Point:
    """A training of a curve.

    size (int): How many documents it learnt from.
    seed (int): Which these were, in which order, and how the network began.
    counts (list[list[int]]): Strict counts of the test documents, a row each, with the columns FIELDS.
    seconds (float): How long it took.
    """

    size: int
    seed: int
    counts: list[list[int]] = field(repr=False)
    seconds: float = 0.0

    @property
    def f1(self) -> float:
        """RETURNS (float): On all test documents."""
        return float(rates(np.array(self.counts).sum(axis=0))[2])


def curve_sizes(documents: int, count: int) -> list[int]:
    """Choose sizes: the whole corpus, half of it, and so on.

    RETURNS (list[int]): The smallest first.
    RAISES (UserError): Where the corpus has too few documents.
    """
    sizes = [round(documents / 2**k) for k in reversed(range(count))]
    if sizes[0] < LEAST_SIZE:
        raise UserError(
            Errors.E764.format(documents=documents, sizes=count, least=LEAST_SIZE * 2 ** (count - 1))
        )
    return sizes


def curve_subset(documents: int, size: int, seed: int) -> list[int]:
    """Choose documents of a corpus; with the same seed, more of them hold all of fewer.

    RETURNS (list[int]): Their numbers.
    """
    order = list(range(documents))
    random.Random(seed).shuffle(order)
    return sorted(order[:size])


def describe_curve(
    points: Sequence[Point],
    documents: int,
    *,
    ahead: Sequence[int] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit a power law to a curve, and say what it foretells.

    points (Sequence[Point]): All trainings.
    documents (int): How many documents there are to learn from.
    ahead (Sequence[int]): Sizes to foretell. Default: twice and four times as many documents.
    resamples (int): Of the bootstrap.
    seed (int): Of the random numbers.
    RETURNS (dict[str, Any]): `points`; by size the mean F1 (`sizes`); `law` with floor, scale and rate, None where none
        can be fitted; `ahead`: of each size `documents`, `f1` and `interval`, and `enough`, whether the interval is
        narrow enough to say something; and `verdict`, in words.
    """
    ahead = [documents * times for times in AHEAD] if ahead is None else list(ahead)
    by_size: dict[int, list[Point]] = {}
    for point in sorted(points, key=lambda point: (point.size, point.seed)):
        by_size.setdefault(point.size, []).append(point)
    fitted = None
    if points:
        runs = [np.array(point.counts) for point in points]
        fitted = fit_curve([point.size for point in points], runs, ahead, resamples=resamples, seed=seed)
    foretold = (
        []
        if fitted is None
        else [
            {
                "documents": one.size,
                "f1": round(one.f1, 4),
                "interval": [round(end, 4) for end in one.interval],
                "enough": one.interval[1] - one.interval[0] <= WIDE,
            }
            for one in fitted.foretold
        ]
    )
    law = (
        None
        if fitted is None
        else {
            "floor": round(fitted.law.floor, 5),
            "scale": round(fitted.law.scale, 5),
            "rate": round(fitted.law.rate, 4),
        }
    )
    return {
        "documents": documents,
        "sizes": [
            {
                "documents": size,
                "f1": round(float(np.mean([one.f1 for one in some])), 4),
                "trainings": len(some),
            }
            for size, some in by_size.items()
        ],
        "points": [
            {
                "documents": one.size,
                "seed": one.seed,
                "f1": round(one.f1, 4),
                "seconds": round(one.seconds, 1),
            }
            for some in by_size.values()
            for one in some
        ],
        "law": law,
        "ahead": foretold,
        "verdict": _verdict(foretold, documents, points),
    }


def _verdict(foretold: Sequence[dict[str, Any]], documents: int, points: Sequence[Point]) -> str:
    known = [one for one in foretold if one["enough"]]
    if not known:
        return NOT_ENOUGH
    now = [point.f1 for point in points if point.size == max(point.size for point in points)]
    first, f1 = known[0], float(np.mean(now))
    low, high = first["interval"]
    return (
        f"{first['documents']:,} documents in place of {documents:,} give an F1 of {100 * low:.1f} to "
        f"{100 * high:.1f}, where it is {100 * f1:.1f} now"
    )
