"""Demonstrations chosen by the meaning of texts: sentence embeddings (Reimers and Gurevych, 2019)."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.hub_access import hub_problem, not_here, quiet_hub
from spacy_ner_plus.llm.prompting.demonstrations import Demonstration, SimilarDemonstrations

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class EmbeddedDemonstrations(SimilarDemonstrations):
    """The demonstrations whose meaning is nearest to that of a text.

    The model is loaded, and the texts embedded, when the first text comes: about 100 sentences a second
    on two cores. Vectors are never written anywhere.

    examples (Sequence[Demonstration]): What is chosen from; of equal texts the first counts.
    k (int): How many are chosen at most.
    model (str): Folder or hub name of a sentence-transformers model with safetensors.
    RAISES (UserError): For k under 1; without the extra [select], or the model, when the first text comes.
    """

    def __init__(self, examples: Sequence[Demonstration], k: int = 5, *, model: str):
        super().__init__(examples, k)
        self.model = model

    @cached_property
    def _index(self) -> "_Vectors":
        return _Vectors(self.examples, self.model)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "model": self.model}


class _Vectors:
    """Texts as unit vectors, Floats2d of shape (texts, width)."""

    def __init__(self, examples: Sequence[Demonstration], model: str):
        distinct: dict[str, Demonstration] = {}
        for example in examples:
            distinct.setdefault(normalise(example.text), example)
        self.forms, self.examples = list(distinct), list(distinct.values())
        self._model = _load(model)
        self._matrix = self._embed([example.text for example in self.examples])

    def nearest(self, text: str, k: int) -> list[Demonstration]:
        form = normalise(text)
        similarities = self._matrix @ self._embed([text])[0]
        # Stable, so that equally near ones keep their order.
        ranked = np.argsort(-similarities, kind="stable")
        chosen = [int(i) for i in ranked[: k + 1] if self.forms[i] != form][:k]
        return [self.examples[i] for i in chosen]

    def _embed(self, texts: list[str]) -> np.ndarray:
        return self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)


def _load(name: str) -> "SentenceTransformer":
    with from_extra("select"):
        from sentence_transformers import SentenceTransformer
    problem = hub_problem(name)
    try:
        with quiet_hub():
            return SentenceTransformer(
                name,
                device="cpu",
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
                # What was loaded before is in the hub's cache.
                local_files_only=bool(problem),
            )
    except (OSError, ValueError, RuntimeError) as error:
        if problem and isinstance(error, OSError):
            raise UserError(Errors.E247.format(name=name, reason=not_here(problem))) from None
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(Errors.E247.format(name=name, reason=reason)) from error
