"""Demonstrations chosen by the meaning of texts: sentence embeddings (Reimers and Gurevych, 2019)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.prompting.demonstrations import (
    Demonstration,
    SameText,
    SimilarDemonstrations,
    distinct_texts,
)


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
    nearly (float | None): As `SameText` takes it.
    issues (IssueLog | None): Where those are counted that are nearly the same as the text.
    RAISES (UserError): For k under 1; without the model, when the first text comes.
    """

    def __init__(
        self,
        examples: Sequence[Demonstration],
        k: int = 5,
        *,
        embedder: TextEmbedder,
        nearly: float | None = None,
        issues: IssueLog | None = None,
    ):
        super().__init__(examples, k, nearly=nearly, issues=issues)
        self.embedder = embedder

    @cached_property
    def _index(self) -> "_Vectors":
        distinct = distinct_texts(self.examples)
        return _Vectors(distinct, SameText(distinct, self._nearly, self._issues), self.embedder)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "embedder": self.embedder}


class _Vectors:
    """Texts as unit vectors, Floats2d of shape (texts, width)."""

    def __init__(self, examples: Sequence[Demonstration], same: SameText, embedder: TextEmbedder):
        self.examples, self._same = examples, same
        self._embedder = embedder
        self._matrix, _ = embedder.embed([example.text for example in self.examples])

    def nearest(self, text: str, k: int) -> list[Demonstration]:
        vectors, _ = self._embedder.embed([text])
        similarities = self._matrix @ vectors[0]
        # Stable, so that equally near ones keep their order.
        ranked = np.argsort(-similarities, kind="stable").tolist()
        return [self.examples[i] for i in self._same.others(text, ranked, k)]
