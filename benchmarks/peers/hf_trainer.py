"""A Hugging Face Trainer that keeps a clock; three peers are built on this Trainer."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback

from peers.clock import Clock

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
