"""What a network needs to predict in eight bits: measured on some of what it was trained on."""

import warnings
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

import torch

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.models.inputs.batching import MicroBatch
from spacy_ner_plus.models.inputs.tensors import to_tensors
from spacy_ner_plus.models.network.activation_ranges import ActivationRanges, measure_ranges
from spacy_ner_plus.models.network.bert_layers import Layers
from spacy_ner_plus.models.network.int8_layers import computes_int8, int8_layers
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.memory import is_out_of_memory

# So many wordpieces show the ranges of nearly all channels, and take some tenths of a second.
WORDPIECES = 2000
# It knows these inputs: on new text some six times as many tags change, and about half of these were right (CoNLL++
# test, by networks that were trained on a quarter: 0.07 to 0.08 of a hundred tags).
NEW_TEXT = 3.0


class Int8Sample:
    """The last inputs that a network was trained on, on which its ranges are measured."""

    def __init__(self):
        self._batches: deque[MicroBatch] = deque()

    def add(self, batches: Iterable[MicroBatch]) -> None:
        """Keep inputs; those that are older go as far as there are enough without them."""
        for batch in batches:
            self._batches.append(_first_windows(batch))
            while sum(kept.ids.size for kept in self._batches) - self._batches[0].ids.size >= WORDPIECES:
                self._batches.popleft()

    @property
    def is_full(self) -> bool:
        """RETURNS (bool): Whether there are enough inputs to measure on."""
        return sum(kept.ids.size for kept in self._batches) >= WORDPIECES

    def measure(self, network: Tagger) -> None:
        """Measure the ranges of a network's layers, and what eight bits cost it; nothing without inputs.

        network (Tagger): Its layers may be any; where they aren't our own, nothing is measured.
        """
        if network.layers is None or not self._batches:
            return
        try:
            network.ranges = self._ranges(network)
        except (RuntimeError, MemoryError) as error:
            # What was trained is to be saved all the same.
            if not is_out_of_memory(error):
                raise
            warnings.warn(Warnings.W204, stacklevel=2)

    def _ranges(self, network: Tagger) -> ActivationRanges:
        network = network.merged()
        # Elsewhere than on a CPU transformers runs the encoder.
        measured = network if _is_on_cpu(network) else network.on_cpu()
        was_training = measured.training
        measured.eval()
        try:
            return self._measured_ranges(measured)
        finally:
            measured.train(was_training)

    def _measured_ranges(self, measured: Tagger) -> ActivationRanges:
        expected: list[torch.Tensor] = []

        def run(layers: Layers) -> None:
            expected.extend(self._score(measured.predicting(layers, torch.float32)))

        ranges = measure_ranges(measured.layers, run)
        if computes_int8():
            found = self._score(measured.predicting(int8_layers(measured.layers, ranges), torch.float32))
            changes = [
                (one.softmax(-1) - other.softmax(-1)).abs().sum(-1) / 2
                for one, other in zip(expected, found, strict=True)
            ]
            ranges = replace(ranges, cost=round(100 * NEW_TEXT * float(torch.cat(changes).mean()), 4))
        return ranges

    def _score(self, network: Tagger) -> list[torch.Tensor]:
        with torch.no_grad():
            return [network(*to_tensors(batch, torch.device("cpu"))) for batch in self._batches]


def _first_windows(batch: MicroBatch) -> MicroBatch:
    """RETURNS (MicroBatch): As many windows as are enough: those of a GPU hold eight times as much."""
    windows, length = batch.ids.shape
    rows = max(1, WORDPIECES // length)
    if windows <= rows:
        return batch
    read = batch.places < rows * length
    # Copies, since a part of an array keeps the whole of it.
    parts = (part[:rows].copy() for part in (batch.ids, batch.cases, batch.lines, batch.mask))
    return MicroBatch(*parts, batch.places[read], batch.tokens[read])


def _is_on_cpu(network: Tagger) -> bool:
    return next(network.parameters()).device.type == "cpu"
