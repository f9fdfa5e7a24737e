import numpy as np

from spacy_ner_plus.annotation.select.vectors import TILE, Vectors, VectorsOnDemand

VALUES = np.random.default_rng(0).standard_normal((3 * TILE + 7, 4)).astype(np.float32)


def test_vectors_are_read_as_they_were_added():
    vectors = Vectors(4, block=2 * TILE)
    for part in np.array_split(VALUES, 5):
        vectors.append(part)
    assert len(vectors) == len(VALUES)
    begins, tiles = zip(*vectors.tiles(), strict=True)
    assert begins == (0, TILE, 2 * TILE, 3 * TILE)
    assert np.array_equal(np.concatenate(tiles), VALUES)
    assert np.array_equal(vectors.take([5, 0, len(VALUES) - 1]), VALUES[[5, 0, -1]])
    vectors.append(VALUES[:2])
    assert np.array_equal(vectors.take([len(VALUES) + 1]), VALUES[1:2])


def test_vectors_on_demand_are_made_once_and_as_far_as_they_are_needed():
    asked = []

    def make(numbers):
        asked.extend(numbers)
        for some in np.array_split(numbers, 3):
            yield some.tolist(), VALUES[some]

    vectors = VectorsOnDemand(len(VALUES), make)
    assert np.array_equal(vectors.take([9, 2000, 9, 3]), VALUES[[9, 2000, 9, 3]])
    assert vectors.width == 4
    assert asked == [3, 9, 2000]
    assert np.array_equal(np.concatenate([tile for _, tile in vectors.tiles()]), VALUES)
    assert sorted(asked) == list(range(len(VALUES)))


def test_vectors_on_demand_know_their_width_before_any_is_needed():
    vectors = VectorsOnDemand(9, lambda numbers: iter([(numbers, VALUES[numbers])]))
    assert vectors.width == 4
