import numpy as np
import pytest
from spacy.tokens import Doc

from spacy_ner_plus.models.decoding.predictions import adjust_scores, find_entities
from spacy_ner_plus.models.ragged import Ragged

# Sure of one of O, B-A, B-B, I-A, I-B.
OUT, B_A, B_B, I_A = ([9.0 * (i == j) for i in range(5)] for j in range(4))


def batch(*documents) -> Ragged:
    return Ragged.join([np.array(rows, dtype=np.float32).reshape(-1, 5) for rows in documents])


def test_predictions_are_given_for_each_document():
    predictions = find_entities(batch([OUT, B_A, I_A], [], [B_B], [OUT]))
    assert len(predictions) == 4
    assert [[entity[:3] for entity in found] for found in predictions] == [[(1, 3, 0)], [], [(0, 1, 1)], []]
    assert all(0.9 < entity.score <= 1 for found in predictions for entity in found)


def test_predictions_of_no_tokens_are_none():
    assert list(find_entities(batch([], []))) == [[], []]


def test_predictions_temperature_changes_scores_alone():
    scores = batch([OUT, B_A, I_A])
    sure, doubtful = (find_entities(scores, temperature) for temperature in (1.0, 5.0))
    assert [part.tolist() for part in sure.entities] == [part.tolist() for part in doubtful.entities]
    assert doubtful.scores < sure.scores


def test_predictions_white_space_says_nothing(nlp):
    docs = [Doc(nlp.vocab, words=["a", "\n"]), Doc(nlp.vocab, words=["b"])]
    scores = batch([OUT, B_A], [B_A])
    adjusted = adjust_scores(docs, scores)
    assert adjusted.data.tolist() == [OUT, [0.0] * 5, B_A]
    assert scores.data[1].tolist() == B_A


@pytest.mark.parametrize("consistency", [0.0, 0.5])
def test_predictions_words_agree_as_far_as_they_are_told_to(nlp, consistency):
    docs = [Doc(nlp.vocab, words=["Leeds", "Leeds"])]
    adjusted = adjust_scores(docs, batch([B_A, [1.0, 0.9, 0, 0, 0]]), consistency)
    assert adjusted.data[1].argmax() == (1 if consistency else 0)
