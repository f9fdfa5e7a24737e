"""Which of several arms is best, looked at after each answer: intervals and a stopping rule that hold at any time.

An arm is whatever gives values in [0, 1] whose mean stays what it is, and its total is how many there are and what
they add up to. Which arm is asked next may hang on all that was seen before, as with Thompson sampling.

All of it rests on the beta mixture, M_n(t) = B(a + S, b + n - S) / (B(a, b) t^S (1 - t)^(n - S)) for n values of sum S:
the likelihood ratio of the mean t against all means p, mixed by Beta(a, b) (Robbins, 1970). Where t is the mean, its
expectation never grows. A value x multiplies the part of p by e^(hx) (1 - p) / (1 - t) with e^h = p (1 - t) / (t (1 -
p)), and as e^(hx) <= 1 - x + x e^h for x in [0, 1] (a chord of a convex function), the expectation of that is at most
(1 - t + t e^h) (1 - p) / (1 - t) = 1: for 0 and 1 exactly, and for any other values in between. So it reaches 1 / alpha
at any time with a probability of at most alpha (Ville, 1939), whenever one stops to look (Howard et al., 2021,
Time-uniform, nonparametric, nonasymptotic confidence sequences; Kaufmann and Koolen, 2021, Mixture martingales
revisited, who multiply those of several arms: an answer moves one factor alone, whichever arm was chosen).
"""

from collections.abc import Callable, Mapping
from math import inf, lgamma, log

from spacy_ner_plus.extras import from_extra

Total = tuple[int, float]
# The prior of the mixture: every mean is as likely, which is also what Thompson sampling begins with.
_A, _B = 1.0, 1.0
_QUANTILES = 200
_STEPS = 200
_WIDTH = 1e-9


def confidence_sequence(n: int, total: float, alpha: float = 0.05) -> tuple[float, float]:
    """Find an interval of an arm's mean that may be looked at after each value.

    n (int): How many values there are.
    total (float): What they add up to.
    alpha (float): How probable it is at most that the mean is outside at any time, ever.
    RETURNS (tuple[float, float]): The ends; (0, 1) where there is no value.
    """
    if not n:
        return 0.0, 1.0
    limit, mean = log(1 / alpha), _mean((n, total))
    evidence = _log_mixture((n, total))

    def is_inside(t: float) -> bool:
        return evidence - _log_likelihood((n, total), t) < limit

    return _end(is_inside, mean, 0.0), _end(is_inside, mean, 1.0)


def difference_interval(one: Total, other: Total, alpha: float = 0.05) -> tuple[float, float]:
    """Find an interval of how much higher one arm's mean is than another's, that may be looked at at any time.

    one (tuple[int, float]): How many values an arm has, and their sum.
    other (tuple[int, float]): Those of the other arm, of which no value hangs on one of the first.
    alpha (float): How probable it is at most that the difference is outside at any time.
    RETURNS (tuple[float, float]): The ends, within -1 and 1.
    """
    limit = log(1 / alpha)
    evidence = _log_mixture(one) + _log_mixture(other)

    def is_inside(difference: float) -> bool:
        return evidence - _best_likelihood(one, other, difference) < limit

    middle = _mean(one) - _mean(other)
    return _end(is_inside, middle, -1.0), _end(is_inside, middle, 1.0)


def log_evidence(one: Total, other: Total) -> float:
    """Say how much speaks against the other arm being at least as good as this one.

    It is the product of both mixtures, of which the means count where the first arm's is higher, at the means of the
    null hypothesis that explain the values best: both as they are where the other is as good, else one mean for both,
    since each likelihood has a single peak. It never exceeds what it is at the true means, so that it reaches
    log(1 / alpha) at any time with a probability of at most alpha: an e-process.

    one (tuple[int, float]): How many values the arm has, and their sum.
    other (tuple[int, float]): Those of the other.
    RETURNS (float): The natural logarithm of the evidence.
    """
    found = _log_product(one, other)
    # Twice that probability, since half of the prior is on either side.
    above = _probability_above(one, other)
    return found + log(2 * above) if above > 0 else -inf


