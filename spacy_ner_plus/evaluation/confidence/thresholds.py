"""What scores are good for: which entities to trust, and where to cut."""

from typing import Any

import numpy as np

# Points of a curve that are kept; between them it is a line in a drawing.
POINTS = 100


def risk_coverage(scores: np.ndarray, right: np.ndarray, points: int = POINTS) -> dict[str, Any]:
    """Measure how many of the entities are wrong if only those with the highest scores are trusted.

    Selective risk over coverage, and the area under it (Geifman and El-Yaniv, 2017; Geifman et al., 2019).
    Entities with the same score are trusted together, so that their order doesn't matter.

    scores (Floats1d): Scores; only their order counts.
    right (ndarray[bool]): Whether each is right.
    points (int): How many points of the curve are kept at most.
    RETURNS (dict[str, Any]): `aurc`, the mean risk over all coverages (0 is best); `aurc_best`, what an order
        with all wrong ones last would have; and `curve` with columns `coverage`, `risk` and `score`, the lowest
        one that is trusted. All are None where there are no entities.
    """
    if not len(scores):
        return {"aurc": None, "aurc_best": None, "curve": None}
    kept, wrong, lowest = _by_score(scores, ~np.asarray(right, dtype=bool))
    ranks = np.arange(1, len(scores) + 1)
    # Within a tie the wrong ones are spread evenly, which is their expectation.
    spread = np.interp(ranks, np.concatenate([[0], kept]), np.concatenate([[0], wrong]))
    best = np.maximum(0, ranks - (len(scores) - wrong[-1]))
    at = _thinned(len(kept), points)
    return {
        "aurc": float((spread / ranks).mean()),
        "aurc_best": float((best / ranks).mean()),
        "curve": {
            "coverage": (kept[at] / len(scores)).tolist(),
            "risk": (wrong[at] / kept[at]).tolist(),
            "score": lowest[at].tolist(),
        },
    }


def threshold_curve(
    scores: np.ndarray,
    right: np.ndarray,
    support: int,
    *,
    unscored: int = 0,
    unscored_right: int = 0,
    points: int = POINTS,
) -> dict[str, Any]:
    """Follow precision, recall and F1 while the least score that an entity needs moves from high to low.

    scores (Floats1d): Scores of the predicted entities.
    right (ndarray[bool]): Whether each is right.
    support (int): How many gold entities there are.
    unscored (int): Predicted entities without a score, which no threshold takes away.
    unscored_right (int): How many of those are right.
    points (int): How many points of the curve are kept at most; `best` is chosen among all.
    RETURNS (dict[str, Any]): `curve` with columns `threshold`, `precision`, `recall` and `f1`, and `best`:
        the threshold with the highest F1, the lowest if there are several. Both None where there are no scores.
        It is chosen on this very corpus; a threshold to use is chosen on a development set.
    """
    if not len(scores):
        return {"curve": None, "best": None}
    kept, found, lowest = _by_score(scores, np.asarray(right, dtype=bool))
    found, kept = found + unscored_right, kept + unscored
    columns = {
        "threshold": lowest,
        "precision": found / kept,
        "recall": found / support if support else np.zeros(len(found)),
        "f1": 2 * found / (kept + support),
    }
    # The last of equals, since scores fall.
    best = len(kept) - 1 - int(columns["f1"][::-1].argmax())
    at = _thinned(len(kept), points, always=best)
    return {
        "curve": {name: column[at].tolist() for name, column in columns.items()},
        "best": {name: float(column[best]) for name, column in columns.items()},
    }


def _by_score(scores: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each score that occurs, falling: how many have at least it, how many of those count, and it."""
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    return last + 1, np.cumsum(counted[order])[last], falling[last]


def _thinned(length: int, points: int, always: int | None = None) -> np.ndarray:
    """Indices spread over all, with the first and the last."""
    at = np.unique(np.linspace(0, length - 1, min(length, points)).round().astype(int))
    return at if always is None else np.union1d(at, [always])
