"""Demonstrations chosen by the meaning of texts: sentence embeddings (Reimers and Gurevych, 2019)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration, SimilarDemonstrations


class TextEmbedder(Protocol):
    """Makes vectors of texts, as `models.embeddings.embedder.Embedder` does."""

    def embed(self, texts: Sequence[str], /) -> tuple[np.ndarray, Any]:
        """RETURNS (tuple[Floats2d, Any]): Unit vectors, of shape (texts, width), and what else is known of them."""
        ...


class EmbeddedDemonstrations(SimilarDemonstrations):
    """The demonstrations whose meaning is nearest to that of a text.

    The examples are embedded when the first text comes: about 100 sentences a second on two cores. Vectors are never
    written anywhere.

    examples (Sequence[Demonstration]): What is chosen from; of equal texts the first counts.
    k (int): How many are chosen at most.
    embedder (TextEmbedder): Embeds examples and texts.
    RAISES (UserError): For k under 1; without the model, when the first text comes.
    """

    def __init__(self, examples: Sequence[Demonstration], k: int = 5, *, embedder: TextEmbedder):
        super().__init__(examples, k)
        self.embedder = embedder

    @cached_property
    def _index(self) -> "_Vectors":
        return _Vectors(self.examples, self.embedder)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "embedder": self.embedder}


class _Vectors:
    """Texts as unit vectors, Floats2d of shape (texts, width)."""

    def __init__(self, examples: Sequence[Demonstration], embedder: TextEmbedder):
        distinct: dict[str, Demonstration] = {}
        for example in examples:
            distinct.setdefault(normalise(example.text), example)
        self.forms, self.examples = list(distinct), list(distinct.values())
        self._embedder = embedder
        self._matrix, _ = embedder.embed([example.text for example in self.examples])

    def nearest(self, text: str, k: int) -> list[Demonstration]:
        form = normalise(text)
        vectors, _ = self._embedder.embed([text])
        similarities = self._matrix @ vectors[0]
        # Stable, so that equally near ones keep their order.
        ranked = np.argsort(-similarities, kind="stable")
        chosen = [int(i) for i in ranked[: k + 1] if self.forms[i] != form][:k]
        return [self.examples[i] for i in chosen]
