"""The account of issues: what it counts, keeps as an example, and adds up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.issues import IssueLog

EVENTS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.text(max_size=3), st.integers(1, 5)), max_size=20
)


def account(events):
    issues = IssueLog()
    for kind, example, count in events:
        issues.add(kind, example, f"f:{example}", count)
    return issues


@given(EVENTS)
def test_losses_count_each_kind_and_keep_its_first_example(events):
    issues = account(events)
    counts = Counter()
    for kind, _, count in events:
        counts[kind] += count
    assert {kind: issue.count for kind, issue in issues} == counts
    assert len(issues) == counts.total()
    for kind, issue in issues:
        first = next(example for name, example, _ in events if name == kind)
        assert (issue.example, issue.where) == (first, f"f:{first}")
    assert [kind for kind, _ in issues] == list(dict.fromkeys(kind for kind, _, _ in events))


@given(EVENTS, EVENTS)
def test_losses_merge_as_if_they_had_been_added_one_after_the_other(first, second):
    one, other = account(first), account(second)
    one.merge(other)
    assert one == account(first + second)
    assert other == account(second)


def test_losses_that_were_merged_stay_apart():
    one, other = IssueLog(), account([("a", "x", 1)])
    one.merge(other)
    one.add("a", "y")
    assert other["a"] == 1


def test_losses_of_a_kind_that_never_happened_are_none():
    issues = IssueLog()
    assert issues["a"] == 0
    assert len(issues) == 0
    assert not issues.kinds


def test_losses_without_a_count_are_one():
    issues = IssueLog()
    issues.add("a", "x")
    issues.add("a", "y")
    assert issues["a"] == 2
