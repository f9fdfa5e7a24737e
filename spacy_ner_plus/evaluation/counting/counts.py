"""Counts of gold beside predicted entities; rates are derived from them, and never stored or merged."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Counts:
    """What became of gold and predicted entities, in the terms of MUC-5 and SemEval-2013 task 9.1.

    correct (int): Pairs of a gold and a predicted entity that agree.
    incorrect (int): Pairs that don't.
    partial (int): Pairs that agree by half.
    missed (int): Gold entities without a partner.
    spurious (int): Predicted entities without a partner.
    """

    correct: int = 0
    incorrect: int = 0
    partial: int = 0
    missed: int = 0
    spurious: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(*(one + two for one, two in zip(self.as_tuple(), other.as_tuple(), strict=True)))

    def as_tuple(self) -> tuple[int, int, int, int, int]:
        """RETURNS (tuple[int, int, int, int, int]): In the order of FIELDS."""
        return self.correct, self.incorrect, self.partial, self.missed, self.spurious

    @property
    def possible(self) -> int:
        """RETURNS (int): Gold entities."""
        return self.correct + self.incorrect + self.partial + self.missed

    @property
    def actual(self) -> int:
        """RETURNS (int): Predicted entities."""
        return self.correct + self.incorrect + self.partial + self.spurious

    @property
    def precision(self) -> float:
        """RETURNS (float): Share of the predicted entities that is right; 0 where there are none."""
        return ratio(self.correct + self.partial / 2, self.actual)

    @property
    def recall(self) -> float:
        """RETURNS (float): Share of the gold entities that is found; 0 where there are none."""
        return ratio(self.correct + self.partial / 2, self.possible)

    @property
    def f1(self) -> float:
        """RETURNS (float): Harmonic mean of precision and recall; 0 where both are."""
        return ratio(2 * self.correct + self.partial, self.actual + self.possible)

    @property
    def accuracy(self) -> float:
        """RETURNS (float): correct / (correct + wrong + missed), where wrong is incorrect, partial or spurious."""
        return ratio(self.correct, sum(self.as_tuple()))

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): Rates, then counts."""
        rates = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        return {**rates, **{name: int(getattr(self, name)) for name in FIELDS}}


FIELDS = tuple(field.name for field in fields(Counts))
RATES = ("precision", "recall", "f1")


def ratio(part: float, whole: float) -> float:
    """RETURNS (float): The part of the whole; 0 where there is no whole."""
    return part / whole if whole else 0.0


def defined_rates(row: Mapping[str, Any], *, predicted: int, support: int) -> dict[str, float | None]:
    """Tell the rates of a label apart from those that aren't defined, which are 0 by convention.

    row (Mapping[str, Any]): `precision`, `recall` and `f1`.
    predicted (int): How many entities of the label were predicted.
    support (int): How many gold has.
    RETURNS (dict[str, float | None]): The rates; None for precision where nothing was predicted, and for recall and
        F1 where gold has none: whatever is predicted there, they could be nothing but 0.
    """
    known = {"precision": predicted, "recall": support, "f1": support}
    return {rate: row[rate] if count else None for rate, count in known.items()}


def total(table: np.ndarray) -> Counts:
    """Add up counts of documents.

    table (Ints2d): A row a document, with the columns FIELDS.
    RETURNS (Counts): Their sum.
    """
    return Counts(*(int(value) for value in table.sum(axis=0)))


def rates(counts: np.ndarray) -> np.ndarray:
    """Derive the rates of many counts at once.

    counts (ndarray): Any shape; the last axis has the columns FIELDS.
    RETURNS (ndarray): The same shape, but the last axis has precision, recall and F1.
    """
    correct, incorrect, partial, missed, spurious = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    credit = correct + partial / 2
    paired = correct + incorrect + partial
    wholes = (paired + spurious, paired + missed, 2 * paired + spurious + missed)
    parts = (credit, credit, 2 * credit)
    divided = [
        np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
        for part, whole in zip(parts, wholes, strict=True)
    ]
    return np.stack(divided, axis=-1)
