"""How much is computed at once, and less where memory runs out."""

import warnings
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.models.inputs.batching import MicroBatch

T = TypeVar("T")


class Budget:
    """The most wordpieces of a micro-batch, halved whenever they don't fit into memory.

    wordpieces (int): Padding included.
    """

    def __init__(self, wordpieces: int):
        self.wordpieces = wordpieces
        # Whether memory has run out before: training then keeps less of the forward pass.
        self.is_tight = False

    def run(
        self,
        make_batches: Callable[[int], Iterable[MicroBatch]],
        forward: Callable[[MicroBatch], T],
        *,
        training: bool = False,
    ) -> tuple[list[MicroBatch], list[T]]:
        """Run micro-batches; where memory runs out, all of them again in smaller ones.

        make_batches (Callable): Makes them under a budget.
        forward (Callable): Runs one.
        training (bool): Whether results keep what the backward pass needs.
        RETURNS (tuple[list[MicroBatch], list[T]]): The micro-batches, and what each gave.
        RAISES (UserError): Where a single window is too much.
        """
        while True:
            batches = list(make_batches(self.wordpieces))
            parts: list[T] = []
            try:
                for batch in batches:
                    parts.append(forward(batch))
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                # Its traceback holds tensors.
                failed = batch, error.with_traceback(None)
            else:
                return batches, parts
            # Outside of the except block: Python keeps the error, and what it holds, until its end.
            del parts
            self.shrink(*failed, training=training)

    def shrink(self, batch: MicroBatch, error: BaseException, *, training: bool = False) -> None:
        """Take half of what was too much.

        batch (MicroBatch): What didn't fit.
        error (BaseException): What was raised.
        training (bool): Whether there is a backward pass, for which less can be kept than was.
        RAISES (UserError): Where it was a single window.
        """
        rows, length = batch.ids.shape
        if rows == 1 and (self.is_tight or not training):
            reason = str(error).strip().splitlines()[0]
            raise UserError(Errors.E224.format(length=length, reason=reason))
        wordpieces = max(rows // 2, 1) * length
        if not self.is_tight:
            warnings.warn(Warnings.W202.format(budget=self.wordpieces, smaller=wordpieces), stacklevel=2)
        self.is_tight = True
        self.wordpieces = wordpieces
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or numpy says that memory has run out, so that less at a time would help."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    # On a CPU torch has no type of its own for it, and its library oneDNN says this when it gets none.
    signs = ("DefaultCPUAllocator", "could not create a primitive")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)
