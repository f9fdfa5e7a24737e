"""How much soft tags say that tags alone don't: counted text by text, for the report."""

from typing import Any

import numpy as np

from spacy_ner_plus.soft_tags import SoftTags


class Softness:
    """Counts over the tokens of a corpus.

    temperature (float): How soft its tags are.
    """

    def __init__(self, temperature: float):
        self.temperature = temperature
        self._tokens = self._said = self._doubtful = self._disputed = 0
        self._weight = self._best = 0.0

    def add(self, soft: SoftTags) -> None:
        said = soft.weights > 0
        best = soft.probs.max(axis=1, initial=0.0)
        self._tokens += len(said)
        self._said += int(said.sum())
        self._doubtful += int((said & (best < 0.9)).sum())
        self._disputed += int((said & (soft.weights < 0.5)).sum())
        self._weight += float(soft.weights.sum())
        self._best += float(np.where(said, best, 0.0).sum())

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): In JSON's types: `temperature`; `tokens` and how many of them have soft tags
        (`said`), have no tag of 0.9 or more (`doubtful`), or a weight below a half (`disputed`); and the mean `weight`
        and probability of the best tag (`best`), None where nothing is said."""
        said = self._said
        return {
            "temperature": self.temperature,
            "tokens": self._tokens,
            "said": said,
            "doubtful": self._doubtful,
            "disputed": self._disputed,
            "weight": round(self._weight / said, 4) if said else None,
            "best": round(self._best / said, 4) if said else None,
        }
