import numpy as np
import pytest

from spacy_ner_plus.models.decoding.predictions import find_entities
from spacy_ner_plus.models.decoding.temperature import all_marginals, fit_temperature
from spacy_ner_plus.models.ragged import Ragged


def documents_of(temperature: float, count: int = 400):
    """Logits that are too sure by this temperature, and whether each entity is right."""
    rng = np.random.default_rng(0)
    honest = [rng.normal(size=(6, 5)) * 2 for _ in range(count)]
    honest = Ragged.join(honest)
    predictions = find_entities(honest)
    right = rng.random(len(predictions.scores)) < predictions.scores
    scores = Ragged(honest.data * temperature, honest.lengths)
    return [(scores, predictions.entities)], right


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_finds_the_temperature_that_logits_are_off_by(temperature):
    assert fit_temperature(*documents_of(temperature)) == pytest.approx(temperature, rel=0.1)


def test_temperature_makes_mean_score_and_precision_alike():
    batches, right = documents_of(3.0)
    fitted = fit_temperature(batches, right)
    precision = right.mean()
    before, after = (all_marginals(batches, temperature).mean() for temperature in (1.0, fitted))
    assert abs(after - precision) < 0.03 < abs(before - precision)


def test_temperature_stays_within_its_bounds():
    batches, right = documents_of(1.0, count=50)
    assert fit_temperature(batches, np.zeros_like(right)) == pytest.approx(10.0, rel=0.01)
