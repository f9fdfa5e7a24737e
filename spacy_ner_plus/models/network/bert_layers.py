"""The layers of BERT and its relatives on a CPU, run by ourselves: transformers' own are made for GPUs.

The layers' weights stay where transformers has them. For training they are used as they are; for
predicting they are packed once in the order that oneDNN multiplies in, those of query, key and
value as one matrix, and activation and residual are computed in the same call.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional as F

from spacy_ner_plus.models.network.attention import KeyMask, attend
from spacy_ner_plus.models.network.dropout import drop, rate_of
from spacy_ner_plus.models.network.lora import weight_of

# Makes the hidden states above a layer of those below it, (windows, length, width).
LayerFunction = Callable[[torch.Tensor, KeyMask], torch.Tensor]

_LIKE_BERT = ("BertModel", "RobertaModel", "XLMRobertaModel", "CamembertModel", "ElectraModel")


@dataclass(frozen=True)
class Layer:
    """The parts of a layer whose norms come after the residuals, as modules of the encoder.

    query, key, value, out (nn.Linear): Of self-attention.
    attention_dropout (nn.Dropout): Of attention's weights.
    out_dropout (nn.Dropout): Of what attention gives.
    attention_norm (nn.LayerNorm): Of that with its residual.
    up, down (nn.Linear): Of the feed-forward network.
    activation (Callable): Between the two.
    down_dropout (nn.Dropout): Of what it gives.
    norm (nn.LayerNorm): Of that with its residual.
    n_heads (int): Of attention.
    """

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    out: nn.Linear
    attention_dropout: nn.Dropout
    out_dropout: nn.Dropout
    attention_norm: nn.LayerNorm
    up: nn.Linear
    activation: Callable[[torch.Tensor], torch.Tensor]
    down: nn.Linear
    down_dropout: nn.Dropout
    norm: nn.LayerNorm
    n_heads: int

    def __call__(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        """RETURNS (torch.Tensor): What this layer makes of the hidden states below it."""
        attended = self.attend(hidden, mask)
        fed = self.down(self.activation(self.up(attended)))
        return self.norm(drop(fed, self.down_dropout) + attended)

    def attend(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        """RETURNS (torch.Tensor): What the feed-forward network is given."""
        shape = (*hidden.shape[:2], self.n_heads, -1)
        query, key, value = (
            part(hidden).view(shape).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        query = query * query.shape[-1] ** -0.5
        mixed = attend(query, key, value, mask, rate_of(self.attention_dropout))
        return self.attention_norm(drop(self.out(mixed), self.out_dropout) + hidden)

    @property
    def projection(self) -> tuple[torch.Tensor, torch.Tensor]:
        """RETURNS (tuple[torch.Tensor, torch.Tensor]): Weight and bias that give scaled queries, keys and values."""
        scale = (self.query.out_features // self.n_heads) ** -0.5
        weights = (weight_of(self.query) * scale, weight_of(self.key), weight_of(self.value))
        biases = (self.query.bias * scale, self.key.bias, self.value.bias)
        return torch.cat(weights), torch.cat(biases)


class PackedLayer:
    """The same layer for predicting, its weights packed; the layer's own aren't kept.

    layer (Layer): The layer, on the CPU.
    activation (str): The encoder's name for its activation.
    dtype (torch.dtype): What to compute in.
    """

    def __init__(self, layer: Layer, activation: str, dtype: torch.dtype):
        self.project: Product = PackedLinear(*layer.projection, dtype)
        self.out: Product = PackedLinear(weight_of(layer.out), layer.out.bias, dtype)
        self.up: Product = PackedLinear(weight_of(layer.up), layer.up.bias, dtype)
        self.down: Product = PackedLinear(weight_of(layer.down), layer.down.bias, dtype)
        self._attention_norm = copy.deepcopy(layer.attention_norm).to(dtype)
        self._norm = copy.deepcopy(layer.norm).to(dtype)
        self._n_heads = layer.n_heads
        self._activation = None if activation == "gelu" else layer.activation

    def with_products(
        self, project: "Product", out: "Product", up: "Product", down: "Product"
    ) -> "PackedLayer":
        """RETURNS (PackedLayer): The same layer, whose products others compute; all else is shared.

        project (Product): Gives scaled queries, keys and values side by side.
        out (Product): Of what attention gives.
        up, down (Product): Of the feed-forward network.
        """
        layer = copy.copy(self)
        layer.project, layer.out, layer.up, layer.down = project, out, up, down
        return layer

    def __call__(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        """RETURNS (torch.Tensor): What this layer makes of the hidden states below it."""
        return self._feed(self._mix(hidden, mask), hidden)

    def at(self, hidden: torch.Tensor, mask: KeyMask, places: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): The same at some wordpieces alone, of shape (places, width)."""
        mixed = self._mix(hidden, mask)
        return self._feed(mixed.flatten(0, 1)[places], hidden.flatten(0, 1)[places])

    def _mix(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        windows, length, _ = hidden.shape
        projected = self.project(hidden).view(windows, length, 3, self._n_heads, -1)
        return attend(*projected.permute(2, 0, 3, 1, 4).contiguous(), mask)

    def _feed(self, mixed: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        attended = self._attention_norm(self.out.plus(mixed, hidden))
        risen = self.up.gelu(attended) if self._activation is None else self._activation(self.up(attended))
        return self._norm(self.down.plus(risen, attended))


class Layers:
    """An encoder's layers, and how to run them.

    encoder (nn.Module): A Hugging Face base model.
    layers (Sequence[Layer]): Its layers.
    activation (str): Its name for their activation.
    """

    def __init__(self, encoder: nn.Module, layers: Sequence[Layer], activation: str):
        self._encoder = encoder
        self._layers = list(layers)
        self._activation = activation
        self._forward: Sequence[LayerFunction] = self._layers

    @property
    def parts(self) -> Sequence[Layer]:
        """RETURNS (Sequence[Layer]): The layers as modules of the encoder, from the lowest to the last."""
        return tuple(self._layers)

    @property
    def computes_places(self) -> bool:
        """RETURNS (bool): Whether the last layer can compute some wordpieces alone."""
        return hasattr(self._forward[-1], "at")

    @property
    def activation(self) -> str:
        """RETURNS (str): The encoder's name for their activation."""
        return self._activation

    @property
    def widths(self) -> tuple[int, int, int]:
        """RETURNS (tuple[int, int, int]): How many channels a layer is given, its feed-forward network, and within."""
        first = self._layers[0]
        return first.query.in_features, first.up.in_features, first.down.in_features

    @property
    def attention_dropouts(self) -> list[nn.Dropout]:
        """RETURNS (list[nn.Dropout]): Those of attention weights, which have a rate of their own."""
        return [layer.attention_dropout for layer in self._layers]

    def packed(self, dtype: torch.dtype) -> "Layers | None":
        """RETURNS (Layers | None): The same for predicting in that type; None where torch can't pack."""
        packed = self.pack(dtype)
        return None if packed is None else self.replaced(packed)

    def pack(self, dtype: torch.dtype) -> list[PackedLayer] | None:
        """RETURNS (list[PackedLayer] | None): The layers themselves, packed; None where torch can't."""
        if not _can_pack(dtype):
            return None
        with torch.no_grad():
            return [PackedLayer(layer, self._activation, dtype) for layer in self._layers]

    def replaced(self, forward: Sequence[LayerFunction]) -> "Layers":
        """RETURNS (Layers): The same encoder, whose layers others compute: as many, from the lowest to the last."""
        layers = copy.copy(self)
        layers._forward = forward
        return layers

    def without_modules(self, encoder: nn.Module) -> "Layers":
        """RETURNS (Layers): The same on another encoder, which has the embeddings and no layers."""
        layers = copy.copy(self)
        layers._encoder, layers._layers = encoder, []
        return layers

    @property
    def modules(self) -> nn.ModuleList:
        """RETURNS (nn.ModuleList): The encoder's own list of its layers."""
        encoder = self._encoder
        return encoder.transformer.layer if "Distil" in type(encoder).__name__ else encoder.encoder.layer

    def __call__(
        self,
        mask: torch.Tensor,
        count: int,
        input_ids: torch.Tensor | None = None,
        inputs_embeds: torch.Tensor | None = None,
        places: torch.Tensor | None = None,
    ) -> list[torch.Tensor]:
        """Run the encoder.

        mask (torch.Tensor): 1 for wordpieces and 0 for the padding after them, (windows, length).
        count (int): How many layers are wanted.
        input_ids (torch.Tensor): Wordpiece ids, of the same shape.
        inputs_embeds (torch.Tensor): Or word embeddings, (windows, length, width).
        places (torch.Tensor): Flat indices of the wordpieces that are read; all if None. The last layer computes
            no others, where `computes_places`.
        RETURNS (list[torch.Tensor]): Hidden states of the last `count` layers, (windows, length, width); at
            places, (places, width).
        """
        encoder = self._encoder
        if inputs_embeds is None:
            hidden = encoder.embeddings(input_ids)
        elif "Distil" in type(encoder).__name__:
            # Its keyword has another name in transformers 4 than in 5.
            hidden = encoder.embeddings(None, inputs_embeds)
        else:
            hidden = encoder.embeddings(inputs_embeds=inputs_embeds)
        if hasattr(encoder, "embeddings_project"):
            hidden = encoder.embeddings_project(hidden)
        key_mask = KeyMask(mask)
        states = [hidden]
        for layer in self._forward[:-1]:
            states.append(layer(states[-1], key_mask))
        last = self._forward[-1]
        if places is None:
            return [*states, last(states[-1], key_mask)][-count:]
        lower = states[len(states) + 1 - count :]
        return [*(state.flatten(0, 1)[places] for state in lower), last.at(states[-1], key_mask, places)]


def find_layers(encoder: nn.Module) -> Layers | None:
    """Find the layers of an encoder.

    encoder (nn.Module): A Hugging Face base model.
    RETURNS (Layers | None): Its layers; None where it isn't a relative of BERT, and runs by itself.
    """
    kind, config = type(encoder).__name__, encoder.config
    relative = getattr(config, "position_embedding_type", "absolute") not in ("absolute", None)
    if relative or getattr(config, "is_decoder", False):
        return None
    try:
        if kind in _LIKE_BERT:
            return Layers(encoder, [_of_bert(part) for part in encoder.encoder.layer], config.hidden_act)
        if kind == "DistilBertModel":
            layers = [_of_distilbert(part) for part in encoder.transformer.layer]
            return Layers(encoder, layers, config.activation)
    except AttributeError:
        # A version of transformers that names its parts differently.
        return None
    return None


class Product(Protocol):
    """A linear layer for predicting, with what can be computed in the same call."""

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): The product of rows, of shape (..., inputs), with its bias."""

    def gelu(self, rows: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): GELU of that."""

    def plus(self, rows: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): The product and something else, added."""


class PackedLinear:
    """A linear layer, its weights in the order that oneDNN multiplies in."""

    # How many rows oneDNN packs for; other numbers run as well.
    ROWS = 1000

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype):
        weight = weight.detach().to(dtype).contiguous()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight, self.ROWS)
        self._bias = bias.detach().to(dtype)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, "none", [], "")

    def gelu(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, "gelu", [], "none")

    def plus(self, rows: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return torch.ops.mkldnn._linear_pointwise.binary(rows, other, self._weight, self._bias, "add")


def _can_pack(dtype: torch.dtype) -> bool:
    """Try it: these operators of torch are there only where it was built with oneDNN."""
    rows = torch.ones(2, 4, dtype=dtype)
    try:
        packed = PackedLinear(torch.ones(4, 4), torch.ones(4), dtype)
        results = (packed(rows), packed.gelu(rows), packed.plus(rows, rows))
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
    expected = (torch.tensor(5.0), F.gelu(torch.tensor(5.0)), torch.tensor(6.0))
    return all(torch.allclose(r.float(), e, atol=0.02) for r, e in zip(results, expected, strict=True))


def _of_bert(part: nn.Module) -> Layer:
    attention, output = part.attention.self, part.attention.output
    return Layer(
        attention.query,
        attention.key,
        attention.value,
        output.dense,
        attention.dropout,
        output.dropout,
        output.LayerNorm,
        part.intermediate.dense,
        part.intermediate.intermediate_act_fn,
        part.output.dense,
        part.output.dropout,
        part.output.LayerNorm,
        attention.num_attention_heads,
    )


def _of_distilbert(part: nn.Module) -> Layer:
    attention, feed = part.attention, part.ffn
    return Layer(
        attention.q_lin,
        attention.k_lin,
        attention.v_lin,
        attention.out_lin,
        attention.dropout,
        nn.Dropout(0.0),
        part.sa_layer_norm,
        feed.lin1,
        feed.activation,
        feed.lin2,
        feed.dropout,
        part.output_layer_norm,
        attention.n_heads,
    )
