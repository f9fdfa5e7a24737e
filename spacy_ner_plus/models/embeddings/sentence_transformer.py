"""Embeddings by the library sentence-transformers, whatever its model is made of."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.hub_access import quiet_hub
from spacy_ner_plus.models.embeddings.text_parts import Part, cut, pool
from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer


class BySentenceTransformers:
    """Embeds texts by sentence-transformers.

    folder (Path): The model.
    device (str): As torch calls it; 'auto' for a GPU where there is one.
    precision (str): 'auto' and 'fp32' for the model's own floats, 'bf16' or 'fp16'.
    RAISES (UserError): Without the extra [select], or where the model can't be loaded.
    """

    def __init__(self, folder: Path, device: str, precision: str):
        import torch

        from spacy_ner_plus.models.runtime.device import choose_device

        with from_extra("select"):
            from sentence_transformers import SentenceTransformer
        dtypes = {"bf16": torch.bfloat16, "fp16": torch.float16}
        dtype = {"torch_dtype": dtypes[precision]} if precision in dtypes else {}
        try:
            with quiet_hub():
                self._model: Any = SentenceTransformer(
                    str(folder),
                    device=str(choose_device(device)),
                    trust_remote_code=False,
                    model_kwargs={"use_safetensors": True, **dtype},
                    local_files_only=True,
                )
        except (OSError, ValueError, RuntimeError, ImportError, AttributeError, KeyError, TypeError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise UserError(Errors.E247.format(name=folder, reason=reason)) from error
        self.precision = precision if dtype else "fp32"
        self._tokenizer: WordpieceTokenizer | None = None
        # Static embeddings take texts of any length.
        self._limit = getattr(self._model, "max_seq_length", None)
        if self._limit is not None and np.isfinite(self._limit):
            self._tokenizer = WordpieceTokenizer(self._model.tokenizer, str(folder))

    def embed(self, texts: Sequence[str], prompt: str = "") -> tuple[np.ndarray, np.ndarray]:
        """Embed texts.

        prompt (str): Stands before each, and before each part of a long one.
        RETURNS (tuple[Floats2d, Ints1d]): Unit vectors, and in how many parts each text was read.
        """
        parts = [Part(number, 0, 1) for number in range(len(texts))]
        pieces = list(texts)
        if self._tokenizer is not None:
            parts, pieces = self._cut(texts, prompt)
        vectors = self._model.encode(pieces, prompt=prompt or None, show_progress_bar=False)
        counts = np.bincount([part.text for part in parts], minlength=len(texts))
        return pool(vectors, parts, len(texts)), counts

    def _cut(self, texts: Sequence[str], prompt: str) -> tuple[list[Part], list[str]]:
        tokenizer = self._tokenizer
        taken = (
            len(tokenizer.prefix) + len(tokenizer.suffix) + sum(tokenizer([prompt]).counts if prompt else [])
        )
        pieces = tokenizer(texts)
        parts = cut(pieces, max(1, int(self._limit) - taken))
        lengths = np.cumsum([0, *(len(text) + 1 for text in texts)])
        cut_out = []
        for part, count in zip(
            parts, np.bincount([part.text for part in parts])[[p.text for p in parts]], strict=True
        ):
            text, offset = texts[part.text], lengths[part.text]
            if count > 1:
                text = text[pieces.starts[part.begin] - offset : pieces.ends[part.end - 1] - offset]
            cut_out.append(text)
        return parts, cut_out
