"""Packed layers that several networks share, with what each network's adapter adds computed beside them.

Nothing is switched: each network has layers of its own, which hold its adapter and refer to the same packed weights.
"""

from collections.abc import Sequence

import torch
from torch import nn

from spacy_ner_plus.models.network.bert_layers import Layer, Layers, PackedLayer, PackedLinear, Product
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

    def beside(product: Product, *modules: tuple[nn.Linear, float]) -> Product:
        parts = [(adapter.get(names[module]), factor, module.out_features) for module, factor in modules]
        return product if all(part is None for part, _, _ in parts) else AdaptedLinear(product, parts, dtype)

    def adapted(one: PackedLayer, layer: Layer) -> PackedLayer:
        # As in the packed projection queries are scaled.
        scale = (layer.query.out_features // layer.n_heads) ** -0.5
        return one.with_products(
            beside(one.project, (layer.query, scale), (layer.key, 1.0), (layer.value, 1.0)),
            beside(one.out, (layer.out, 1.0)),
            beside(one.up, (layer.up, 1.0)),
            beside(one.down, (layer.down, 1.0)),
        )

    return layers.replaced([adapted(*pair) for pair in zip(packed, layers.parts, strict=True)])


def covers(layers: Layers, encoder: nn.Module, adapter: Adapter) -> bool:
    """Whether all that an adapter adds is to linear layers of these."""
    names = {module: name for name, module in encoder.named_modules()}
    return adapter.keys() <= {names[module] for layer in layers.parts for module in _linear(layer)}


def _linear(layer: Layer) -> tuple[nn.Module, ...]:
    return layer.query, layer.key, layer.value, layer.out, layer.up, layer.down


class AdaptedLinear:
    """A product, and what an adapter adds to it, or to each of several that are computed as one.

    packed (Product): The product, which others use, too.
    parts (Sequence[tuple[LowRank | None, float, int]]): What is added to each, what that is multiplied by, and how many
        outputs it has.
    dtype (torch.dtype): What to compute in.
    """

    def __init__(
        self, packed: Product, parts: Sequence[tuple[LowRank | None, float, int]], dtype: torch.dtype
    ):
        self.packed = packed
        down = torch.cat([part.down.detach().cpu() for part, _, _ in parts if part is not None])
        # Each has columns of its own in the product of all.
        ups = torch.block_diag(
            *(
                torch.zeros(size, 0) if part is None else factor * part.scale * part.up.detach().cpu()
                for part, factor, size in parts
            )
        )
        # Packed, such thin matrices take a fraction of the time.
        self._down = PackedLinear(down, torch.zeros(len(down)), dtype)
        self._up = PackedLinear(ups, torch.zeros(len(ups)), dtype)
        self._wide = ups.t().to(dtype).contiguous()

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        product = self.packed(rows)
        thin = self._down(rows).flatten(0, -2)
        # In place: half the time of a sum.
        product.view(-1, product.shape[-1]).addmm_(thin, self._wide)
        return product

    def gelu(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.ops.aten.gelu_(self(rows))

    def plus(self, rows: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return self.packed.plus(rows, self._up.plus(self._down(rows), other))
