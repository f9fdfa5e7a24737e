"""What calibrating a component gives, and what a corpus must tell for it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.errors import Errors, UserError

# Fewer entities than these say little about a probability.
FEWEST = 50


class NotCalibrated(UserError):
    """A corpus tells too little about a component's scores; the component is left as it is."""


class Calibration(NamedTuple):
    """What was fitted, and on what.

    temperature (float): What logits are divided by.
    right (ndarray[bool]): Whether each entity found is right.
    before (Floats1d): Their probabilities at temperature 1.
    after (Floats1d): Their probabilities at the fitted one.
    """

    temperature: float
    right: np.ndarray
    before: np.ndarray
    after: np.ndarray


def check_sample(right: Sequence[bool], name: str) -> None:
    """See that a sample tells something about scores.

    right (Sequence[bool]): Whether each entity found is right.
    name (str): The component's, for messages.
    RAISES (NotCalibrated): Where too few entities are found, or all or none of them are right.
    """
    count, good = len(right), sum(right)
    if count < FEWEST:
        remedy = f"Give one where it finds {FEWEST} or more."
        raise NotCalibrated(Errors.E225.format(name=name, found=count, right=good, remedy=remedy))
    if good in (0, count):
        remedy = "That tells nothing about doubtful ones. Give a harder corpus, which it wasn't trained on."
        raise NotCalibrated(Errors.E225.format(name=name, found=count, right=good, remedy=remedy))
