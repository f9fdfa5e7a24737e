"""Fitting the temperature of a `transformer_ner` on a corpus that it was not trained on."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from spacy.training import Example

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.confidence.calibration import judge_spans
from spacy_ner_plus.models.decoding.marginals import Entities, span_marginals
from spacy_ner_plus.models.decoding.predictions import find_entities, launch_scores
from spacy_ner_plus.models.decoding.temperature import fit_temperature
from spacy_ner_plus.pipeline.transformer_ner.component import TransformerNER

# Fewer entities than these say little of a probability.
FEWEST = 50


class NotCalibrated(UserError):
    """A corpus tells too little of a component's scores; the component is left as it is."""


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


def calibrate(pipe: TransformerNER, examples: Iterable[Example], batch_size: int = 64) -> Calibration:
    """Fit a component's temperature, and set it.

    pipe (TransformerNER): A trained component.
    examples (Iterable[Example]): The development set; predicted Docs may already be annotated by
        what stands before the component.
    batch_size (int): How many Docs at once. Default 64.
    RETURNS (Calibration): The temperature, which is saved with the component, and what it does to all
        entities found, whatever the threshold.
    RAISES (NotCalibrated): Where too few entities are found, or all or none of them are right.
    """
    scores, entities, right = [], [], []
    examples = iter(examples)
    while batch := list(islice(examples, batch_size)):
        batch_scores = launch_scores(pipe.model, [eg.predicted for eg in batch], pipe.consistency)()
        found = find_entities(batch_scores, len(pipe.labels))
        for eg, doc_scores, prediction in zip(batch, batch_scores, found, strict=True):
            kept, is_right = _judge(eg, pipe.labels, prediction.entities)
            scores.append(doc_scores)
            entities.append(kept)
            right.append(is_right)
    count, good = sum(map(len, right)), int(sum(part.sum() for part in right))
    if count < FEWEST:
        remedy = f"Give one where it finds {FEWEST} or more."
        raise NotCalibrated(Errors.E225.format(name=pipe.name, found=count, right=good, remedy=remedy))
    if good in (0, count):
        remedy = "That tells nothing of doubtful ones. Give a harder corpus, which it wasn't trained on."
        raise NotCalibrated(Errors.E225.format(name=pipe.name, found=count, right=good, remedy=remedy))
    temperature = round(fit_temperature(scores, entities, right), 4)
    pipe.cfg["temperature"] = temperature
    before, after = (np.concatenate(span_marginals(scores, entities, t)) for t in (1.0, temperature))
    return Calibration(temperature, np.concatenate(right), before, after)


def _judge(eg: Example, labels: Sequence[str], entities: Entities) -> tuple[Entities, np.ndarray]:
    """Leave out what lies on tokens without annotation, and say which of the others are right."""
    doc = eg.predicted
    found = (
        doc[start:end] for start, end in zip(entities.starts.tolist(), entities.ends.tolist(), strict=True)
    )
    spans = [
        (span.start_char, span.end_char, labels[label])
        for span, label in zip(found, entities.labels.tolist(), strict=True)
    ]
    judged = judge_spans(eg.reference, doc, spans)
    kept = [i for i, is_right in enumerate(judged) if is_right is not None]
    return Entities(*(part[kept] for part in entities)), np.array([judged[i] for i in kept], dtype=bool)
