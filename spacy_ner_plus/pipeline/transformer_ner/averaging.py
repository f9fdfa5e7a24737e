"""What several trainings of transformer_ner are averaged to: one network, which takes the time of one."""

import math
import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.models.weight_average import HEAD, are_finite, find_difference, likeness, mean_weights

if TYPE_CHECKING:
    from spacy_ner_plus.models.encoders.tokenization import WordpieceTokenizer
    from spacy_ner_plus.models.tagger_state import TaggerState

# Below this, trainings began with different weights.
ONE_START = 0.7


class Training(NamedTuple):
    """What a component has learnt.

    name (str): What its pipeline is called in messages.
    labels (Sequence[str]): Its labels, in the order of its tags.
    temperature (float): Of its scores.
    tokenizer (WordpieceTokenizer): Its tokenizer.
    state (TaggerState): Its network, an adapter merged into the encoder.
    """

    name: str
    labels: Sequence[str]
    temperature: float
    tokenizer: "WordpieceTokenizer"
    state: "TaggerState"


class Average(NamedTuple):
    """What several trainings come to.

    weights (Mapping[str, ndarray]): By name, tags as the first training numbers them.
    temperature (float): The geometric mean of theirs.
    likeness (float): As `weight_average.likeness` gives it.
    """

    weights: Mapping[str, np.ndarray]
    temperature: float
    likeness: float


def average_trainings(trainings: Sequence[Training]) -> Average:
    """Average trainings, the labels of each in any order.

    RETURNS (Average): What they come to; a warning where they didn't begin with the same weights.
    RAISES (UserError): Where one has other labels, another encoder or another tokenizer than the first, or two are the
        same, a training diverged, or there is none to average with.
    """
    if len(trainings) < 2:
        raise UserError(Errors.E950.format(given="there is one"))
    for training in trainings:
        if not are_finite(training.state.weights):
            reason = "not all of its weights are numbers, as after a training that diverged"
            raise UserError(Errors.E951.format(name=training.name, reason=reason))
    first = trainings[0]
    for training in trainings[1:]:
        if reason := _difference(first, training):
            raise UserError(Errors.E945.format(name=training.name, first=first.name, reason=reason))
    for one, other in combinations(trainings, 2):
        weights = one.state.weights.items()
        if all(np.array_equal(weight, other.state.weights[name]) for name, weight in weights):
            raise UserError(Errors.E948.format(name=other.name, other=one.name))
    states = [_in_order(training, first.labels) for training in trainings]
    alike = likeness(states)
    if alike < ONE_START:
        warnings.warn(Warnings.W959.format(likeness=f"{alike:.2f}"), stacklevel=2)
    temperature = math.exp(fmean(math.log(training.temperature) for training in trainings))
    return Average(mean_weights(states), temperature, alike)


def _difference(first: Training, other: Training) -> str:
    """RETURNS (str): What keeps another training from being averaged with the first, in words; '' for nothing."""
    if set(other.labels) != set(first.labels):
        theirs, ours = (", ".join(sorted(one.labels)) for one in (other, first))
        return f"it has the labels {theirs}, and not {ours}"
    if reason := find_difference(first.state, other.state):
        return reason
    return "" if other.tokenizer.cuts_like(first.tokenizer) else "its tokenizer is another"


def _in_order(training: Training, labels: Sequence[str]) -> dict[str, np.ndarray]:
    """RETURNS (dict[str, ndarray]): The weights, tags numbered as those of labels in this order."""
    weights, tags = training.state.weights, tag_names(training.labels)
    rows = [tags.index(tag) for tag in tag_names(labels)]
    return {**weights, **{name: weights[name][rows] for name in HEAD}}
