"""Low-rank adapters (LoRA, Hu et al., 2022): what is added to the weights of linear layers, which stay as they are.

While an adapter is trained, peft's modules stand around an encoder's linear layers. All that predicts is made of plain
layers, whose weights are merged here: nothing else need know of adapters, and peft isn't needed.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

# What peft calls the layer that it stands around, and what it adds.
_BASE, _ADDED = "base_layer", "lora_"


@dataclass(frozen=True, eq=False)
class LowRank:
    """What is added to a linear layer's weight: `scale * up @ down`.

    down (torch.Tensor): Float32 of shape (rank, inputs): the A of the paper.
    up (torch.Tensor): Float32 of shape (outputs, rank): its B, zeros before it is trained.
    scale (float): alpha / rank.
    """

    down: torch.Tensor
    up: torch.Tensor
    scale: float

    def merged(self, weight: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): A new weight, of shape (outputs, inputs)."""
        with torch.no_grad():
            down, up = (part.to(weight.device, weight.dtype) for part in (self.down, self.up))
            return weight + self.scale * (up @ down)

    def to(self, device: torch.device | str) -> "LowRank":
        """RETURNS (LowRank): A copy of its own, without a gradient, on a device."""
        parts = (part.detach().to(device, copy=True) for part in (self.down, self.up))
        return LowRank(*parts, self.scale)


# By the name of the linear layer in its encoder.
Adapter = Mapping[str, LowRank]


def injected_adapter(encoder: nn.Module) -> Adapter | None:
    """RETURNS (Adapter | None): What peft's modules in an encoder hold, not copied; None where there are none.

    RAISES (NotImplementedError): Where they hold something else than one adapter of this kind.
    """
    found = {name: _low_rank(module) for name, module in _adapted(encoder)}
    return found or None


def weight_of(linear: nn.Module) -> torch.Tensor:
    """RETURNS (torch.Tensor): The weight that a layer multiplies by, that of a module of peft merged.

    RAISES (NotImplementedError): Where a module of peft holds something else than one adapter of this kind.
    """
    if not _is_adapted(linear):
        return linear.weight
    return _low_rank(linear).merged(_base_of(linear).weight)


def plain_names(names: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """RETURNS (dict[str, torch.Tensor]): Weights by the names that they have without an adapter; those that it adds
    are left out."""
    return {
        ".".join(part for part in name.split(".") if part != _BASE): weight
        for name, weight in names.items()
        if not any(part.startswith(_ADDED) for part in name.split("."))
    }


def check_adapter(encoder: nn.Module, adapter: Adapter) -> None:
    """Check that an adapter is one of this encoder.

    encoder (nn.Module): Of plain layers.
    RAISES (ValueError): Where it has no such layer, or one of another shape.
    """
    layers = dict(encoder.named_modules())
    # By name: files have their tensors in any order, and a message shouldn't hang on it.
    for name, part in sorted(adapter.items()):
        layer = layers.get(name)
        shape = (len(part.up), part.down.shape[1])
        if not isinstance(layer, nn.Linear) or tuple(layer.weight.shape) != shape:
            raise ValueError(
                f"the encoder has no linear layer {name} of {shape[1]} inputs and {shape[0]} outputs"
            )


def merged_weights(weights: Mapping[str, torch.Tensor], adapter: Adapter) -> dict[str, torch.Tensor]:
    """RETURNS (dict[str, torch.Tensor]): An encoder's weights by name, those of adapted layers new."""
    merged = {f"{name}.weight": part.merged(weights[f"{name}.weight"]) for name, part in adapter.items()}
    return {**weights, **merged}


def merged_encoder(encoder: nn.Module, adapter: Adapter) -> nn.Module:
    """Make an encoder of plain layers.

    encoder (nn.Module): Plain, or with the modules of peft.
    RETURNS (nn.Module): With modules of its own. The weights of adapted layers are new, all others shared.
    """
    # What is in the memo isn't copied.
    shared = {id(tensor): tensor for tensor in (*encoder.parameters(), *encoder.buffers())}
    plain = copy.deepcopy(encoder, shared)
    names = dict.fromkeys((*adapter, *(name for name, _ in _adapted(encoder))))
    for name in names:
        parent, _, last = name.rpartition(".")
        base = _base_of(encoder.get_submodule(name))
        weight = base.weight if name not in adapter else adapter[name].merged(base.weight)
        with torch.device("meta"):
            linear = nn.Linear(base.in_features, base.out_features, bias=base.bias is not None)
        linear.weight = nn.Parameter(weight.detach(), requires_grad=False)
        linear.bias = base.bias
        setattr(plain.get_submodule(parent), last, linear.train(encoder.training))
    return plain


def _adapted(encoder: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((name, module) for name, module in encoder.named_modules() if _is_adapted(module))


def _is_adapted(module: nn.Module) -> bool:
    return hasattr(module, _BASE)


def _base_of(module: nn.Module) -> nn.Linear:
    return module.base_layer if _is_adapted(module) else module


def _low_rank(module: nn.Module) -> LowRank:
    names = [name for name in module.active_adapters if name in module.lora_A]
    others = (
        module.merged
        or module.disable_adapters
        or module.lora_variant
        or not isinstance(module.base_layer, nn.Linear)
    )
    if len(names) != 1 or others:
        raise NotImplementedError(
            "only one LoRA adapter that is neither merged nor switched off can be merged"
        )
    (name,) = names
    return LowRank(module.lora_A[name].weight, module.lora_B[name].weight, module.scaling[name])
