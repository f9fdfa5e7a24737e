"""Fitting the temperature of `zero_shot_ner` on a corpus."""

from collections.abc import Sequence

import numpy as np

from spacy_ner_plus.models.decoding.temperature import fit
from spacy_ner_plus.pipeline.calibration import Calibration, check_sample


def fit_calibration(logits: Sequence[float], right: Sequence[bool], name: str) -> Calibration:
    """Fit the temperature.

    logits (Sequence[float]): Of the entities that were found.
    right (Sequence[bool]): Whether each of them is right.
    name (str): The component's, for messages.
    RAISES (NotCalibrated): Where too few entities are found, or all or none of them are right.
    """
    check_sample(right, name)
    given, known = np.clip(np.array(logits), -30, 30), np.array(right, dtype=bool)

    def probabilities(temperature: float) -> np.ndarray:
        return 1 / (1 + np.exp(-given / temperature))

    temperature = round(fit(probabilities, known), 4)
    return Calibration(temperature, known, probabilities(1.0), probabilities(temperature))
