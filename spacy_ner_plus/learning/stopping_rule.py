"""When one variant is known to be better than all others, by what holds whenever one looks."""

from collections.abc import Sequence
from typing import Any

from spacy_ner_plus.evaluation.statistics.anytime import confidence_sequence, difference_interval, find_best
from spacy_ner_plus.llm.store.metrics import Metric

Ends = tuple[float, float]


class StoppingRule:
    """Takes values in the order of their answers, and decides once.

    Each text counts once, with the first answer to it: of a text that was seen before something is known already. A
    variant that was chosen and failed has the worst value there is.

    variants (Sequence[str]): All that were chosen.
    metric (Metric): One whose values are numbers.
    alpha (float): How probable a wrong decision is at most.
    reason (str): Why there is no rule; '' where there is one. May be given, where answers can't be compared.
    best (str | None): The variant that is better than all others; None while that isn't known.
    decided (int | None): After how many texts it was.
    texts (int): How many count.
    left_out (int): Answers about texts that had one before.
    """

    def __init__(self, variants: Sequence[str], metric: Metric, alpha: float, *, reason: str = ""):
        self._metric = metric
        self._alpha = alpha
        self._lower, self._upper = (0.0, 1.0) if metric.kind == "boolean" else (metric.lower, metric.upper)
        self._totals: dict[str, tuple[int, float]] = dict.fromkeys(variants, (0, 0.0))
        self._seen: set[str] = set()
        self.reason = reason
        if not reason and (self._lower is None or self._upper is None):
            self.reason = f"{metric.name} has no bounds, and without them no interval holds at any time"
        elif not reason and len(variants) < 2:
            self.reason = "one variant alone was chosen"
        self.best: str | None = None
        self.decided: int | None = None
        self.left_out = 0

    @property
    def texts(self) -> int:
        return len(self._seen)

    def add(self, text_hash: str, variant: str, value: float, *, failed: bool = False) -> None:
        """Take the value of an answer.

        text_hash (str): Of its text.
        variant (str): The one that was chosen.
        value (float): Of the metric.
        failed (bool): Whether the variant failed, and the value is another one's.
        """
        if self.reason:
            return
        if text_hash in self._seen:
            self.left_out += 1
            return
        self._seen.add(text_hash)
        n, total = self._totals[variant]
        scaled = 0.0 if failed else self._scaled(value)
        self._totals[variant] = n + 1, total + scaled
        if self.best is None:
            self.best = find_best(self._totals, self._alpha)
            self.decided = None if self.best is None else self.texts

    def _scaled(self, value: float) -> float:
        """RETURNS (float): A value as one from 0, the worst, to 1, the best."""
        share = (value - self._lower) / (self._upper - self._lower)
        return 1 - share if self._metric.optimize == "min" else share

    def interval(self, variant: str) -> Ends | None:
        """RETURNS (tuple[float, float] | None): An interval of a variant's mean; None without a rule."""
        if self.reason:
            return None
        low, high = confidence_sequence(*self._totals[variant], self._alpha)
        width = self._upper - self._lower
        if self._metric.optimize == "min":
            return self._upper - width * high, self._upper - width * low
        return self._lower + width * low, self._lower + width * high

    def difference(self, one: str, other: str) -> Ends | None:
        """RETURNS (tuple[float, float] | None): An interval of how much one mean is above another; None without a
        rule, or for one that was never chosen."""
        if self.reason or not {one, other} <= self._totals.keys():
            return None
        if self._metric.optimize == "min":
            one, other = other, one
        ends = difference_interval(self._totals[one], self._totals[other], self._alpha)
        low, high = ((self._upper - self._lower) * end for end in ends)
        return low, high

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): What it comes to, for JSON."""
        return {
            "metric": self._metric.name,
            "alpha": self._alpha,
            "reason": self.reason,
            "best": self.best,
            "decided": self.decided,
            "texts": self.texts,
            "left_out": self.left_out,
            "intervals": {name: self.interval(name) for name in self._totals},
        }
