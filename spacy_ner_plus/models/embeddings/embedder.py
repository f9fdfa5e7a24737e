"""Texts to unit vectors, by the fastest way that gives what sentence-transformers gives."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.models.embeddings.model_folder import ModelFolder

if TYPE_CHECKING:
    from spacy_ner_plus.models.embeddings.own_layers import OwnLayers
    from spacy_ner_plus.models.embeddings.sentence_transformer import BySentenceTransformers

PRECISIONS = ("auto", "fp32", "bf16", "fp16")
# What a text is to the model: some want another prompt before a query than before what is searched.
Kind = Literal["query", "document"]


class Embedded(NamedTuple):
    """Texts as vectors.

    vectors (Floats2d): Of length 1, float32 of shape (texts, width).
    parts (Ints1d): In how many parts each text was read; more than one where it is longer than the model reads.
    """

    vectors: np.ndarray
    parts: np.ndarray


class Embedder:
    """Embeds texts by a model, which is found and loaded when it is first asked for; copies load it again.

    A BERT-like encoder whose last layer is averaged, such as the packaged all-MiniLM-L6-v2, is run by our own layers;
    any other by the library sentence-transformers, with the extra [select]. Both give the same vectors within 1e-3
    of cosine. A text longer than the model reads is read in parts, and never cut: its vector is the mean of theirs,
    weighted by their wordpieces.

    model (str): A folder, a hub name, or the packaged encoder's name.
    device (str): 'auto', 'cpu', 'cuda', ... Default: 'auto'.
    precision (str): 'auto' for the fastest floats of this machine, 'fp32', 'bf16' or 'fp16'. Default: 'auto'.
    RAISES (UserError): For another precision; where there is no such model, when it is asked for.
    """

    def __init__(self, model: str, *, device: str = "auto", precision: str = "auto"):
        if precision not in PRECISIONS:
            raise UserError(Errors.E670.format(precision=precision, choices=", ".join(PRECISIONS)))
        self._model = model
        self._device = device
        self._precision = precision

    def embed(self, texts: Sequence[str], kind: Kind = "document") -> Embedded:
        """Embed texts.

        kind (str): 'query' or 'document'. Default: 'document'.
        """
        return Embedded(*self._runner.embed(texts, self.folder.prompts[kind]))

    @cached_property
    def folder(self) -> ModelFolder:
        """Where the model is.

        RAISES (UserError): Where there is no such model.
        """
        return ModelFolder.find(self._model)

    @property
    def precision(self) -> str:
        """RETURNS (str): In what floats it computes; loads the model where that is for it to choose."""
        return self._runner.precision if self._precision == "auto" else self._precision

    @property
    def takes_any_precision(self) -> bool:
        """RETURNS (bool): Whether vectors that were computed in other floats are as good."""
        return self._precision == "auto"

    @cached_property
    def _runner(self) -> "OwnLayers | BySentenceTransformers":
        folder = self.folder
        if folder.by_own_layers:
            from spacy_ner_plus.models.embeddings.own_layers import OwnLayers

            return OwnLayers(folder.path, folder.limit, self._device, self._precision)
        from spacy_ner_plus.models.embeddings.sentence_transformer import BySentenceTransformers

        return BySentenceTransformers(folder.path, self._device, self._precision)

    def __getstate__(self) -> dict[str, str]:
        return {name: value for name, value in self.__dict__.items() if name not in ("folder", "_runner")}
