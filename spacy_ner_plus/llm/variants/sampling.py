"""Which variant is asked about a text: how probable each is, and the choice by a number that hangs on the text."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.variants.best import probabilities_of_best
from spacy_ner_plus.llm.variants.settings import VariantSampling

if TYPE_CHECKING:
    from spacy_ner_plus.llm.store.feedback import Metric

_RESOLUTION = 2**53


def probabilities(
    sampling: VariantSampling,
    weights: Mapping[str, float],
    totals: Mapping[str, tuple[int, float]],
    metric: "Metric | None",
) -> dict[str, float]:
    """Find how probable it is that each variant is chosen.

    weights (Mapping[str, float]): By variant; those without a weight are never chosen, unless pinned.
    totals (Mapping[str, tuple[int, float]]): By variant how many values of the metric the store has, and their sum.
        Of a variant that isn't there it has none.
    metric (Metric | None): The metric, for its direction and bounds; None where the strategy needs none.
    RETURNS (dict[str, float]): By variant, in order. They add up to 1.
    RAISES (UserError): For a metric by which no one variant is better.
    """
    if sampling.strategy == "pinned":
        return {name: float(name == sampling.variant) for name in weights}
    if sampling.strategy == "weights":
        most = max(weights.values())  # so that no sum overflows
        whole = sum(weight / most for weight in weights.values())
        return {name: weight / most / whole for name, weight in weights.items()}
    chosen = [name for name, weight in weights.items() if weight > 0]
    scaled = [scale(*totals.get(name, (0, 0.0)), sampling.metric, metric) for name in chosen]
    best = dict(zip(chosen, probabilities_of_best(scaled), strict=True))
    left = max(1 - len(chosen) * sampling.floor, 0.0)
    return {name: sampling.floor + left * float(best[name]) if name in best else 0.0 for name in weights}


def scale(n: int, total: float, name: str, metric: "Metric | None") -> tuple[float, float]:
    """Scale values of a metric to those from 0, the worst, to 1, the best.

    n (int): How many there are.
    total (float): Their sum.
    name (str): The metric's, for messages.
    RETURNS (tuple[float, float]): How many there are, and the sum of what they are scaled to.
    RAISES (UserError): For a metric that has no such bounds.
    """
    lower, upper = check_metric(name, metric)
    share = min(max((total - n * lower) / (upper - lower), 0.0), float(n))
    return float(n), n - share if metric.optimize == "min" else share


def check_metric(name: str, metric: "Metric | None") -> tuple[float, float]:
    """RETURNS (tuple[float, float]): The bounds of a metric's values.

    RAISES (UserError): Where there is none of that name, or it has none.
    """
    if metric is None:
        raise UserError(Errors.E816.format(metric=name, reason="isn't declared in the store"))
    if metric.kind == "boolean":
        return 0.0, 1.0
    if metric.kind != "float":
        raise UserError(Errors.E816.format(metric=name, reason="has no numbers"))
    if metric.lower is None or metric.upper is None or not metric.lower < metric.upper:
        raise UserError(Errors.E816.format(metric=name, reason="has no bounds"))
    return metric.lower, metric.upper


def number_of(seed: int, episode: str, text_hash: str) -> float:
    """RETURNS (float): A number from 0 up to 1, which is the same for an episode and text in every process."""
    digest = hashlib.sha256(f"{seed}\0{episode}\0{text_hash}".encode("utf8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / _RESOLUTION


def sample(probabilities: Mapping[str, float], u: float) -> str:
    """Choose a variant.

    probabilities (Mapping[str, float]): By variant; they add up to 1.
    u (float): A number from 0 up to 1, evenly distributed.
    RETURNS (str): The variant; never one whose probability is 0.
    """
    last = ""
    for name, probability in probabilities.items():
        if probability > 0:
            last = name
            u -= probability
            if u < 0:
                break
    return last
