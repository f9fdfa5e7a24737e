from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.vocab import Vocab

from spacy_ner_plus.models.decoding.predictions import adjust_scores, find_entities
from spacy_ner_plus.models.decoding.tags import tags_to_entities
from spacy_ner_plus.models.ragged import Ragged
from tests.models.decoding.sequences import is_valid, random_scores

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


def blocking(nlp, words, *blocked) -> Doc:
    doc = Doc(nlp.vocab, words=words)
    doc.set_ents([], blocked=[doc[i : i + 1] for i in blocked], default="missing")
    return doc


@pytest.mark.slow
@given(st.integers(0, 10**6), st.sets(st.integers(0, 4)))
def test_predictions_of_blocked_tokens_are_the_best_of_those_that_leave_them_free(seed, blocked):
    scores, vocab = random_scores(seed, 5, 2).astype(np.float32), Vocab()
    doc = Doc(vocab, words=list("abcde"))
    doc.set_ents([], blocked=[doc[i : i + 1] for i in blocked])
    found = find_entities(adjust_scores([doc], batch(scores)))

    def total(tags) -> float:
        return float(scores[np.arange(5), list(tags)].sum())

    valid = [tags for tags in product(range(5), repeat=5) if is_valid(tags, 2)]
    free = [tags for tags in valid if not any(tags[i] for i in blocked)]
    best = max(map(total, free))
    entities = [entity[:3] for entity in next(iter(found))]
    assert any(entities_of(tags) == entities for tags in free if total(tags) == best)
    whole = sum(np.exp(total(tags)) for tags in free)
    for entity in next(iter(found)):
        mass = sum(np.exp(total(tags)) for tags in free if entity[:3] in entities_of(tags))
        assert entity.score == pytest.approx(mass / whole, rel=1e-4)


def entities_of(tags) -> list[tuple[int, int, int]]:
    starts, ends, labels = tags_to_entities(Ragged.join([np.array(tags)]), 2)
    return list(zip(starts.tolist(), ends.tolist(), labels.tolist(), strict=True))


def test_predictions_go_on_beside_a_blocked_token(nlp):
    doc = blocking(nlp, ["Anna", "Maria", "Berg"], 1)
    found = next(iter(find_entities(adjust_scores([doc], batch([B_A, I_A, [0.0, 1.0, 0, 9.0, 0]])))))
    assert [entity[:3] for entity in found] == [(0, 1, 0), (2, 3, 0)]


def test_predictions_of_a_blocked_token_that_says_nothing_end_an_entity(nlp):
    doc = blocking(nlp, ["Anna", "\n", "Berg"], 1)
    found = next(iter(find_entities(adjust_scores([doc], batch([B_A, [0.0] * 5, I_A])))))
    assert all(entity.end - entity.start == 1 for entity in found)


def test_predictions_a_block_says_nothing_of_the_word_s_other_occurrences(nlp):
    docs = [blocking(nlp, ["Leeds", "Leeds"]), blocking(nlp, ["Leeds", "Leeds"], 0)]
    free, blocked = adjust_scores(docs, batch([B_A, B_A], [B_A, B_A]), 0.5).split()
    assert blocked[1].tolist() == pytest.approx(free[1].tolist())
