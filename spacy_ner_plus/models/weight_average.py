"""The mean of the weights of networks that were trained from one start (Wortsman et al., 2022, "Model soups").

Networks that began with the same weights, and were trained in another order or with other dropout, lie close enough
together that what lies between them is rarely worse than each, and keeps some of what they gain as voters.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from spacy_ner_plus.models.tagger_state import TaggerState

HEAD = ("head.weight", "head.bias")
# What a config says of where it was read from, by what it was written, and how the encoder was trained.
_IRRELEVANT = ("_name_or_path", "transformers_version", "torch_dtype", "dtype", "architectures", "use_cache")
# Which setting of the tagger decides each of its sizes.
_SETTINGS = {"n_cases": "case_features", "n_lines": "line_features", "n_layers": "head_layers"}


def find_difference(one: "TaggerState", other: "TaggerState") -> str:
    """RETURNS (str): What keeps two networks from being averaged, in words; '' for nothing."""
    configs = [_architecture(state) for state in (one, other)]
    for key in sorted(configs[0].keys() | configs[1].keys()):
        first, second = (config.get(key) for config in configs)
        if first != second:
            return f"`{key}` of the encoder is {second!r} there and {first!r} here"
    for size, setting in _SETTINGS.items():
        if one.sizes[size] != other.sizes[size]:
            return f"their `{setting}` differ"
    for name in sorted(one.weights.keys() | other.weights.keys()):
        shapes = [state.weights[name].shape if name in state.weights else None for state in (one, other)]
        if shapes[0] != shapes[1]:
            return f"'{name}' has the shape {shapes[1]} there and {shapes[0]} here"
    return ""


def mean_weights(states: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Average weights by name; what isn't a weight, such as the numbers of positions, is the first one's.

    states (Sequence[Mapping[str, ndarray]]): Those of each network, of the same shapes.
    RETURNS (dict[str, ndarray]): New arrays, of the first one's types.
    """
    mean = {}
    for name, first in states[0].items():
        if not np.issubdtype(first.dtype, np.floating):
            mean[name] = first.copy()
            continue
        total = first.astype(np.float64)
        for state in states[1:]:
            total += state[name]
        total /= len(states)
        mean[name] = total.astype(first.dtype)
    return mean


def are_finite(weights: Mapping[str, np.ndarray]) -> bool:
    """RETURNS (bool): Whether all weights are numbers, as they aren't after a training that diverged."""
    return all(np.isfinite(weight).all() for weight in weights.values())


def likeness(states: Sequence[Mapping[str, np.ndarray]]) -> float:
    """Measure how near to each other networks lie.

    RETURNS (float): The least cosine between the heads of two of them, or between all their other matrices; 1 where
        they are the same. Of trainings that began with the same head it is above 0.9, of those that didn't below 0.5
        (MiniLM on CoNLL++).
    """
    matrices = [name for name, weight in states[0].items() if weight.ndim == 2 and name not in HEAD]
    return min(
        _cosine(one, other, names) for names in (HEAD[:1], matrices) for one, other in combinations(states, 2)
    )


def _cosine(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], names: Iterable[str]) -> float:
    product = squares = other_squares = 0.0
    for name in names:
        left, right = one[name].ravel(), other[name].ravel()
        product += float(left @ right)
        squares += float(left @ left)
        other_squares += float(right @ right)
    norm = math.sqrt(squares) * math.sqrt(other_squares)
    return product / norm if norm else 0.0


def _architecture(state: "TaggerState") -> dict:
    config = state.config.to_dict()
    return {key: value for key, value in config.items() if key not in _IRRELEVANT and "dropout" not in key}
