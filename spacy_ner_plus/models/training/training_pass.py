"""One batch forward and backward, whatever memory there is."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from spacy_ner_plus.models.inputs.batching import MicroBatch
from spacy_ner_plus.models.inputs.tensors import to_tensors
from spacy_ner_plus.models.network.tagger import Tagger
from spacy_ner_plus.models.runtime.memory import Budget, is_out_of_memory


class TrainingPass:
    """Run a network over a batch, and take its gradient.

    network (Tagger): In training mode.
    make_batches (Callable): Makes micro-batches under a budget of wordpieces.
    device (torch.device): Where the network is.
    dtype (torch.dtype): What is computed in, as autocast does.
    """

    def __init__(
        self,
        network: Tagger,
        make_batches: Callable[[int], Iterable[MicroBatch]],
        budget: Budget,
        device: torch.device,
        dtype: torch.dtype,
    ):
        self._network = network
        self._make_batches = make_batches
        self._budget = budget
        self._device = device
        self._dtype = dtype
        self._batches: list[MicroBatch] = []
        self._parts: list[torch.Tensor] = []

    def forward(self) -> tuple[list[MicroBatch], list[torch.Tensor]]:
        """RETURNS (tuple[list[MicroBatch], list[torch.Tensor]]): Micro-batches and the scores of each."""
        self._batches, self._parts = self._budget.run(self._make_batches, self._score, training=True)
        return self._batches, [part.detach() for part in self._parts]

    def backward(self, d_scores: np.ndarray) -> None:
        """Add to the network's gradient.

        Where memory runs out, all is computed again in smaller micro-batches, each forward and backward
        in turn; in that one step dropout isn't the same as when the loss was computed.

        d_scores (Floats2d): Gradient of the loss by the scores of all tokens, (tokens, n_tags).
        RAISES (UserError): Where a single window is too much.
        """
        # What earlier batches of the same step have added is kept apart, so that half a gradient
        # can be dropped.
        earlier = [(p, p.grad) for p in self._network.parameters() if p.grad is not None]
        self._drop_gradient()
        failed = self._backward_in_parts(d_scores)
        self._parts.clear()
        if failed is not None:
            self._budget.shrink(*failed, training=True)

            def make_batches(wordpieces: int) -> Iterable[MicroBatch]:
                self._drop_gradient()
                return self._make_batches(wordpieces)

            def forward_backward(batch: MicroBatch) -> None:
                self._score(batch).backward(self._gradient(batch, d_scores))

            self._budget.run(make_batches, forward_backward, training=True)
        for parameter, gradient in earlier:
            parameter.grad = gradient if parameter.grad is None else parameter.grad.add_(gradient)

    def _score(self, batch: MicroBatch) -> torch.Tensor:
        tensors = to_tensors(batch, self._device)
        with torch.autocast(self._device.type, dtype=self._dtype, enabled=self._dtype != torch.float32):
            if self._budget.is_tight:
                # One micro-batch's activations at a time, computed again in the backward pass.
                return checkpoint(self._network, *tensors, use_reentrant=False).float()
            return self._network(*tensors).float()

    def _backward_in_parts(self, d_scores: np.ndarray) -> tuple[MicroBatch, BaseException] | None:
        """RETURNS (tuple[MicroBatch, BaseException] | None): Where memory ran out, and what was raised then."""
        for batch, part in zip(self._batches, self._parts, strict=True):
            try:
                part.backward(self._gradient(batch, d_scores))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                # Its traceback holds tensors.
                return batch, error.with_traceback(None)
        return None

    def _gradient(self, batch: MicroBatch, d_scores: np.ndarray) -> torch.Tensor:
        flat = np.ascontiguousarray(d_scores[batch.tokens], dtype=np.float32)
        return torch.from_numpy(flat).to(self._device)

    def _drop_gradient(self) -> None:
        for parameter in self._network.parameters():
            parameter.grad = None
