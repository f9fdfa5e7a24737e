import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spacy_ner_plus.models.weight_average import likeness, mean_weights

FLOATS = arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32))


def weights(head, body):
    return {"head.weight": np.array(head, np.float32), "encoder.weight": np.array(body, np.float32)}


@given(st.lists(FLOATS, min_size=2, max_size=5))
def test_mean_lies_between_the_least_and_the_greatest(networks):
    mean = mean_weights([{"w": network} for network in networks])["w"]
    assert (mean >= np.min(networks, axis=0)).all()
    assert (mean <= np.max(networks, axis=0)).all()


@given(FLOATS, st.integers(2, 5))
def test_mean_of_equal_networks_is_that_network(network, count):
    np.testing.assert_array_equal(mean_weights([{"w": network}] * count)["w"], network)


@given(st.permutations([0.1, 0.25, 3.7e5, -3.6e5, 1e-8]))
def test_mean_does_not_depend_on_the_order(values):
    mean = mean_weights([{"w": np.array([value], np.float32)} for value in values])["w"]
    expected = mean_weights([{"w": np.array([value], np.float32)} for value in sorted(values)])["w"]
    np.testing.assert_array_equal(mean, expected)


def test_numbers_of_positions_are_not_averaged():
    positions = np.arange(4)
    mean = mean_weights([{"positions": positions}, {"positions": positions + 1}])
    np.testing.assert_array_equal(mean["positions"], positions)


def test_mean_leaves_what_it_was_made_of():
    one, other = np.zeros(3, np.float32), np.ones(3, np.float32)
    mean_weights([{"w": one}, {"w": other}])["w"][:] = 7
    np.testing.assert_array_equal(one, np.zeros(3))


def test_likeness_is_that_of_the_heads_where_these_are_the_furthest_apart():
    body = [[1, 2], [3, 4]]
    assert likeness([weights([[1, 0]], body), weights([[0, 1]], body)]) == pytest.approx(0)


def test_likeness_is_that_of_the_encoders_where_these_are_the_furthest_apart():
    head = [[1, 2]]
    assert likeness([weights(head, [[1, 1]]), weights(head, [[1, -1]])]) == pytest.approx(0)


def test_likeness_is_of_the_two_that_are_the_furthest_apart():
    body = [[1, 2], [3, 4]]
    three = [weights([[1, 0]], body), weights([[1, 0.1]], body), weights([[-1, 0]], body)]
    assert likeness(three) == pytest.approx(-1)


def test_likeness_of_the_same_is_one():
    network = weights([[1, 2]], [[3, 4]])
    assert likeness([network, network]) == pytest.approx(1)
