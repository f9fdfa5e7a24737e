"""Rows of many documents in one array."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Ragged:
    """The rows of a batch of documents, one document's after the other's.

    thinc's type of this name forgets how wide rows are where there are none.

    data (ndarray): Rows of all documents, of shape (rows, ...), such as logits of (tokens, n_tags).
    lengths (Ints1d): How many rows each document has, of shape (documents,).
    """

    data: np.ndarray
    lengths: np.ndarray

    @classmethod
    def join(cls, parts: Sequence[np.ndarray]) -> "Ragged":
        """RETURNS (Ragged): The rows of these documents, of which there is at least one."""
        return cls(np.concatenate(parts), np.array([len(part) for part in parts], dtype=np.int64))

    @cached_property
    def offsets(self) -> np.ndarray:
        """RETURNS (Ints1d): Where each document begins and, last, where all end: (documents + 1,)."""
        return np.concatenate(([0], np.cumsum(self.lengths)))

    def split(self) -> list[np.ndarray]:
        """RETURNS (list[ndarray]): The rows of each document."""
        return np.split(self.data, self.offsets[1:-1]) if len(self.lengths) else []
