"""Fitting the temperature of `transformer_ner` on a corpus that it was not trained on."""

from collections.abc import Sequence

import numpy as np
from spacy.training import Example

from spacy_ner_plus.evaluation.matching.candidates import find_right
from spacy_ner_plus.models.decoding.predictions import find_entities
from spacy_ner_plus.models.decoding.tags import Entities
from spacy_ner_plus.models.decoding.temperature import all_marginals, fit_temperature
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.pipeline.calibration import Calibration, check_sample


class CalibrationSample:
    """Scores of a corpus, the entities found in it, and whether they are right.

    labels (Sequence[str]): The component's.
    """

    def __init__(self, labels: Sequence[str]):
        self._labels = labels
        self._batches: list[tuple[Ragged, Entities]] = []
        self._right: list[bool] = []

    def add(self, examples: Sequence[Example], scores: Ragged) -> None:
        """Add a batch.

        scores (Ragged): Logits for the examples' predicted Docs, of shape (tokens, 2 * labels + 1).
        """
        predictions = find_entities(scores)
        right: list[bool | None] = []
        for eg, found in zip(examples, predictions, strict=True):
            spans = [
                (eg.predicted[entity.start : entity.end], self._labels[entity.label]) for entity in found
            ]
            bounds = [(span.start_char, span.end_char, label) for span, label in spans]
            right += find_right(eg.reference, eg.predicted, bounds)
        # What lies on tokens without annotation is neither right nor wrong.
        kept = [i for i, is_right in enumerate(right) if is_right is not None]
        self._batches.append((scores, Entities(*(part[kept] for part in predictions.entities))))
        self._right += [right[i] for i in kept]

    def fit(self, name: str) -> Calibration:
        """Fit the temperature.

        name (str): The component's, for messages.
        RAISES (NotCalibrated): Where too few entities are found, or all or none of them are right.
        """
        check_sample(self._right, name)
        right = np.array(self._right, dtype=bool)
        temperature = round(fit_temperature(self._batches, right), 4)
        before, after = (all_marginals(self._batches, t) for t in (1.0, temperature))
        return Calibration(temperature, right, before, after)
