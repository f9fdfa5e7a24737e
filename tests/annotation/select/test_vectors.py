import numpy as np

from spacy_ner_plus.annotation.select.vectors import TILE, Vectors


def test_vectors_are_read_as_they_were_added():
    values = np.random.default_rng(0).standard_normal((3 * TILE + 7, 4)).astype(np.float32)
    vectors = Vectors(4, block=2 * TILE)
    for part in np.array_split(values, 5):
        vectors.append(part)
    assert len(vectors) == len(values)
    begins, tiles = zip(*vectors.tiles(), strict=True)
    assert begins == (0, TILE, 2 * TILE, 3 * TILE)
    assert np.array_equal(np.concatenate(tiles), values)
    assert np.array_equal(vectors.take([5, 0, len(values) - 1]), values[[5, 0, -1]])
    vectors.append(values[:2])
    assert np.array_equal(vectors.take([len(values) + 1]), values[1:2])
