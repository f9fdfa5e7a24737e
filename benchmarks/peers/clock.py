"""The time of a training, with the evaluations on dev apart from it."""

import time
from collections.abc import Callable
from typing import Any


class Clock:
    """Take the time of a training, and say when it is over.

    Peers evaluate as often as their recipes say, and some not at all; so that this
    makes no training look slow, its time is taken apart.

    limits (dict[str, Any]): `max_minutes` of training, evaluations not counted, and
        `max_steps`, to try whether a peer runs at all; None or absent for no limit.
    now (Callable): Gives the seconds; for tests.
    """

    def __init__(self, limits: dict[str, Any], now: Callable[[], float] = time.perf_counter):
        self._now = now
        self.max_minutes = limits.get("max_minutes")
        self.max_steps = limits.get("max_steps")
        self.steps = 0
        self.evaluating = 0.0
        self.curve: list[dict[str, float]] = []
        self.stopped_after: str | None = None
        self._began = now()
        self._paused: float | None = None
        self._ended: float | None = None

    def pause(self) -> None:
        """Begin an evaluation."""
        if self._paused is None:
            self._paused = self._now()

    def resume(self, f1: float | None = None) -> None:
        """End an evaluation.

        f1 (float): The F1 on dev, from 0 to 1, where there was one.
        """
        if f1 is not None:
            self.curve.append({"seconds": round(self.training(), 1), "f1": round(float(f1), 4)})
        if self._paused is not None:
            self.evaluating += self._now() - self._paused
            self._paused = None

    def training(self) -> float:
        """RETURNS (float): Seconds of training so far, evaluations left out."""
        until = next((at for at in (self._paused, self._ended) if at is not None), None)
        return (self._now() if until is None else until) - self._began - self.evaluating

    def over(self) -> bool:
        """RETURNS (bool): Whether a limit is reached; asked once a step, and kept in the report."""
        if self.max_minutes is not None and self.training() > self.max_minutes * 60:
            self.stopped_after = f"{self.max_minutes:g} minutes"
        elif self.max_steps is not None and self.steps >= self.max_steps:
            self.stopped_after = f"{self.max_steps} steps"
        self.steps += 1
        return self.stopped_after is not None

    def end(self) -> None:
        """End the training; what is saved or chosen afterwards isn't counted."""
        self.resume()
        self._ended = self._now()

    def report(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): Seconds, the curve of dev F1 by seconds of training, and
        what cut the recipe short, such as '60 minutes' (None where it ran to its end)."""
        return {
            "seconds": round(self.training(), 1),
            "seconds_evaluating": round(self.evaluating, 1),
            "curve": self.curve,
            "stopped_after": self.stopped_after,
        }
