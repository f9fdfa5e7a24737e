"""Assignment: a pure function, held against all the ways there are on small inputs."""

from itertools import combinations, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.alignment import assignment
from spacy_ner_plus.alignment.assignment import (
    ORDERS,
    Placement,
    Request,
    assign,
    assign_all,
    assign_first,
    assign_shared,
)
from spacy_ner_plus.alignment.occurrences import Occurrence
from tests.alignment.work import count_calls

MANY = settings(max_examples=300, deadline=None)
OCCURRENCES = st.builds(
    lambda start, length: Occurrence(start, start + length), st.integers(0, 12), st.integers(1, 4)
)


@st.composite
def requests(draw, most=5, candidates=4):
    listed = []
    for number in range(draw(st.integers(0, most))):
        found = tuple(sorted(set(draw(st.lists(OCCURRENCES, max_size=candidates)))))
        length = max((o.end - o.start for o in found), default=1)
        listed.append(Request(number, draw(st.sampled_from("XY")), found, length))
    return listed


def disjoint(one, other):
    return one.end <= other.start or other.end <= one.start


def in_order(chain):
    """All ways to place requests in the order of the text."""
    for choice in product(*([None, *request.candidates] for request in chain)):
        placed = [occurrence for occurrence in choice if occurrence]
        if all(a.end <= b.start for a, b in pairwise(placed)):
            yield choice


@pytest.mark.parametrize("order", ORDERS)
@MANY
@given(listed=requests(), placed=st.lists(OCCURRENCES, max_size=1))
def test_assignment_gives_no_character_twice_and_leaves_no_request_that_has_a_free_place(
    order, listed, placed
):
    before = [Placement(-1, "X", occurrence) for occurrence in placed]
    after = assign(listed, before, order=order)
    by_number = {request.number: request for request in listed}
    assert len({placement.number for placement in after}) == len(after)
    for number, label, occurrence in after:
        assert occurrence in by_number[number].candidates
        assert label == by_number[number].label
    everything = [placement.occurrence for placement in [*before, *after]]
    assert all(disjoint(one, other) for one, other in combinations(everything, 2))
    if order != "text":
        left = by_number.keys() - {placement.number for placement in after}
        free = [o for number in left for o in by_number[number].candidates]
        assert all(any(not disjoint(o, other) for other in everything) for o in free)


@MANY
@given(requests())
def test_assignment_in_text_order_is_the_best_of_all_ways(listed):
    ways = list(in_order(listed))
    most = max(sum(map(bool, way)) for way in ways)
    first = assign(listed, order="text")
    last = assign(listed, order="text", latest=True)
    assert len(first) == len(last) == most
    assert [placement.number for placement in first] == [placement.number for placement in last]
    complete = [way for way in ways if all(way)]
    if complete:
        # Of occurrences that hold each other the inner one counts.
        earliest = min(complete, key=lambda way: [(o.end, -o.start) for o in way])
        latest = max(complete, key=lambda way: [(o.start, -o.end) for o in way[::-1]])
        assert [placement.occurrence for placement in first] == list(earliest)
        assert [placement.occurrence for placement in last] == list(latest)


@MANY
@given(requests(most=6, candidates=1))
def test_assignment_of_certain_mentions_goes_by_length(listed):
    expected = []
    for request in sorted(listed, key=lambda r: (-r.length, r.number)):
        for occurrence in request.candidates:
            if all(disjoint(occurrence, other.occurrence) for other in expected):
                expected.append(Placement(request.number, request.label, occurrence))
    assert sorted(assign(listed, order="none")) == sorted(expected)


@MANY
@given(
    st.lists(st.sampled_from("abcXYZ"), max_size=12).map("".join),
    st.lists(st.integers(0, 11), max_size=6, unique=True).map(sorted),
)
def test_assignment_by_label_gives_a_full_list_in_order_back(text, meant):
    meant = [at for at in meant if at < len(text)]
    names = {text[at] for at in meant}
    meant = [at for at in range(len(text)) if text[at] in names]
    listed = [
        Request(number, "X", tuple(Occurrence(i, i + 1) for i, c in enumerate(text) if c == text[at]), 1)
        for number, at in enumerate(meant)
    ]
    placed = sorted(assign(listed, order="label"))
    assert [placement.occurrence.start for placement in placed] == meant


def test_assignment_neighbours_in_a_list_choose_between_occurrences():
    rome = tuple(Occurrence(at, at + 4) for at in (0, 19, 33))
    listed = [
        Request(0, "LOC", (Occurrence(10, 14),), 4),
        Request(1, "LOC", rome, 4),
        Request(2, "LOC", (Occurrence(28, 32),), 4),
    ]
    assert {p.number: p.occurrence.start for p in assign(listed, order="label")}[1] == 19
    assert {p.number: p.occurrence.start for p in assign(listed, order="none")}[1] == 0


@MANY
@given(requests(), st.lists(OCCURRENCES, max_size=1))
def test_assignment_of_all_leaves_nothing_free(listed, placed):
    before = [Placement(-1, "X", occurrence) for occurrence in placed]
    everything = [placement.occurrence for placement in [*before, *assign_all(listed, before)]]
    assert all(disjoint(one, other) for one, other in combinations(everything, 2))
    free = [occurrence for request in listed for occurrence in request.candidates]
    assert all(any(not disjoint(occurrence, other) for other in everything) for occurrence in free)


@MANY
@given(requests(), st.lists(OCCURRENCES, max_size=1))
def test_assignment_of_the_first_free_occurrence_says_whether_it_is_the_only_one(listed, placed):
    taken, expected = list(placed), []
    for number, label, candidates, *_ in listed:
        free = [o for o in candidates if all(disjoint(o, other) for other in taken)]
        if free:
            taken.append(free[0])
            expected.append((Placement(number, label, free[0]), len(free) == 1))
    assert assign_first(listed, [Placement(-1, "X", occurrence) for occurrence in placed]) == expected


@MANY
@given(requests())
def test_assignment_of_shared_gives_a_label_no_occurrence_twice(listed):
    placed = assign_shared(listed)
    held = [(placement.label, placement.occurrence[:2]) for placement in placed]
    assert len(held) == len(set(held))
    for request in listed:
        if request.number not in {placement.number for placement in placed}:
            assert all((request.label, occurrence[:2]) in held for occurrence in request.candidates)


@MANY
@given(requests(most=8))
def test_assignment_in_text_order_of_too_many_candidates_is_in_order_too(listed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assignment, "_MOST_PAIRS", 1)
        placed = assign(listed, order="text")
    assert [p.number for p in placed] == sorted(p.number for p in placed)
    assert all(one.occurrence.end <= other.occurrence.start for one, other in pairwise(placed))
    for placement in placed:
        assert placement.occurrence in listed[placement.number].candidates
    assert placed or not any(request.candidates for request in listed)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("share", [0.5, 1, 2])
def test_assignment_of_one_mention_listed_without_end_takes_no_more_steps_for_each(order, share):
    def calls(n):
        found = tuple(Occurrence(2 * i, 2 * i + 1) for i in range(int(n * share)))
        listed = [Request(number, "X", found, 1) for number in range(n)]
        return count_calls(lambda: assign(listed, order=order))

    assert calls(800) < 26 * calls(100)
