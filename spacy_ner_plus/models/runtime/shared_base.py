"""Encoders that several components of a process stand on, kept once."""

import copy
from threading import RLock
from weakref import WeakValueDictionary

import torch
from torch import nn

from spacy_ner_plus.models.network.bert_layers import PackedLayer, find_layers
from spacy_ner_plus.models.network.lora import merged_encoder, plain_names
from spacy_ner_plus.models.network.shared_layers import covers, layers_beside
from spacy_ner_plus.models.network.tagger import Tagger

# By the hash of their weights, as long as a component stands on them.
_bases: "WeakValueDictionary[str, SharedBase]" = WeakValueDictionary()
_lock = RLock()


class SharedBase:
    """An encoder's weights, as they are and packed; nobody changes them.

    weights (dict[str, torch.Tensor]): Float32 on the CPU, by name.
    """

    def __init__(self, weights: dict[str, torch.Tensor]):
        self.weights = weights
        self._packed: dict[torch.dtype, list[PackedLayer] | None] = {}
        self._embeddings: dict[torch.dtype, nn.Module] = {}

    @classmethod
    def of(cls, sha256: str, weights: dict[str, torch.Tensor] | None = None) -> "SharedBase | None":
        """Find an encoder that is kept already, or keep this one.

        sha256 (str): The hash of its weights.
        weights (dict[str, torch.Tensor] | None): The weights, where they are at hand.
        RETURNS (SharedBase | None): The one of this process; None where it isn't kept, and no weights were given.
        """
        with _lock:
            found = _bases.get(sha256)
            if found is None and weights is not None:
                found = _bases[sha256] = cls(weights)
            return found

    def lend(self, encoder: nn.Module) -> None:
        """Let an encoder use these weights in the place of its own, which are the same."""
        for name, weight in plain_names(dict(encoder.named_parameters())).items():
            weight.data = self.weights[name]

    def inference_network(self, network: Tagger, dtype: torch.dtype) -> Tagger | None:
        """Make a network that predicts with its adapter beside the shared weights.

        network (Tagger): On these weights, on the CPU, with an adapter.
        dtype (torch.dtype): float32 or bfloat16.
        RETURNS (Tagger | None): In evaluation mode; None where the encoder has no layers that can be shared.
        """
        adapter = network.adapter
        if network.layers is None or not covers(network.layers, network.encoder, adapter):
            return None
        with _lock, torch.no_grad():
            if dtype not in self._packed:
                base = merged_encoder(network.encoder, {})
                self._packed[dtype] = find_layers(base).pack(dtype)
                if dtype != torch.float32:
                    self._embeddings[dtype] = copy.deepcopy(base.embeddings).to(dtype)
            packed = self._packed[dtype]
        if packed is None:
            return None
        layers = layers_beside(network.layers, packed, network.encoder, adapter, dtype)
        return network.predicting(layers, dtype, embeddings=self._embeddings.get(dtype))
