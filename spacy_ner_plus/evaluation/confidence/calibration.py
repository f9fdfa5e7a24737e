"""Whether scores can be trusted: of entities with probability 0.8, eight in ten should be right."""

from collections.abc import Sequence
from typing import Any

import numpy as np

BINS = 15


def reliability(scores: np.ndarray, right: np.ndarray, bins: int = BINS) -> dict[str, Any]:
    """Measure how far scores are from the share that is right.

    scores (Floats1d): Probabilities.
    right (ndarray[bool]): Whether each is right.
    bins (int): How many bins of equally many entities. Default 15.
    RETURNS (dict[str, Any]): `ece` (expected calibration error with equal-mass bins: Naeini et al.,
        2015; Nguyen and O'Connor, 2015), `brier`, `log_loss`, `entities`, mean `score`, `precision`,
        and `bins`, each with `count`, mean `score` and `precision`.
    """
    if not len(scores):
        return {"ece": None, "brier": None, "log_loss": None, "entities": 0, "bins": []}
    order = np.argsort(scores, kind="stable")
    rows = [part for part in np.array_split(order, bins) if len(part)]
    table = [
        {
            "count": len(part),
            "score": float(scores[part].mean()),
            "precision": float(right[part].mean()),
        }
        for part in rows
    ]
    ece = sum(row["count"] * abs(row["score"] - row["precision"]) for row in table) / len(scores)
    clipped = np.clip(scores, 1e-12, 1 - 1e-12)
    return {
        "ece": ece,
        "brier": float(((scores - right) ** 2).mean()),
        "log_loss": float(-np.log(np.where(right, clipped, 1 - clipped)).mean()),
        "entities": len(scores),
        "score": float(scores.mean()),
        "precision": float(right.mean()),
        "bins": table,
    }


def reliability_plot(curves: Sequence[tuple[str, dict[str, Any]]], title: str = "Reliability") -> str:
    """Draw how often entities of a score are right, as SVG.

    curves (Sequence[tuple[str, dict[str, Any]]]): Names, and what `reliability` gave for each.
    title (str): What stands above.
    RETURNS (str): An SVG image, 360 by 400 pixels.
    """
    from pathlib import Path

    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    return environment.get_template("reliability.jinja").render(
        title=title, curves=curves, colours=("#b3261e", "#1a73b8", "#2e7d32")
    )
