"""Krippendorff's alpha: how far annotators agree, beyond what chance would give.

For nominal values (Krippendorff, 2011, Computing Krippendorff's Alpha-Reliability): 1 is full agreement, 0 what chance
gives, and below 0 there is less agreement than by chance. A unit that fewer than two annotators valued says nothing.
"""

from array import array

import numpy as np

from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.evaluation.statistics.resampling import LEAST_DOCUMENTS, LEVEL, resampled_sums

# What an annotator without a value has.
NO_VALUE = -1


class AlphaCounts:
    """What alpha is made of, document by document, so that documents can be resampled.

    Of each document is kept how many of its pairs agree and how often it has each value; nothing of its units.
    """

    def __init__(self) -> None:
        self._agreeing = array("d")
        self._sizes = array("i")
        self._values = array("i")
        self._counts = array("q")

    def __len__(self) -> int:
        """RETURNS (int): How many documents were added."""
        return len(self._agreeing)

    def add(self, values: np.ndarray) -> None:
        """Add a document.

        values (Ints2d): Of shape (annotators, units): the number of each unit's value, from 0, or NO_VALUE.
        """
        valued = (values != NO_VALUE).sum(axis=0)
        values, valued = values[:, valued >= 2], valued[valued >= 2]
        found = np.unique(values[values != NO_VALUE])
        counts = (
            np.stack([(values == value).sum(axis=0) for value in found]) if len(found) else np.zeros((0, 0))
        )
        agreeing = (counts * (counts - 1)).sum(axis=0) / (valued - 1) if len(found) else np.zeros(0)
        self._agreeing.append(float(agreeing.sum()))
        self._sizes.append(len(found))
        self._values.extend(found.tolist())
        self._counts.extend(counts.sum(axis=1).astype(int).tolist())

    def table(self) -> np.ndarray:
        """RETURNS (Floats2d): A row a document: how many pairs agree, then how often each value is there."""
        values, sizes = np.array(self._values, dtype=int), np.array(self._sizes, dtype=int)
        table = np.zeros((len(self), int(values.max(initial=-1)) + 2))
        table[:, 0] = self._agreeing
        table[np.repeat(np.arange(len(self)), sizes), values + 1] = self._counts
        return table

    def alpha(self) -> float | None:
        """RETURNS (float | None): Of all documents; None where there is nothing to compare, or one value alone."""
        found = float(_alpha(self.table().sum(axis=0)))
        return None if np.isnan(found) else found

    def interval(
        self, *, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
    ) -> list[float] | None:
        """Find how sure alpha is, by resampling documents.

        resamples (int): How many; 0 for no interval.
        seed (int): Of the random numbers.
        level (float): How often such an interval should hold the true value.
        RETURNS (list[float] | None): Lower and upper end; None where there are too few documents to tell.
        """
        if len(self) < LEAST_DOCUMENTS or not resamples:
            return None
        drawn = _alpha(resampled_sums(self.table(), resamples, seed))
        # A resample may have one value alone.
        drawn = drawn[~np.isnan(drawn)]
        if not len(drawn):
            return None
        return np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]).tolist()


def _alpha(sums: np.ndarray) -> np.ndarray:
    """Alpha of sums of rows, NaN where it isn't defined; along the last axis."""
    agreeing, totals = sums[..., 0], sums[..., 1:]
    count = totals.sum(axis=-1)
    expected = count**2 - (totals**2).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1.0 - (count - 1) * (count - agreeing) / expected, np.nan)
