"""Scores at random, and what is known of tag sequences, for the tests beside this file."""

import numpy as np

from spacy_ner_plus.models.decoding.tags import breaks_iob2
from spacy_ner_plus.models.ragged import Ragged


def random_scores(seed: int, length: int, n_labels: int) -> np.ndarray:
    # Few distinct values, so that ties come up too.
    return np.random.default_rng(seed).integers(1, 5, size=(length, 2 * n_labels + 1)).astype(float)


def is_valid(tags, n_labels: int) -> bool:
    """Whether one document's tags are IOB2."""
    return not breaks_iob2(Ragged.join([np.array(tags, dtype=int)]), n_labels).any()
