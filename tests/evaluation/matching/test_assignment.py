import time
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.matching.assignment import best_pairs

EDGES = st.dictionaries(
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.integers(0, 2), st.just(1), st.integers(0, 9)),
    max_size=9,
)


def worth(values):
    return tuple(map(sum, zip(*values, strict=True))) if values else (0, 0, 0)


def best_worth(graph):
    """The greatest sum, by trying all pairings."""
    golds = sorted({gold for gold, _ in graph})
    choices = [None] * len(golds) + sorted({predicted for _, predicted in graph})
    return max(
        worth([graph[pair] for pair in zip(golds, chosen, strict=True) if pair in graph])
        for chosen in permutations(choices, len(golds))
    )


@given(EDGES)
def test_assignment_finds_the_greatest_sum(graph):
    edges = list(graph)
    chosen = [edges[k] for k in best_pairs(edges, list(graph.values()))]
    assert len({gold for gold, _ in chosen}) == len({predicted for _, predicted in chosen}) == len(chosen)
    assert worth([graph[edge] for edge in chosen]) == best_worth(graph)


@given(EDGES, st.randoms())
def test_assignment_does_not_hang_on_the_order_of_the_edges(graph, random):
    edges = list(graph)
    shuffled = random.sample(edges, len(edges))
    chosen = {edges[k] for k in best_pairs(edges, [graph[edge] for edge in edges])}
    again = {shuffled[k] for k in best_pairs(shuffled, [graph[edge] for edge in shuffled])}
    assert worth([graph[edge] for edge in chosen]) == worth([graph[edge] for edge in again])


def test_assignment_is_not_greedy():
    # The best single pair would leave one gold entity alone.
    edges, values = [(0, 0), (0, 1), (1, 1)], [(2, 1), (2, 9), (2, 1)]
    assert [edges[k] for k in best_pairs(edges, values)] == [(0, 0), (1, 1)]


def test_assignment_of_equals_takes_the_first():
    assert best_pairs([(0, 1), (0, 0)], [(1,), (1,)]) == [1]
    square = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    chosen = [square[k] for k in best_pairs(square, [(1,)] * 6)]
    assert {gold for gold, _ in chosen} == {0, 1}


def test_assignment_of_a_large_part_is_fast_and_full():
    size = 300
    edges = [(i, j) for i in range(size) for j in range(size)]
    began = time.process_time()
    assert len(best_pairs(edges, [(2, 1, 1000)] * len(edges))) == size
    assert time.process_time() - began < 5
