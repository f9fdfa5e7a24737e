import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.annotation.distil.average import average
from spacy_ner_plus.soft_tags import SoftTags


def teacher(*rows, labels=("PER",), weights=None, complete=True):
    weights = np.ones(len(rows)) if weights is None else np.array(weights)
    return SoftTags(labels, np.array(rows, dtype=float), weights, complete=complete)


def test_average_is_the_mean_of_those_who_say_something():
    found = average([teacher([0.2, 0.8, 0], [1, 0, 0]), teacher([0.6, 0.4, 0], [0, 1, 0], weights=[1, 0])])
    assert found.probs == pytest.approx(np.array([[0.4, 0.6, 0], [1, 0, 0]]))
    # One alone agrees with itself.
    assert found.weights[1] == 1


def test_average_weighs_tokens_by_agreement():
    sure, other = [1, 0, 0], [0, 1, 0]
    same = average([teacher(sure), teacher(sure), teacher(sure)])
    split = average([teacher(sure), teacher(sure), teacher(other)])
    apart = average([teacher(sure), teacher(other), teacher([0, 0, 1])])
    assert same.weights == pytest.approx([1])
    assert apart.weights == pytest.approx([0], abs=1e-3)
    # What they said is there for those who want it.
    assert apart.probs == pytest.approx(np.full((1, 3), 1 / 3))
    # 1 minus the entropy of a third as a share of that of three that differ.
    assert split.weights == pytest.approx([1 - 0.6365 / 1.0986], abs=1e-3)
    unsure = [0.5, 0.5, 0]
    assert average([teacher(unsure), teacher(unsure)]).weights == pytest.approx([1])


def test_average_goes_by_names_of_labels():
    one = teacher([0, 1, 0, 0, 0], labels=("LOC", "PER"))
    other = teacher([0, 0, 1, 0, 0], labels=("PER", "LOC"))
    found = average([one, other])
    assert found.labels == ("LOC", "PER")
    assert found.probs == pytest.approx(np.array([[0, 1, 0, 0, 0]]))


def test_average_has_no_vote_against_a_label_from_those_who_do_not_look_for_it():
    both = teacher([0.1, 0.8, 0.1, 0, 0], labels=("ORG", "PER"), complete=False)
    persons = teacher([0.9, 0.1, 0], labels=("PER",), complete=False)
    found = average([both, persons])
    # The O of the second is shared out as 1 to 8; its 0.1 of PER stays.
    assert found.probs == pytest.approx(np.array([[0.1, 0.8, 0.1, 0, 0]]))
    assert found.weights == pytest.approx([1])


def test_average_knows_no_o_where_a_label_is_left_that_nobody_looked_for():
    persons = teacher([1, 0, 0], [0.5, 0.5, 0], labels=("PER",), complete=False)
    places = teacher([1, 0, 0], [1, 0, 0], labels=("LOC",), complete=False, weights=[0, 0])
    found = average([persons, places])
    assert found.weights == pytest.approx([0, 0.5])
    assert found.probs == pytest.approx(np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0]]))


def test_average_of_teachers_who_look_for_one_label_each_has_both():
    persons = teacher([1, 0, 0], [0, 1, 0], [1, 0, 0], labels=("PER",), complete=False)
    places = teacher([0, 1, 0], [1, 0, 0], [1, 0, 0], labels=("LOC",), complete=False)
    found = average([persons, places])
    assert found.probs == pytest.approx(np.array([[0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 0, 0, 0]]))
    assert found.weights == pytest.approx([1, 1, 1])


@given(
    seed=st.integers(0, 10_000),
    labels=st.lists(st.sets(st.sampled_from("ABC")).map(sorted), min_size=1, max_size=4),
    complete=st.booleans(),
)
def test_average_is_made_of_probabilities(seed, labels, complete):
    rng = np.random.default_rng(seed)
    teachers = [
        SoftTags(
            tuple(known),
            rng.dirichlet(np.full(2 * len(known) + 1, 0.3), 6),
            rng.random(6) * (rng.random(6) < 0.7),
            complete=complete and i == 0,
        )
        for i, known in enumerate(labels)
    ]
    found = average(teachers)
    assert ((found.weights >= 0) & (found.weights <= 1 + 1e-9)).all()
    assert (found.probs >= 0).all()
    assert found.probs.sum(axis=1) == pytest.approx((found.weights > 0).astype(float))
    # The order of the teachers doesn't matter.
    again = average(teachers[::-1])
    assert again.probs == pytest.approx(found.probs)
    assert again.weights == pytest.approx(found.weights)
