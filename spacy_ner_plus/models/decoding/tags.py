"""IOB2 tags as numbers, and the entities that they mark.

With n labels there are 2n + 1 tags: O is 0, B- of every label 1 to n, I- of every label n + 1 to 2n. The
one rule of IOB2 is that I-X follows B-X or I-X.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.models.ragged import Ragged

# How much lower than O's the logits of a new label's tags begin, on every token: with a hundredth of O's
# probability they are never the best, and take nothing from the tags that are there.
NEW_TAG_MARGIN = math.log(100)


class Entities(NamedTuple):
    """Entities of a batch of documents, in order.

    starts (Ints1d): Index of each one's first token, in the whole batch.
    ends (Ints1d): Index after its last token.
    labels (Ints1d): Number of its label.
    """

    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray


def tag_names(labels: Sequence[str]) -> list[str]:
    """RETURNS (list[str]): The 2n + 1 tags of n labels, in the order of their numbers."""
    return ["O", *(f"B-{label}" for label in labels), *(f"I-{label}" for label in labels)]


def renumber_tags(n_before: int, n_after: int) -> list[int]:
    """Number tags again where labels are added after those that are there.

    n_before (int): How many tags there were.
    n_after (int): How many there are.
    RETURNS (list[int]): The new number of each tag that was there.
    """
    kept, labels = n_before // 2, n_after // 2
    return [*range(kept + 1), *range(labels + 1, labels + 1 + kept)]


def breaks_iob2(tags: Ragged, n_labels: int) -> np.ndarray:
    """Find where sequences break the rule of IOB2.

    tags (Ragged): Tag numbers of shape (tokens,).
    RETURNS (ndarray[bool]): Whether each token has an I- that continues no entity of its label.
    """
    flat = tags.data
    before = np.concatenate(([0], flat[:-1]))[: len(flat)]
    firsts = tags.offsets[:-1]
    before[firsts[firsts < len(flat)]] = 0
    return (flat > n_labels) & (before != flat) & (before != flat - n_labels)


def tags_to_entities(tags: Ragged, n_labels: int) -> Entities:
    """Read the entities of valid sequences.

    tags (Ragged): Tag numbers of shape (tokens,).
    """
    flat = tags.data
    starts = np.flatnonzero((flat >= 1) & (flat <= n_labels))
    # What ends an entity: a token that isn't inside, or the end of its document.
    stops = np.union1d(np.flatnonzero(flat <= n_labels), tags.offsets)
    ends = stops[np.searchsorted(stops, starts, side="right")]
    return Entities(starts, ends, flat[starts] - 1)
