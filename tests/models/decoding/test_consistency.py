import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.models.decoding.consistency import share_scores
from spacy_ner_plus.models.ragged import Ragged

VOCAB = spacy.blank("en").vocab
# O, B-ORG, B-LOC, I-ORG, I-LOC
N_TAGS = 5
SURE_ORG, DOUBTFUL = [0.0, 9.0, 0.0, 0.0, 0.0], [0.0, 2.0, 2.1, 0.0, 0.0]


def batch(*texts):
    return [Doc(VOCAB, words=text.split()) for text in texts]


def share_one(words, rows, share=0.5):
    return share_scores(batch(words), Ragged.join([np.array(rows, dtype=np.float32)]), share).data


def test_consistency_lets_a_plain_mention_decide_a_doubtful_one():
    scores = share_one("Leeds beat Leeds", [SURE_ORG, [5.0, 0, 0, 0, 0], DOUBTFUL])
    assert scores.argmax(axis=1).tolist() == [1, 0, 1]


def test_consistency_takes_words_of_another_case_for_the_same():
    scores = share_one("LEEDS beat Leeds", [SURE_ORG, [5.0, 0, 0, 0, 0], DOUBTFUL])
    assert scores[2].argmax() == 1


def test_consistency_of_others_says_nothing_of_where_entities_begin():
    inside = [0.0, 2.0, 2.0, 2.0, 2.0]
    scores = share_one("Leeds and Leeds", [SURE_ORG, [5.0, 0, 0, 0, 0], inside])
    assert scores[2, 1] == pytest.approx(scores[2, 3])
    assert scores[2, 1] > scores[2, 2]


@pytest.mark.parametrize("word", ["of", ","])
def test_consistency_leaves_lower_case_and_punctuation_alone(word):
    rows = np.array([SURE_ORG, SURE_ORG, DOUBTFUL], dtype=np.float32)
    assert np.array_equal(share_one(f"{word} Leeds {word}", rows), rows)


def test_consistency_ends_with_the_document():
    scores = Ragged.join([np.array([row], dtype=np.float32) for row in (SURE_ORG, DOUBTFUL)])
    assert np.array_equal(share_scores(batch("Leeds", "Leeds"), scores, 0.5).data, scores.data)


def test_consistency_grows_with_the_number_of_other_occurrences():
    few = share_one("Leeds Leeds", [DOUBTFUL, SURE_ORG])[0]
    many = share_one("Leeds Leeds Leeds Leeds", [DOUBTFUL, SURE_ORG, SURE_ORG, SURE_ORG])[0]
    assert many[1] - many[2] > few[1] - few[2]


def test_consistency_of_a_silent_row_stays_silent():
    scores = share_one("Leeds Leeds", [SURE_ORG, [0.0] * N_TAGS])
    assert scores[1].tolist() == [0.0] * N_TAGS
    assert scores[0].tolist() == SURE_ORG


WORDS = st.lists(st.sampled_from(["Leeds", "leeds", "LEEDS", "of", ",", "U.S."]), max_size=8)


@given(st.lists(WORDS, min_size=1, max_size=4), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_consistency_of_a_batch_is_that_of_each_document(texts, share, seed):
    docs = [Doc(VOCAB, words=words) for words in texts]
    rng = np.random.default_rng(seed)
    scores = Ragged.join([rng.normal(size=(len(doc), N_TAGS)).astype(np.float32) for doc in docs])
    before = scores.data.copy()
    together = share_scores(docs, scores, share)
    assert together.data.shape == scores.data.shape
    assert np.array_equal(before, scores.data)
    for doc, part, found in zip(docs, scores.split(), together.split(), strict=True):
        assert np.allclose(share_scores([doc], Ragged.join([part]), share).data, found, atol=1e-5)
