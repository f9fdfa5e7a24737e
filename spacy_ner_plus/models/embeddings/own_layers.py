"""Embeddings as the mean of an encoder's last layer, by the layers that run transformer_ner."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from spacy_ner_plus.models.embeddings.text_parts import Part, cut, pool
from spacy_ner_plus.models.encoders.pretrained import load_encoder, max_window
from spacy_ner_plus.models.encoders.tokenization import Wordpieces
from spacy_ner_plus.models.inputs.batching import MicroBatch, micro_batches
from spacy_ner_plus.models.inputs.windows import Window
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.measurement import PREDICTION, measure
from spacy_ner_plus.models.runtime.memory import Budget
from spacy_ner_plus.models.runtime.placement import Placement
from spacy_ner_plus.models.runtime.precision import VARIANTS
from spacy_ner_plus.models.runtime.threads import limit_threads

# Wordpieces at once: on a CPU they stay in its cache.
_ON_CPU, _ON_GPU = 1000, 32_000
_EXACT = tuple(variant for variant in VARIANTS if not variant.quantized)


class OwnLayers:
    """Embeds texts by our own layers: in the precision that is the fastest here, batched by length.

    folder (Path): The encoder and its tokenizer.
    limit (int | None): The most wordpieces of a text, special tokens among them; None for what the encoder takes.
    device (str): As transformer_ner has it.
    precision (str): 'auto', 'fp32', 'bf16' or 'fp16'.
    """

    def __init__(self, folder: Path, limit: int | None, device: str, precision: str):
        encoder, self._tokenizer = load_encoder(str(folder))
        special = len(self._tokenizer.prefix) + len(self._tokenizer.suffix)
        sizes = [max_window(encoder, self._tokenizer), None if limit is None else limit - special]
        known = [size for size in sizes if size is not None]
        self._size = max(1, min(known)) if known else 512
        # It isn't asked for tags: what runs its encoder fast runs it here, too.
        network = Tagger(encoder, 1)
        limit_threads()
        placement = Placement.resolve(device, precision)
        network = network.to(placement.device).eval()
        on_cpu = placement.device.type == "cpu"
        self._budget = Budget(_ON_CPU if on_cpu else _ON_GPU)
        if on_cpu and precision == "auto":
            found = measure(network, PREDICTION, longest=self._size, most=_ON_CPU)
            placement = placement.computing(found.fastest(_EXACT))
        self._placement = placement
        self._network = placement.inference_network(network)

    @property
    def precision(self) -> str:
        """RETURNS (str): In what it computes: 'fp32', 'bf16' or 'fp16'."""
        names = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
        return names[self._placement.dtype]

    def embed(self, texts: Sequence[str], prompt: str = "") -> tuple[np.ndarray, np.ndarray]:
        """Embed texts.

        prompt (str): Stands before each; models that want one aren't run here.
        RETURNS (tuple[Floats2d, Ints1d]): Unit vectors, and in how many parts each text was read.
        """
        limit_threads()
        pieces = self._tokenizer([prompt + text for text in texts])
        parts = cut(pieces, self._size)
        windows = [_window(number, part, pieces) for number, part in enumerate(parts)]
        batches, means = self._budget.run(lambda budget: self._batches(windows, budget), self._mean)
        vectors = np.zeros((len(parts), means[0].shape[1]), dtype=np.float32)
        for batch, mean in zip(batches, means, strict=True):
            vectors[batch.tokens] = mean.cpu().numpy()
        counts = np.bincount([part.text for part in parts], minlength=len(texts))
        return pool(vectors, parts, len(texts)), counts

    def _batches(self, windows: list[Window], budget: int):
        tokenizer = self._tokenizer
        special = (tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id)
        return micro_batches(windows, *special, self._size, budget)

    def _mean(self, batch: MicroBatch) -> torch.Tensor:
        device = self._placement.device
        ids, mask = (torch.from_numpy(array).to(device) for array in (batch.ids, batch.mask))
        with torch.inference_mode():
            hidden = self._network.read_layers(mask, input_ids=ids)
            shares = (mask / mask.sum(dim=1, keepdim=True)).float()
            # Of what was computed in half precision, too.
            return torch.bmm(shares[:, None], hidden.float())[:, 0]


def _window(number: int, part: Part, pieces: Wordpieces) -> Window:
    ids = pieces.ids[part.begin : part.end]
    nothing = np.zeros(len(ids), dtype=np.int64)
    # The batches tell by `tokens` which windows they hold.
    return Window(ids, nothing, nothing, np.zeros(1, dtype=np.int64), np.array([number]))
