"""Learning rates and evaluations that follow the length of the training."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.training.batchers import minibatch_by_words

from spacy_ner_plus.corpus import doc_lengths
from spacy_ner_plus.errors import Errors, UserError

# What a config says: spaCy hands over the settings of an optimizer with their variables when a saved
# pipeline is trained on, and the message should say what to do.
Number = float | int | str


def warmup_linear_by_epochs_v1(
    initial_rate: Number, warmup: Number, epochs: Number, corpus: str | None, batch_words: Number
) -> Iterator[float]:
    """Rise from zero, then fall to zero, over exactly as many steps as the training has.

    The step count comes from the corpus, so that one config serves corpora of any
    size; `warmup_linear.v1` wants it given.

    initial_rate (float): The highest rate, reached after the warm-up.
    warmup (float): Share of all steps in which the rate rises.
    epochs (int): As `training.max_epochs`.
    corpus (str): The training corpus: a .spacy file, or a folder of them.
    batch_words (int): As the batcher's size, in words.
    YIELDS (float): The rate of each step.
    RAISES (UserError): Where a setting is a variable that isn't filled in, epochs isn't positive, or the
        corpus can't be read.
    """
    given = {"initial_rate": initial_rate, "warmup": warmup, "epochs": epochs, "batch_words": batch_words}
    for setting, value in given.items():
        if isinstance(value, str):
            raise UserError(Errors.E235.format(setting=setting, value=value))
    if epochs < 1:
        raise UserError(Errors.E213.format(epochs=epochs))
    total = epochs * count_batches(_lengths(corpus), batch_words)
    rising = max(1, round(warmup * total))
    return _rates(initial_rate, rising, total)


def eval_frequency_v1(
    corpus: str | None, batch_words: int, per_epoch: float, epochs: int = 0, min_steps: int = 0
) -> int:
    """Count the steps between evaluations, so that a small corpus is evaluated as often as a large one.

    With a fixed number a corpus of fewer steps would be evaluated only before its
    first one, and model-best would be untrained.

    corpus (str): The training corpus: a .spacy file, or a folder of them.
    batch_words (int): As the batcher's size, in words.
    per_epoch (float): Evaluations per epoch; 0.5 for one in two epochs.
    epochs (int), min_steps (int): As `epochs_v1` takes them: where steps are added to a small corpus,
        the evaluations of so many epochs are spread over them. Default 0: none are added.
    RETURNS (int): For `training.eval_frequency`, at least 1.
    RAISES (UserError): Where per_epoch isn't positive or the corpus can't be read.
    """
    if per_epoch <= 0:
        raise UserError(Errors.E219.format(per_epoch=per_epoch))
    added = min_steps / (epochs * per_epoch) if epochs else 0
    return max(1, int(count_batches(_lengths(corpus), batch_words) / per_epoch), int(added))


def epochs_v1(corpus: str | None, batch_words: int, epochs: int, min_steps: int) -> int:
    """Count the epochs of a training, more than asked for where the corpus is so small that they were few steps.

    A hundred sentences are half a dozen batches: eight epochs of them would leave a new head untrained.

    corpus (str): The training corpus: a .spacy file, or a folder of them.
    batch_words (int): As the batcher's size, in words.
    epochs (int): The least number of epochs.
    min_steps (int): The least number of steps; 0 for none.
    RETURNS (int): For `training.max_epochs`, and for the learning rate's schedule.
    RAISES (UserError): Where epochs isn't positive or the corpus can't be read.
    """
    if epochs < 1:
        raise UserError(Errors.E213.format(epochs=epochs))
    return max(epochs, -(-min_steps // max(1, count_batches(_lengths(corpus), batch_words))))


def _rates(initial_rate: float, rising: int, total: int) -> Iterator[float]:
    step = 0
    while True:
        rate = (step + 1) / rising if step < rising else (total - step) / max(1, total - rising)
        yield initial_rate * max(0.0, rate)
        step += 1


def count_batches(lengths: Sequence[int], batch_words: int) -> int:
    """Count the batches that `spacy.batch_by_words.v1` makes.

    lengths (Sequence[int]): Words of each Doc.
    batch_words (int): Words of a batch; a longer Doc is one by itself.
    RETURNS (int): Batches of an epoch; the order of Docs shifts it a little.
    """
    return sum(1 for _ in minibatch_by_words(lengths, batch_words, tolerance=0.2, get_length=int))


def _lengths(corpus: str | None) -> list[int]:
    if corpus is None or not Path(corpus).exists():
        raise UserError(Errors.E214.format(path=corpus))
    return doc_lengths(Path(corpus))
