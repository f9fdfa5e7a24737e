"""How probable it is that each of several rates is the highest, after what was observed of them.

Thompson sampling (Thompson 1933) draws from each posterior and takes the highest. What it takes is known without
drawing: the integral of one density times the distribution functions of the others.
"""

from collections.abc import Sequence

import numpy as np

# Nodes of each density on either side of its mode. They lie close where it is high, and ever wider apart beyond.
_NODES = 600
# Gauss-Legendre on each cell between nodes, exact for polynomials of degree 7.
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(4)
# Below, a sum of values is none: its logarithm would leave the range of floats.
_NOTHING = 1e-9


def probabilities_of_best(observed: Sequence[tuple[float, float]]) -> np.ndarray:
    """Find how probable it is that each rate is the highest, with the posteriors Beta(1 + sum, 1 + n - sum).

    They add up to 1, equal observations give equal ones, and any number of observations is fine: each density gets
    nodes by its own width, and is computed by its distance from its mode.

    observed (Sequence[tuple[float, float]]): Of each how many values there are, and their sum; each is from 0 to 1.
    RETURNS (Floats1d): Of shape (rates,).
    """
    if len(observed) == 1:
        return np.ones(1)
    nodes = np.unique(np.concatenate([_nodes(n, total) for n, total in observed]))
    inside = np.diff(nodes) / 2
    x = (nodes[:-1] + inside)[:, None] + inside[:, None] * _POINTS
    mass = np.stack([inside * (_density(x, n, total) @ _WEIGHTS) for n, total in observed])
    mass /= mass.sum(axis=1, keepdims=True)
    after = np.cumsum(mass, axis=1)
    before = after - mass
    # In a cell each distribution function is taken to grow evenly, so that ties are shared evenly, too. The degree is
    # that of the number of rates, for which so many points are exact.
    at, weights = np.polynomial.legendre.leggauss(len(observed) // 2 + 1)
    found = np.zeros(len(observed))
    for point, weight in zip((at + 1) / 2, weights / 2, strict=True):
        below = before + point * mass
        for k in range(len(observed)):
            others = np.delete(below, k, axis=0).prod(axis=0)
            found[k] += weight * float(mass[k] @ others)
    return found / found.sum()


def _nodes(n: float, total: float) -> np.ndarray:
    a, b = 1 + total, 1 + n - total
    width = np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    steps = width * np.sinh(np.linspace(0, np.arcsinh(1 / width), _NODES))
    mode = total / n if n else 0.5
    return np.clip(np.concatenate([mode - steps, mode + steps, [0.0, 1.0]]), 0, 1)


def _density(x: np.ndarray, n: float, total: float) -> np.ndarray:
    """RETURNS (Floats2d): The density, in relation to that at the mode."""
    if not n:
        return np.ones_like(x)
    up, down = (value if value > _NOTHING else 0.0 for value in (total, n - total))
    mode = up / (up + down)
    away = x - mode
    log = np.zeros_like(x)
    with np.errstate(divide="ignore"):
        if up:
            log += up * np.log1p(np.maximum(away / mode, -1.0))
        if down:
            log += down * np.log1p(np.maximum(-away / (1 - mode), -1.0))
    return np.exp(log)
