"""The layers of BERT and its relatives in eight bits: four times as many products a second on CPUs with VNNI or AMX.

Weights are rounded by output channel. What the projection and the feed-forward network are given lies in ranges
that were measured, the same for all texts, its large channels smoothed into the weights (SmoothQuant, Xiao et al.,
2022, arXiv 2211.10438). Of what is between the two parts of the feed-forward network, the few channels that become
far larger than all others are kept apart in float32 (as LLM.int8() does, Dettmers et al., 2022, arXiv 2208.07339),
and the rest leaves the first product in eight bits. What attention gives is rounded by the token. So a text gets the
same numbers whatever stands beside it.
"""

import copy
from functools import cache

import torch

from spacy_ner_plus.models.network.activation_ranges import ActivationRanges
from spacy_ner_plus.models.network.attention import KeyMask, attend
from spacy_ner_plus.models.network.bert_layers import Layer, Layers
from spacy_ner_plus.models.network.lora import weight_of

# Share of a channel's size that goes into its weights: 1 would leave all channels equally large, and 0 all weights.
SMOOTHING = 0.65
# How many channels of the feed-forward network are kept apart.
APART = 32
# Activations are unsigned, weights signed: the products that such CPUs have instructions for.
_HIGHEST, _MIDDLE, _HIGHEST_WEIGHT = 255, 128, 127
# What can be computed within the product, by transformers' names.
_FUSED = {"gelu": ("gelu", "none"), "relu": ("relu", "")}


def int8_layers(layers: Layers, ranges: ActivationRanges) -> Layers:
    """Make layers that predict in eight bits.

    layers (Layers): The layers, in float32 on the CPU.
    ranges (ActivationRanges): Those of their activations.
    """
    with torch.no_grad():
        forward = [
            _Int8Layer(layer, layers.activation, *parts)
            for layer, *parts in zip(layers.parts, ranges.hidden, ranges.attended, ranges.risen, strict=True)
        ]
    return layers.replaced(forward)


@cache
def computes_int8() -> bool:
    """Whether this CPU multiplies such numbers exactly and by an instruction of its own.

    Without one, pairs of products are added in 16 bits, which are too few for them.
    """
    names = ("avx512_vnni", "vnni", "amx_tile")
    checks = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in names)
    if not any(check is not None and check() for check in checks):
        return False
    try:
        linear = _Linear(torch.full((16, 64), 1.0), torch.zeros(16), _Scale(1.0, 0))
        product = linear(torch.full((16, 64), _HIGHEST, dtype=torch.uint8))
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
    return bool(torch.allclose(product, torch.tensor(64.0 * _HIGHEST)))


