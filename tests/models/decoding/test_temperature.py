import numpy as np
import pytest

from spacy_ner_plus.models.decoding.marginals import span_marginals
from spacy_ner_plus.models.decoding.predictions import find_entities
from spacy_ner_plus.models.decoding.temperature import fit_temperature


def documents_of(temperature: float, count: int = 400):
    """Logits that are too sure by this temperature, and whether each entity is right."""
    rng = np.random.default_rng(0)
    honest = [rng.normal(size=(6, 5)) * 2 for _ in range(count)]
    predictions = find_entities(honest, 2)
    entities = [prediction.entities for prediction in predictions]
    right = [rng.random(len(p.scores)) < p.scores for p in predictions]
    return [scores * temperature for scores in honest], entities, right


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_calibration_finds_the_temperature_that_logits_are_off_by(temperature):
    scores, entities, right = documents_of(temperature)
    assert fit_temperature(scores, entities, right) == pytest.approx(temperature, rel=0.1)


def test_calibration_makes_mean_score_and_precision_alike():
    scores, entities, right = documents_of(3.0)
    fitted = fit_temperature(scores, entities, right)
    precision = np.concatenate(right).mean()
    before, after = (
        np.concatenate(span_marginals(scores, entities, temperature)).mean() for temperature in (1.0, fitted)
    )
    assert abs(after - precision) < 0.03 < abs(before - precision)


def test_calibration_stays_within_its_bounds():
    scores, entities, _ = documents_of(1.0, count=50)
    wrong = [np.zeros(len(part.starts), dtype=bool) for part in entities]
    assert fit_temperature(scores, entities, wrong) == pytest.approx(10.0, rel=0.01)
