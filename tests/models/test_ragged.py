import numpy as np

from spacy_ner_plus.models.ragged import Ragged


def test_ragged_splits_what_it_joined():
    parts = [np.ones((2, 3)), np.zeros((0, 3)), np.full((1, 3), 7.0)]
    ragged = Ragged.join(parts)
    assert ragged.offsets.tolist() == [0, 2, 2, 3]
    assert [part.tolist() for part in ragged.split()] == [part.tolist() for part in parts]


def test_ragged_without_rows_keeps_their_width():
    ragged = Ragged(np.zeros((0, 5)), np.zeros(2, dtype=int))
    assert [part.shape for part in ragged.split()] == [(0, 5), (0, 5)]
    assert Ragged(np.zeros((0, 5)), np.zeros(0, dtype=int)).split() == []
