"""Learning rates that differ by layer, and change as training goes on: a config names them.

[components.transformer_ner.model.layer_rates]
@misc = "spacy_ner_plus.layer_rate_decay.v1"
decay = 0.9
"""

from dataclasses import dataclass
from typing import Protocol

from spacy_ner_plus.errors import Errors, UserError


class LayerRates(Protocol):
    """The rate of a layer of an encoder, as a multiple of what it would be."""

    def __call__(self, layer: int, n_layers: int, step: int) -> float:
        """RETURNS (float): The factor of a layer; with 0 it isn't trained in this step.

        layer (int): From 1 to n_layers, the last; 0 for the embeddings. The head isn't asked for.
        n_layers (int): How many the encoder has.
        step (int): Steps that were taken before, by this optimizer.
        """


def layer_rate_decay_v1(decay: float = 0.9) -> LayerRates:
    """Train lower layers more slowly (Howard and Ruder, 2018, section 3.2; Clark et al., 2020).

    decay (float): By what the rate is multiplied from each layer to the next lower one. Default 0.9.
    RAISES (UserError): Where it isn't above 0 and at most 1.
    """
    _check_decay(decay)
    return _Decay(decay)


def gradual_unfreezing_v1(steps: int = 50, decay: float = 1.0) -> LayerRates:
    """Train the head alone at first, then with the last layer, and so on down to the embeddings (Howard and Ruder,
    2018, section 3.3).

    steps (int): After how many steps each further layer is trained. Default 50.
    decay (float): As `layer_rate_decay_v1` has it. Default 1.
    RAISES (UserError): Where steps isn't at least 1, or decay not above 0 and at most 1.
    """
    _check_decay(decay)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UserError(
            Errors.E916.format(setting="steps", value=repr(steps), remedy="a whole number from 1 on")
        )
    return _Unfreezing(steps, decay)


@dataclass(frozen=True)
class _Decay:
    decay: float

    def __call__(self, layer: int, n_layers: int, step: int) -> float:
        return self.decay ** (n_layers - layer)


@dataclass(frozen=True)
class _Unfreezing:
    steps: int
    decay: float

    def __call__(self, layer: int, n_layers: int, step: int) -> float:
        trained = step >= self.steps * (n_layers - layer + 1)
        return self.decay ** (n_layers - layer) if trained else 0.0


def _check_decay(decay: float) -> None:
    if isinstance(decay, bool) or not isinstance(decay, int | float) or not 0 < decay <= 1:
        remedy = "a number above 0, at most 1"
        raise UserError(Errors.E916.format(setting="decay", value=repr(decay), remedy=remedy))
