"""A config whose training ends after so many steps, whatever it says of epochs, and is evaluated once, at its end."""

from pathlib import Path
from typing import Any

from spacy_ner_plus.files import write_whole
from spacy_ner_plus.workflows.training.spacy_training import load_config

# Our configs count epochs so, and their learning rate falls to the end of these.
EPOCHS = "spacy_ner_plus.epochs.v1"


def write_bounded_config(
    source: Path, target: Path, steps: int, overrides: dict[str, Any], *, seed: int | None = None
) -> None:
    """Write a config for `spacy train`, beside what is made with it.

    source (Path): A training config.
    target (Path): The file to write.
    steps (int): After how many steps the training ends, at least 2; a schedule of ours ends then, too, where the corpus
        has no more batches in an epoch.
    overrides (dict[str, Any]): Further settings by dotted key.
    seed (int): Of the training. Default: the config's.
    RAISES (UserError): Where the config can't be read, or written.
    """
    config = load_config(source, overrides)
    training = config["training"]
    epochs = training.get("max_epochs", 0)
    if isinstance(epochs, dict) and epochs.get("@misc") == EPOCHS:
        training["max_epochs"] = {**epochs, "epochs": 1, "min_steps": steps}
    elif not isinstance(epochs, int) or epochs > 0:
        # -1 stands for a corpus that is read as a stream.
        training["max_epochs"] = 0
    # spaCy counts from 0, and goes on to the step that it stops at.
    training["max_steps"] = training["eval_frequency"] = steps - 1
    training["patience"] = 0
    if seed is not None:
        training["seed"] = seed
    write_whole(target, config.to_bytes())
