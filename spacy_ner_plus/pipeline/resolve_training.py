"""[training] of a saved pipeline's config in plain numbers, so that spaCy can go on training it.

`nlp.resume_training`, `nlp.update` and `nlp.initialize` read [training.optimizer] as it stands, without
filling in variables; and a schedule that counts the training corpus can't be made where that corpus
isn't, as in an installed package.
"""

import copy
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from spacy.language import Language
from spacy.util import registry

from spacy_ner_plus.errors import UserError


def interpolate_training_v1() -> Callable[[Language], Language]:
    """Fill in the variables under [training] of a pipeline that is initialized, as `spacy debug data` needs it.

    RETURNS (Callable[[Language], Language]): For [initialize.before_init].
    """
    return interpolate_training


def interpolate_training(nlp: Language) -> Language:
    """RETURNS (Language): The same pipeline, whose config has no variables under [training] any more."""
    nlp.config["training"] = nlp.config.interpolate()["training"]
    return nlp


def resolve_training_v1() -> Callable[[Language], Language]:
    """RETURNS (Callable[[Language], Language]): `resolve_training`, for [training.before_to_disk]."""
    return resolve_training


def resolve_training(nlp: Language) -> Language:
    """Make a pipeline whose config has plain numbers under [training], so that it can be trained on.

    Variables are filled in, and functions that count the training corpus (`max_epochs`, `eval_frequency`)
    give way to their numbers; where the corpus isn't there any more they stay as they are. A schedule of
    learning rates that has an `initial_rate` gives way to that rate: it was made for the training that has
    ended. Nor is the log of that training written over: `output_file` of our logger is null.

    nlp (Language): The pipeline; it keeps its config.
    RETURNS (Language): Another that shares all else with it: components, vocab, tokenizer and meta.
    """
    resolved = copy.copy(nlp)
    resolved.config = nlp.config.copy()
    # Filled in as text, so this is a new dict all the way down.
    training = nlp.config.interpolate()["training"]
    for name, value in training.items():
        if isinstance(value, Mapping) and "@misc" in value:
            training[name] = _number(value, nlp.config["training"][name])
    optimizer = training.get("optimizer") or {}
    schedule = optimizer.get("learn_rate")
    if isinstance(schedule, Mapping) and "initial_rate" in schedule:
        optimizer["learn_rate"] = schedule["initial_rate"]
    logger = training.get("logger") or {}
    if logger.get("@loggers") == "spacy_ner_plus.TrainingLog.v1":
        logger["output_file"] = None
    resolved.config["training"] = training
    return resolved


def _number(block: Mapping[str, Any], unresolved: Any) -> Any:
    """The number that a block makes; the block with its variables where it makes none."""
    try:
        value = registry.resolve({"value": block})["value"]
    except UserError:
        # Another corpus may be given with --paths.train.
        return unresolved
    return value if isinstance(value, Real) else unresolved
