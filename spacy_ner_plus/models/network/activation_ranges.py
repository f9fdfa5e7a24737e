"""How large the numbers become that an encoder's layers multiply, by which they are written in eight bits."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from spacy_ner_plus.models.network.attention import KeyMask
from spacy_ner_plus.models.network.bert_layers import Layer, Layers


@dataclass(frozen=True, eq=False)
class ActivationRanges:
    """Lowest and highest number of each channel, layer by layer: float32 of shape (layers, 2, channels).

    hidden (torch.Tensor): What a layer is given, of which queries, keys and values are made.
    attended (torch.Tensor): What its feed-forward network is given.
    risen (torch.Tensor): What is between the two parts of that network.
    cost (float | None): Of a hundred tokens, how many get another best tag in eight bits, as far as probabilities
        tell: that many points of F1 at most are to be expected. None where it wasn't measured.
    """

    hidden: torch.Tensor
    attended: torch.Tensor
    risen: torch.Tensor
    cost: float | None = None

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """RETURNS (dict[str, torch.Tensor]): The ranges by name."""
        return {"hidden": self.hidden, "attended": self.attended, "risen": self.risen}

    def fit(self, layers: Layers) -> bool:
        """Whether these are of layers of such sizes, as many."""
        shapes = [(len(layers.parts), 2, width) for width in layers.widths]
        return [tuple(tensor.shape) for tensor in self.to_tensors().values()] == shapes


def measure_ranges(layers: Layers, run: Callable[[Layers], None]) -> ActivationRanges:
    """Measure ranges while layers run.

    layers (Layers): The layers, in float32 and not training.
    run (Callable): Runs an encoder with the layers that it is given, which compute as these do, on some inputs.
    RETURNS (ActivationRanges): On the CPU.
    """
    observed = [_Observed(layer) for layer in layers.parts]
    with torch.no_grad():
        run(layers.replaced(observed))
    by_name = zip(*(layer.ranges for layer in observed), strict=True)
    return ActivationRanges(*(torch.stack(some).float().cpu() for some in by_name))


class _Observed:
    """A layer that notes its ranges while it runs."""

    def __init__(self, layer: Layer):
        self._layer = layer
        self.ranges: list[torch.Tensor] = []

    def __call__(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        layer = self._layer
        attended = layer.attend(hidden, mask)
        risen = layer.activation(layer.up(attended))
        found = [mask.ranges(part) for part in (hidden, attended, risen)]
        before = self.ranges or found
        self.ranges = [_widest(one, other) for one, other in zip(before, found, strict=True)]
        return layer.norm(layer.down(risen) + attended)


def _widest(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return torch.stack((torch.minimum(one[0], other[0]), torch.maximum(one[1], other[1])))
