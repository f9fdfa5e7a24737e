"""How much is computed at once, and less where memory ends."""

import warnings
from collections.abc import Callable, Iterable

import torch

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.models.batching import MicroBatch
from spacy_ner_plus.models.precision import is_out_of_memory


class Budget:
    """The most wordpieces of a micro-batch, halved whenever memory doesn't hold it.

    wordpieces (int): Padding included.
    """

    def __init__(self, wordpieces: int):
        self.wordpieces = wordpieces
        # Whether memory has ended before: training then keeps less of the forward pass.
        self.is_tight = False

    def run(
        self,
        make_batches: Callable[[int], Iterable[MicroBatch]],
        forward: Callable[[MicroBatch], torch.Tensor],
        *,
        training: bool = False,
    ) -> tuple[list[MicroBatch], list[torch.Tensor]]:
        """Run micro-batches, all anew with smaller ones where memory ends.

        make_batches (Callable): Makes them under a budget.
        forward (Callable): Runs one.
        training (bool): Whether results keep what the way back needs.
        RETURNS (tuple[list[MicroBatch], list[torch.Tensor]]): The micro-batches, and what each gave.
        RAISES (UserError): Where a single window is too much.
        """
        while True:
            batches = list(make_batches(self.wordpieces))
            parts: list[torch.Tensor] = []
            try:
                for batch in batches:
                    parts.append(forward(batch))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                rows, length = batch.ids.shape
                reason = str(error).strip().splitlines()[0]
            else:
                return batches, parts
            # Out of that block, whose traceback holds tensors.
            del parts
            if rows == 1 and (self.is_tight or not training):
                raise UserError(Errors.E224.format(length=length, reason=reason))
            self._shrink(max(rows // 2, 1) * length)

    def _shrink(self, wordpieces: int) -> None:
        if not self.is_tight:
            warnings.warn(Warnings.W202.format(budget=self.wordpieces, smaller=wordpieces), stacklevel=2)
        self.is_tight = True
        self.wordpieces = wordpieces
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
