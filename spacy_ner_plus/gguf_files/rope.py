"""Llama 3.1's way to longer contexts: each frequency of the positions is divided by a factor of its own.

transformers has four numbers for it, llama.cpp the factors as a tensor.
"""

import math
from typing import Any

import numpy as np

FACTORS = "rope_freqs.weight"
# Of all that were published; how far they stretch differs.
_PUBLISHED = {
    "rope_type": "llama3",
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def llama3_factors(rope: dict[str, Any], width: int, base: float) -> np.ndarray:
    """RETURNS (np.ndarray): What each frequency is divided by, as the code of Llama 3.1 has it.

    rope (dict[str, Any]): `rope_scaling` of config.json.
    width (int): Of a head.
    base (float): `rope_theta`.
    """
    low, high, factor = rope["low_freq_factor"], rope["high_freq_factor"], rope["factor"]
    longest = rope["original_max_position_embeddings"]
    found = []
    for i in range(0, width, 2):
        waves = longest * base ** (-i / width) / (2 * math.pi)
        share = min(max((waves - low) / (high - low), 0.0), 1.0)
        found.append(1 / ((1 - share) / factor + share))
    return np.array(found, dtype=np.float32)


def llama3_scaling(factors: np.ndarray, width: int, base: float) -> dict[str, Any] | None:
    """RETURNS (dict[str, Any] | None): `rope_scaling` of config.json that has these factors; None where it isn't one
    of those that were published."""
    found = {**_PUBLISHED, "factor": float(factors.max())}
    is_same = np.allclose(llama3_factors(found, width, base), factors, rtol=1e-4)
    return found if is_same else None