def find_best(totals: Mapping[str, Total], alpha: float = 0.05) -> str | None:
    """Find the arm that is better than all others, or say that it isn't known yet.

    An arm is declared where the evidence against each other one being at least as good is K / alpha or more, with K
    arms: any of them could be declared wrongly.

    totals (Mapping[str, tuple[int, float]]): Of each arm how many values it has, in [0, 1], and their sum.
    alpha (float): How probable a wrong arm is at most, where this is asked after each value until one is declared; an
        arm is wrong, too, where another is just as good.
    RETURNS (str | None): The arm's name; None where none is declared, and where there are fewer than two.
    """
    if len(totals) < 2:
        return None
    limit = log(len(totals) / alpha)
    best = max(totals, key=lambda name: _mean(totals[name]))
    others = [total for name, total in totals.items() if name != best]
    # What counts of the product at most doubles it: where that is too little the rest needn't be found.
    if any(_log_product(totals[best], other) + log(2) < limit for other in others):
        return None
    return best if all(log_evidence(totals[best], other) >= limit for other in others) else None


def _log_product(one: Total, other: Total) -> float:
    if not one[0] or not other[0] or _mean(one) <= _mean(other):
        best = _log_likelihood(one, _mean(one)) + _log_likelihood(other, _mean(other))
    else:
        pooled = one[0] + other[0], one[1] + other[1]
        best = _log_likelihood(pooled, _mean(pooled))
    return _log_mixture(one) + _log_mixture(other) - best


def _probability_above(one: Total, other: Total) -> float:
    """RETURNS (float): How probable it is, after the values, that the first mean is higher."""
    with from_extra("evaluation"):
        from scipy.special import betainc, betaincinv
    import numpy as np

    (n, right), (m, others) = ((total[0], _mean(total) * total[0]) for total in (one, other))
    quantiles = betaincinv(_A + right, _B + n - right, (np.arange(_QUANTILES) + 0.5) / _QUANTILES)
    return float(betainc(_A + others, _B + m - others, quantiles).mean())


def _mean(total: Total) -> float:
    # Of rounding's own making a sum may be a little more than the count.
    return min(max(total[1] / total[0], 0.0), 1.0) if total[0] else 0.5


def _log_mixture(total: Total) -> float:
    n, right = total[0], _mean(total) * total[0]
    return _log_beta(_A + right, _B + n - right) - _log_beta(_A, _B)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _log_likelihood(total: Total, t: float) -> float:
    right = _mean(total) * total[0]
    found = 0.0
    for count, p in ((right, t), (total[0] - right, 1 - t)):
        if count:
            found += count * log(p) if p > 0 else -inf
    return found


def _best_likelihood(one: Total, other: Total, difference: float) -> float:
    """RETURNS (float): The highest likelihood of both arms where the first mean is this much higher."""
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    # The slope falls from one end to the other.
    for _ in range(_STEPS):
        if high - low < _WIDTH:
            break
        middle = (low + high) / 2
        if _slope(one, middle + difference) + _slope(other, middle) > 0:
            low = middle
        else:
            high = middle
    middle = (low + high) / 2
    first = min(max(middle + difference, 0.0), 1.0)
    return _log_likelihood(one, first) + _log_likelihood(other, middle)


def _slope(total: Total, t: float) -> float:
    right = _mean(total) * total[0]
    found = 0.0
    if right:
        found += right / t if t > 0 else inf
    if total[0] - right:
        found -= (total[0] - right) / (1 - t) if t < 1 else inf
    return found


def _end(is_inside: Callable[[float], bool], inside: float, limit: float) -> float:
    """RETURNS (float): Where an interval ends, between a value in it and how far it may reach."""
    if is_inside(limit):
        return limit
    outside = limit
    for _ in range(_STEPS):
        if abs(outside - inside) < _WIDTH:
            break
        middle = (inside + outside) / 2
        if is_inside(middle):
            inside = middle
        else:
            outside = middle
    # Outward, so that nothing that is inside is left out.
    return outside
