"""The account of losses: what it counts, keeps as an example, and adds up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.issues import Losses

EVENTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.text(max_size=3), st.integers(1, 5)), max_size=20
)


def account(events):
    losses = Losses()
    for kind, example, count in events:
        losses.add(kind, example, f"f:{example}", count)
    return losses


@given(EVENTS)
def test_losses_count_each_kind_and_keep_its_first_example(events):
    losses = account(events)
    counts = Counter()
    for kind, _, count in events:
        counts[kind] += count
    assert {kind: loss.count for kind, loss in losses} == counts
    assert len(losses) == counts.total()
    for kind, loss in losses:
        first = next(example for name, example, _ in events if name == kind)
        assert (loss.example, loss.where) == (first, f"f:{first}")
    assert [kind for kind, _ in losses] == list(dict.fromkeys(kind for kind, _, _ in events))


@given(EVENTS, EVENTS)
def test_losses_merge_as_if_they_had_been_added_one_after_the_other(first, second):
    one, other = account(first), account(second)
    one.merge(other)
    assert one == account(first + second)
    assert other == account(second)


def test_losses_that_were_merged_stay_apart():
    one, other = Losses(), account([("a", "x", 1)])
    one.merge(other)
    one.add("a", "y")
    assert other["a"] == 1


def test_losses_of_a_kind_that_never_happened_are_none():
    losses = Losses()
    assert losses["a"] == 0
    assert len(losses) == 0
    assert not losses.kinds


def test_losses_without_a_count_are_one():
    losses = Losses()
    losses.add("a", "x")
    losses.add("a", "y")
    assert losses["a"] == 2