class _Int8Layer:
    """A layer for predicting.

    layer (Layer): The layer, in float32 on the CPU; its own weights aren't kept.
    activation (str): The encoder's name for its activation.
    hidden, attended, risen (torch.Tensor): Lowest and highest number of each channel, as in `ActivationRanges`.
    """

    def __init__(
        self,
        layer: Layer,
        activation: str,
        hidden: torch.Tensor,
        attended: torch.Tensor,
        risen: torch.Tensor,
    ):
        apart = risen.abs().amax(0).argsort(descending=True)[: min(APART, risen.shape[1] // 8)]
        up, up_bias, down = (
            part.clone() for part in (weight_of(layer.up), layer.up.bias, weight_of(layer.down))
        )
        self._up_apart, self._up_bias_apart = up[apart].t().contiguous(), up_bias[apart]
        self._down_apart = down[:, apart].t().contiguous()
        down[:, apart] = 0
        rest = risen.clone()
        rest[:, apart] = 0
        self._project = _Linear.smoothed(*layer.projection, hidden)
        self._out = _Linear(weight_of(layer.out), None, _Scale(1.0, _MIDDLE))
        self._out_bias = layer.out.bias.clone()
        self._up = _Linear.smoothed(up, up_bias, attended)
        self._down = _Linear(down, layer.down.bias, _Scale.of(float(rest.min()), float(rest.max())))
        self._attention_norm, self._norm = copy.deepcopy(layer.attention_norm), copy.deepcopy(layer.norm)
        self._n_heads = layer.n_heads
        self._activation = layer.activation
        self._fused = _FUSED.get(activation)

    def __call__(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        """RETURNS (torch.Tensor): What this layer makes of the hidden states below it."""
        windows, length, _ = hidden.shape
        rows = self._feed(self._mix(hidden, mask), hidden.flatten(0, 1))
        return rows.view(windows, length, -1)

    def at(self, hidden: torch.Tensor, mask: KeyMask, places: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): The same at some wordpieces alone, of shape (places, width)."""
        return self._feed(self._mix(hidden, mask)[places], hidden.flatten(0, 1)[places])

    def _mix(self, hidden: torch.Tensor, mask: KeyMask) -> torch.Tensor:
        windows, length, _ = hidden.shape
        rows = self._project.round(hidden.flatten(0, 1))
        projected = self._project(rows).view(windows, length, 3, self._n_heads, -1)
        return attend(*projected.permute(2, 0, 3, 1, 4).contiguous(), mask).flatten(0, 1)

    def _feed(self, mixed: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        # Each token by its own largest number, by which the product is multiplied afterwards.
        size = mixed.abs().amax(1, keepdim=True).div_(_HIGHEST_WEIGHT).clamp_(min=1e-12)
        rounded = torch.addcmul(torch.tensor(_MIDDLE + 0.5), mixed, 1 / size).to(torch.uint8)
        attended = self._attention_norm(torch.addcmul(hidden + self._out_bias, self._out(rounded), size))
        apart = self._activation(torch.addmm(self._up_bias_apart, attended, self._up_apart))
        residual = torch.addmm(attended, apart, self._down_apart)
        given = self._up.round(attended)
        if self._fused is None:
            risen = self._down.round(self._activation(self._up(given)))
        else:
            risen = self._up(given, self._fused, self._down.scale)
        return self._norm(self._down.plus(risen, residual))


class _Scale:
    """How numbers of one range are written as unsigned eight bits.

    step (float): The number between two neighbours.
    zero (int): What stands for zero, from 0 to 255.
    """

    def __init__(self, step: float, zero: int):
        self.step, self.zero = step, zero

    @classmethod
    def of(cls, lowest: float, highest: float) -> "_Scale":
        lowest, highest = min(lowest, 0.0), max(highest, 0.0)
        step = max((highest - lowest) / _HIGHEST, 1e-12)
        return cls(step, round(-lowest / step))


class _Linear:
    """A linear layer of uint8 numbers with int8 weights.

    weight (torch.Tensor): Float32 of shape (output, input).
    bias (torch.Tensor | None): Of shape (output,).
    scale (_Scale): That of the input.
    factors (torch.Tensor | None): What each channel of the input is multiplied by before it is rounded by the scale.
    """

    # How many rows are packed for; other numbers run as well.
    ROWS = 1000

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        scale: _Scale,
        factors: torch.Tensor | None = None,
    ):
        self.scale = scale
        self._factors = (torch.ones(()) if factors is None else factors) / scale.step
        # The conversion to whole numbers cuts off what is behind the point: half a step more, and they are rounded.
        self._offset = torch.tensor(scale.zero + 0.5)
        self._bias = None if bias is None else bias.clone()
        self._steps = weight.abs().amax(1).div(_HIGHEST_WEIGHT).clamp_(min=1e-12)
        rounded = (weight / self._steps[:, None]).round().to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(rounded, [self.ROWS, weight.shape[1]])
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)

    @classmethod
    def smoothed(cls, weight: torch.Tensor, bias: torch.Tensor, ranges: torch.Tensor) -> "_Linear":
        """Make one whose input has large channels.

        ranges (torch.Tensor): Lowest and highest number of each channel, of shape (2, input).
        RETURNS (_Linear): With weights that take a share of their size.
        """
        sizes, of_weights = ranges.abs().amax(0).clamp(min=1e-5), weight.abs().amax(0).clamp(min=1e-5)
        shares = sizes**SMOOTHING / of_weights ** (1 - SMOOTHING)
        smoothed = ranges / shares
        return cls(weight * shares, bias, _Scale.of(float(smoothed.min()), float(smoothed.max())), 1 / shares)

    def round(self, numbers: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): Float32 numbers as the layer takes them; those outside of the range at its end."""
        return torch.addcmul(self._offset, numbers, self._factors).clamp_(0, _HIGHEST).to(torch.uint8)

    def __call__(
        self,
        rows: torch.Tensor,
        activation: tuple[str, str] = ("none", ""),
        output: _Scale | None = None,
    ) -> torch.Tensor:
        """RETURNS (torch.Tensor): The product with its bias, in float32; in uint8 where a scale is given for it."""
        name, algorithm = activation
        step, zero, dtype = (
            (1.0, 0, torch.float32) if output is None else (output.step, output.zero, torch.uint8)
        )
        return torch.ops.onednn.qlinear_pointwise(
            *(rows, self.scale.step, self.scale.zero, self._weight, self._steps, self._zeros, self._bias),
            *(step, zero, dtype, name, [], algorithm),
        )

    def plus(self, rows: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        """RETURNS (torch.Tensor): The product with its bias and something else, in float32."""
        return torch.ops.onednn.qlinear_pointwise.binary(
            *(
                rows,
                self.scale.step,
                self.scale.zero,
                self._weight,
                self._steps,
                self._zeros,
                other,
                self._bias,
            ),
            *(1.0, 0, torch.float32, 1.0, 0, "add", 1.0, "none", [], ""),
        )
