"""What is made of the measurements: medians, ratios of the same round, means over seeds."""

import statistics
from collections.abc import Sequence
from typing import Any


def words_per_second(words: int, seconds: Sequence[float]) -> int:
    """RETURNS (int): The median over rounds."""
    return round(statistics.median(words / value for value in seconds))


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Compare two times, round by round, so that a noisy machine slows both.

    over (Sequence[float]): Seconds of each round.
    under (Sequence[float]): Seconds of the same rounds.
    RETURNS (float): The median of the ratios.
    RAISES (ValueError): Where there are not as many rounds of both.
    """
    return round(statistics.median(a / b for a, b in zip(over, under, strict=True)), 3)


def first_at(curve: Sequence[dict[str, float]], f1: float) -> float | None:
    """RETURNS (float | None): Seconds of training when dev F1 first was at least `f1`."""
    return next((point["seconds"] for point in curve if point["f1"] >= f1), None)


def over_seeds(values: Sequence[float]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): `mean`, `least`, `most` and how many there are (`seeds`)."""
    return {
        "mean": statistics.fmean(values),
        "least": min(values),
        "most": max(values),
        "seeds": len(values),
    }


def machine_and_time(result: dict[str, Any]) -> str:
    """RETURNS (str): The machine, and how long all of it took."""
    machine, seconds = result["machine"], result["seconds"]
    whole = "" if seconds is None else f"; {seconds / 60:.0f} minutes in all"
    note = f", {result['note']}" if result.get("note") else ""
    return f"{machine['hardware']}, {machine['threads']} threads{whole}{note}"
