"""A tagger as plain data, which can be copied, pickled and sent whatever was done with its network before.

A live network can't always be: transformers hangs local functions on its modules, and tensors that are sent
to another process share their memory with it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from spacy_ner_plus.models.network.activation_ranges import ActivationRanges
from spacy_ner_plus.models.network.lora import LowRank, plain_names
from spacy_ner_plus.models.network.tagger import Tagger

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True, eq=False)
class TaggerState:
    """What a tagger is made again from.

    config (PretrainedConfig): Of its encoder.
    sizes (dict[str, int]): Of what stands on and beside the encoder, as `Tagger` takes them.
    weights (dict[str, ndarray]): All weights by name; on a CPU they are the network's own, not copies.
    frozen (frozenset[str]): Names of the weights that aren't trained.
    ranges (dict[str, ndarray] | None): Those of its layers' activations, where they are known.
    int8_cost (float | None): What goes with them.
    adapter (dict[str, tuple[ndarray, ndarray, float]] | None): What is added to weights of the encoder, by the names of
        its layers: the parts of each `LowRank`.
    """

    config: "PretrainedConfig"
    sizes: dict[str, int]
    weights: dict[str, np.ndarray]
    frozen: frozenset[str]
    ranges: dict[str, np.ndarray] | None = None
    int8_cost: float | None = None
    adapter: dict[str, tuple[np.ndarray, np.ndarray, float]] | None = None

    @classmethod
    def of(cls, network: Tagger) -> "TaggerState":
        """RETURNS (TaggerState): That of a network, on whichever device it is."""
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in network.plain_state().items()}
        named = plain_names(dict(network.named_parameters()))
        frozen = frozenset(name for name, weight in named.items() if not weight.requires_grad)
        ranges = network.ranges
        return cls(
            network.encoder.config,
            dict(network.sizes),
            weights,
            frozen,
            None if ranges is None else {k: tensor.numpy() for k, tensor in ranges.to_tensors().items()},
            None if ranges is None else ranges.cost,
            None
            if network.adapter is None
            else {name: _arrays(part) for name, part in network.adapter.items()},
        )

    def fill(self, network: Tagger) -> None:
        """Give a network of this encoder and these sizes its weights, on the CPU."""
        # joblib hands over large arrays as files that must not be written to.
        arrays = {name: a if a.flags.writeable else a.copy() for name, a in self.weights.items()}
        network.load_state_dict({name: torch.from_numpy(a) for name, a in arrays.items()}, assign=True)
        for name, weight in network.named_parameters():
            weight.requires_grad_(name not in self.frozen)
        if self.ranges is not None:
            tensors = {name: torch.tensor(array) for name, array in self.ranges.items()}
            network.ranges = ActivationRanges(**tensors, cost=self.int8_cost)
        if self.adapter is not None:
            network.read_adapter = {
                name: LowRank(torch.tensor(down), torch.tensor(up), scale)
                for name, (down, up, scale) in self.adapter.items()
            }


def _arrays(part: LowRank) -> tuple[np.ndarray, np.ndarray, float]:
    on_cpu = part.to("cpu")
    return on_cpu.down.numpy(), on_cpu.up.numpy(), part.scale
