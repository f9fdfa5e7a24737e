"""Packed layers that several networks share, with what each network's adapter adds computed beside them.

Nothing is switched: each network has layers of its own, which hold its adapter and refer to the same packed weights.
"""

from collections.abc import Sequence

import torch
from torch import nn

from spacy_ner_plus.models.network.attention import KeyMask, attend
from spacy_ner_plus.models.network.bert_layers import Layer, Layers, PackedLayer, PackedLinear
from spacy_ner_plus.models.network.lora import Adapter, LowRank


def layers_beside(
    layers: Layers, packed: Sequence[PackedLayer], encoder: nn.Module, adapter: Adapter, dtype: torch.dtype
) -> Layers:
    """Make layers that predict with an adapter beside packed weights.

    layers (Layers): The encoder's own.
    packed (Sequence[PackedLayer]): The same layers without any adapter, in `dtype`.
    encoder (nn.Module): Where the adapter's names are those of modules.
    """
    names = {module: name for name, module in encoder.named_modules()}
    forward = [
        _AdaptedLayer(one, layer, {module: adapter.get(names[module]) for module in _linear(layer)}, dtype)
        for one, layer in zip(packed, layers.parts, strict=True)
    ]
    return layers.replaced(forward)


def covers(layers: Layers, encoder: nn.Module, adapter: Adapter) -> bool:
    """Whether all that an adapter adds is to linear layers of these."""
    names = {module: name for name, module in encoder.named_modules()}
    return adapter.keys() <= {names[module] for layer in layers.parts for module in _linear(layer)}


def _linear(layer: Layer) -> tuple[nn.Module, ...]:
    return layer.query, layer.key, layer.value, layer.out, layer.up, layer.down


class _AdaptedLayer:
    """A layer for predicting.

    packed (PackedLayer): Its weights, which others use, too.
    layer (Layer): The layer.
    parts (dict[nn.Module, LowRank | None]): What is added to each of its linear layers.
    """

    def __init__(
        self, packed: PackedLayer, layer: Layer, parts: dict[nn.Module, LowRank | None], dtype: torch.dtype
    ):
        self._packed = packed
        # As in the packed projection queries are scaled.
        scale = (layer.query.out_features // layer.n_heads) ** -0.5
        self._project = _Beside([(layer.query, scale), (layer.key, 1.0), (layer.value, 1.0)], parts, dtype)
        self._out, self._up, self._down = (
            _Beside([(module, 1.0)], parts, dtype) for module in (layer.out, layer.up, layer.down)
        )

    def __call__(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        """RETURNS (torch.Tensor): What this layer makes of the hidden states below it."""
        return self._feed(self._mix(hidden, mask), hidden)

    def at(self, hidden: torch.Tensor, mask: KeyMask, places: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): The same at some wordpieces alone, of shape (places, width)."""
        mixed = self._mix(hidden, mask)
        return self._feed(mixed.flatten(0, 1)[places], hidden.flatten(0, 1)[places])

    def _mix(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        windows, length, _ = hidden.shape
        packed = self._packed
        projected = self._project.add_to(packed.project(hidden), hidden)
        projected = projected.view(windows, length, 3, packed.n_heads, -1)
        return attend(*projected.permute(2, 0, 3, 1, 4).contiguous(), mask)

    def _feed(self, mixed: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        packed = self._packed
        attended = packed.attended(mixed, self._out.with_residual(mixed, hidden))
        if self._up.is_empty:
            risen = packed.rise(attended)
        else:
            risen = packed.activate(self._up.add_to(packed.before_activation(attended), attended))
        return packed.fed(risen, self._down.with_residual(risen, attended))


class _Beside:
    """What is added to one product, or to several that are computed as one.

    modules (Sequence[tuple[nn.Module, float]]): The linear layers, and what the product of each is multiplied by.
    parts (dict[nn.Module, LowRank | None]): What is added to each.
    """

    def __init__(
        self,
        modules: Sequence[tuple[nn.Module, float]],
        parts: dict[nn.Module, LowRank | None],
        dtype: torch.dtype,
    ):
        found = [(parts[module], factor, module.out_features) for module, factor in modules]
        self._down = self._up = self._wide = None
        if all(part is None for part, _, _ in found):
            return
        down = torch.cat([part.down.detach().cpu() for part, _, _ in found if part is not None])
        # Each has columns of its own in the product of all.
        ups = torch.block_diag(
            *(
                torch.zeros(size, 0) if part is None else factor * part.scale * part.up.detach().cpu()
                for part, factor, size in found
            )
        )
        # Packed, such thin matrices take a fraction of the time.
        self._down = PackedLinear(down, torch.zeros(len(down)), dtype)
        self._up = PackedLinear(ups, torch.zeros(len(ups)), dtype)
        self._wide = ups.t().to(dtype).contiguous()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is added."""
        return self._down is None

    def add_to(self, product: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): A product of these rows, to which it is added in place: half the time of a sum."""
        if self._down is not None:
            thin = self._down(rows).flatten(0, -2)
            product.view(-1, product.shape[-1]).addmm_(thin, self._wide)
        return product

    def with_residual(self, rows: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): A new tensor: what is added for these rows, and a residual."""
        return residual if self._down is None else self._up.plus(self._down(rows), residual)
