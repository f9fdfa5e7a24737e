"""One-to-one pairs of gold and predicted entities: the best ones there are, not the first."""

from collections import defaultdict
from collections.abc import Sequence
from math import prod

import numpy as np

from spacy_ner_plus.extras import from_extra

# Whole numbers up to here are exact in a float64, in which scipy computes.
EXACT = 2**53

Edge = tuple[int, int]
Value = tuple[int, ...]


def best_pairs(edges: Sequence[Edge], values: Sequence[Value]) -> list[int]:
    """Choose edges of a bipartite graph, each node at most once, so that the sum of their values is greatest.

    Values are compared as tuples are: the second number counts only among choices that are equal in
    the first, and so on. Of choices that are equal in everything, the one with the lower indices
    is taken: the order of the text decides, and not chance.

    Connected parts are solved one by one, by the Hungarian method (Kuhn, 1955) as scipy has it where
    a part isn't trivial. In parts of more than about a hundred nodes the last numbers of the values may
    not be looked at.

    edges (Sequence[tuple[int, int]]): Indices of a gold and of a predicted entity; none twice.
    values (Sequence[tuple[int, ...]]): What each edge is worth: whole numbers from 0, as many for each
        edge, and not all of them 0.
    RETURNS (list[int]): Indices of the chosen edges, ascending.
    """
    if len({gold for gold, _ in edges}) == len({predicted for _, predicted in edges}) == len(edges):
        # Nothing competes.
        return list(range(len(edges)))
    chosen = []
    for part in _connected(edges):
        if len(part) == 1:
            chosen += part
        elif len({edges[k][0] for k in part}) == 1 or len({edges[k][1] for k in part}) == 1:
            # A star: only one edge can be chosen.
            chosen.append(max(part, key=lambda k: (values[k], -edges[k][0], -edges[k][1])))
        else:
            chosen += _solve(part, edges, values)
    return sorted(chosen)


def _connected(edges: Sequence[Edge]) -> list[list[int]]:
    """The connected parts of the graph, each as indices of its edges."""
    roots: dict[tuple[int, int], tuple[int, int]] = {}

    def root(node: tuple[int, int]) -> tuple[int, int]:
        path = []
        while (parent := roots.setdefault(node, node)) != node:
            path.append(node)
            node = parent
        for passed in path:
            roots[passed] = node
        return node

    for gold, predicted in edges:
        roots[root((0, gold))] = root((1, predicted))
    parts = defaultdict(list)
    for k, (gold, _) in enumerate(edges):
        parts[root((0, gold))].append(k)
    return list(parts.values())


def _solve(part: Sequence[int], edges: Sequence[Edge], values: Sequence[Value]) -> list[int]:
    with from_extra("evaluation"):
        from scipy.optimize import linear_sum_assignment

    rows = {gold: row for row, gold in enumerate(sorted({edges[k][0] for k in part}))}
    columns = {predicted: column for column, predicted in enumerate(sorted({edges[k][1] for k in part}))}
    nodes = len(rows) + len(columns)
    # The last number lets the order of the text decide.
    full = {k: (*values[k], nodes - rows[edges[k][0]] - columns[edges[k][1]]) for k in part}
    weights = _weights(full, min(len(rows), len(columns)))
    worth = np.zeros((len(rows), len(columns)))
    at = {}
    for k in part:
        row, column = rows[edges[k][0]], columns[edges[k][1]]
        worth[row, column] = weights[k]
        at[row, column] = k
    pairs = zip(*linear_sum_assignment(worth, maximize=True), strict=True)
    return [at[pair] for row, column in pairs if (pair := (int(row), int(column))) in at]


def _weights(values: dict[int, Value], most: int) -> dict[int, float]:
    """Write tuples as single numbers whose sums, of at most `most`, compare as sums of tuples do."""
    bases = [most * max(numbers) + 1 for numbers in zip(*values.values(), strict=True)]
    while len(bases) > 1 and prod(bases) > EXACT:
        bases.pop()
    weights = {}
    for k, numbers in values.items():
        weight = 0
        for number, base in zip(numbers, bases, strict=False):
            weight = weight * base + number
        weights[k] = float(weight)
    return weights
