import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy import registry

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.entity_vote.ballot import Answer, ScoredSpan
from spacy_ner_plus.pipeline.entity_vote.decision import decide
from spacy_ner_plus.pipeline.entity_vote.policies import (
    intersection_v1,
    majority_v1,
    union_v1,
    weighted_v1,
)

NAMES = ["a", "b", "c"]
LENGTH = 8


def answer(*spans, missing=(), labels=None):
    nothing = np.zeros(LENGTH, dtype=bool)
    nothing[list(missing)] = True
    return Answer([ScoredSpan(*span) for span in spans], nothing, labels and frozenset(labels))


def outcome(policy, *answers, keep=0.0):
    """What is kept, with its score, and the tokens that are missing."""
    found = decide(answers, NAMES[: len(answers)], policy, keep=keep)
    kept = [
        (candidate.start, candidate.end, candidate.label, round(score, 3))
        for candidate, score, is_kept in zip(found.candidates, found.scores, found.kept, strict=True)
        if is_kept
    ]
    return kept, np.flatnonzero(found.missing).tolist()


PER = (0, 2, "PER")


def test_policies_majority_keeps_what_more_than_half_name():
    two_of_three = (answer(PER), answer((*PER, 0.8)), answer())
    assert outcome(majority_v1(), *two_of_three) == ([(*PER, 0.6)], [])
    assert outcome(majority_v1(), *two_of_three, keep=0.7) == ([], [0, 1])
    # One of two is no majority, and no O either.
    assert outcome(majority_v1(), answer(PER), answer()) == ([], [0, 1])


def test_policies_majority_of_spans_with_other_bounds():
    found = outcome(majority_v1(), answer(PER), answer(PER), answer((0, 3, "ORG")))
    assert found == ([(*PER, 0.667)], [2])


def test_policies_union_keeps_what_any_names_from_its_floor():
    assert outcome(union_v1(), answer((*PER, 0.4)), answer((4, 5, "LOC"))) == (
        [(*PER, 0.4), (4, 5, "LOC", 1.0)],
        [],
    )
    assert outcome(union_v1(floor=0.5), answer((*PER, 0.4)), answer((4, 5, "LOC"))) == (
        [(4, 5, "LOC", 1.0)],
        [0, 1],
    )


def test_policies_union_decides_nothing_where_spans_cross():
    found = outcome(union_v1(), answer((0, 5, "ORG", 0.9)), answer((*PER, 0.9), (4, 6, "LOC", 1.0)))
    assert found == ([], [0, 1, 2, 3, 4, 5])
    # What is below the floor crosses nothing.
    found = outcome(union_v1(floor=0.5), answer((0, 5, "ORG", 0.4)), answer((*PER, 0.9)))
    assert found == ([(*PER, 0.9)], [2, 3, 4])


def test_policies_intersection_keeps_what_all_name_with_the_lowest_score():
    assert outcome(intersection_v1(), answer((*PER, 0.9)), answer((*PER, 0.7))) == ([(*PER, 0.7)], [])
    assert outcome(intersection_v1(), answer(PER), answer((0, 2, "ORG"))) == ([], [0, 1])


def test_policies_weighted_follows_the_precision_of_each_label():
    weights = {"a": {"PER": 0.9, "LOC": 0.2}, "b": {"PER": 0.3, "LOC": 0.8}}
    loc = (4, 5, "LOC")
    assert outcome(weighted_v1(weights), answer(PER), answer(loc)) == ([(*PER, 0.75), (*loc, 0.8)], [])
    assert outcome(weighted_v1(weights), answer(loc), answer(PER)) == ([], [0, 1, 4])


def test_policies_weighted_keeps_nothing_of_one_that_is_mostly_wrong():
    assert outcome(weighted_v1({"a": {"PER": 0.2}}), answer(PER)) == ([], [0, 1])


@pytest.mark.parametrize(
    ("weights", "code"),
    [({"a": {"PER": 2}}, "E654"), (["PER"], "E652"), ({"a": 0.5}, "E652"), ({"other": {"PER": 0.5}}, "E653")],
)
def test_policies_weighted_refuses_weights_that_are_none(weights, code):
    with pytest.raises(UserError, match=code):
        outcome(weighted_v1(weights), answer(PER))


