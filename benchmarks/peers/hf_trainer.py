"""A Hugging Face Trainer that keeps a clock; three peers are built on this Trainer."""

import math
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from peers.clock import Clock

# Where a small corpus takes many epochs, so many points of the curve of dev F1 are enough.
EVALUATIONS = 10
# Of no effect on what is learnt.
QUIET = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "dataloader_num_workers": 0}


class ClockCallback(TrainerCallback):
    """Time evaluations apart, and stop the training at its limit.

    clock (Clock): The clock.
    metric (str): The name of F1 in the Trainer's own evaluation; empty where it has none.
    evaluate (Callable): Gives the F1 where the Trainer can't; None for no evaluation.
    """

    def __init__(self, clock: Clock, metric: str = "", evaluate: Callable[[], float] | None = None):
        self.clock = clock
        self.metric = metric
        self.evaluate = evaluate

    def on_step_end(self, args, state, control, **kwargs):
        if self.clock.over():
            control.should_training_stop = True

    def on_epoch_end(self, args, state, control, **kwargs):
        epochs = math.ceil(args.num_train_epochs)
        if round(state.epoch) % max(1, epochs // EVALUATIONS) and state.epoch < epochs:
            control.should_evaluate = False
            return
        # The evaluation of an epoch follows at once.
        if self.metric:
            self.clock.pause()
        elif self.evaluate is not None:
            self.clock.pause()
            self.clock.resume(self.evaluate())

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        self.clock.resume((metrics or {}).get(self.metric))


def words_seen(trainer: Any, words: int) -> int:
    """RETURNS (int): The words of all epochs, the last one as far as it went."""
    return round(trainer.state.epoch * words)