@pytest.mark.parametrize("floor", [-0.1, 1.1, "0.5", True, float("nan")])
def test_policies_union_refuses_floors_that_are_none(floor):
    with pytest.raises(UserError, match="E654"):
        union_v1(floor=floor)


def test_policies_abstention_is_no_vote():
    silent = answer(missing=range(LENGTH))
    assert outcome(majority_v1(), answer(PER), silent) == ([(*PER, 1.0)], [])
    assert outcome(intersection_v1(), answer(PER), silent, answer(PER)) == ([(*PER, 1.0)], [])
    # What nobody says anything about isn't O.
    assert outcome(majority_v1(), answer(missing=[3]), answer(missing=[3, 4])) == ([], [3])


def test_policies_a_part_that_is_missing_is_no_vote_either():
    assert outcome(majority_v1(), answer(PER), answer(missing=[1])) == ([(*PER, 1.0)], [])
    # But one that names something else there has its say.
    assert outcome(majority_v1(), answer(PER), answer((0, 1, "ORG"), missing=[1])) == ([], [0, 1])


def test_policies_an_annotator_that_does_not_look_for_a_label_has_no_say():
    rules = answer((4, 5, "ORG"), labels=["ORG"])
    assert outcome(majority_v1(), answer(PER, (4, 5, "ORG"), labels=["ORG", "PER"]), rules) == (
        [(*PER, 1.0), (4, 5, "ORG", 1.0)],
        [],
    )


def test_policies_what_was_not_looked_for_is_not_o():
    silent = answer(labels=["ORG", "PER"], missing=range(LENGTH))
    # The rules say that nothing is an ORG, and nobody whether something is a PER.
    assert outcome(majority_v1(), silent, answer(labels=["ORG"])) == ([], list(range(LENGTH)))
    assert outcome(majority_v1(), answer(labels=["PER"]), answer(labels=["ORG"])) == ([], [])


@pytest.mark.parametrize("policy", ["union", "majority", "intersection"])
def test_policies_of_one_annotator_keep_what_it_says(policy):
    made = registry.misc.get(f"spacy_ner_plus.{policy}.v1")()
    spans = [(*PER, 0.4), (5, 6, "LOC", 0.9)]
    assert outcome(made, answer(*spans)) == (spans, [])
    assert outcome(made, answer(*spans), keep=0.5) == (spans[1:], [0, 1])


spans = st.lists(
    st.tuples(
        st.integers(0, LENGTH - 1), st.integers(1, 3), st.sampled_from("XY"), st.sampled_from([0.2, 0.6, 1.0])
    ),
    max_size=4,
)


@st.composite
def answers(draw):
    found, end = [], 0
    for start, length, label, score in sorted(draw(spans)):
        if start >= end and start + length <= LENGTH:
            found.append((start, start + length, label, score))
            end = start + length
    taken = {i for start, stop, *_ in found for i in range(start, stop)}
    missing = draw(st.sets(st.integers(0, LENGTH - 1))) - taken
    return answer(*found, missing=missing, labels=draw(st.sampled_from([None, ["X", "Y"]])))


@given(st.lists(answers(), min_size=1, max_size=3), st.sampled_from([0.0, 0.5]))
def test_policies_leave_every_token_entity_missing_or_agreed_to_be_o(given_answers, keep):
    weights = {name: {"X": 0.9, "Y": 0.4} for name in NAMES}
    for policy in (union_v1(), union_v1(0.5), majority_v1(), weighted_v1(weights), intersection_v1()):
        kept, missing = outcome(policy, *given_answers, keep=keep)
        inside = [i for start, end, *_ in kept for i in range(start, end)]
        assert len(inside) == len(set(inside))
        named = {i for one in given_answers for span in one.spans for i in range(span.start, span.end)}
        silent = {i for i in range(LENGTH) if all(one.missing[i] for one in given_answers)}
        assert set(missing) == (named | silent) - set(inside)
