from itertools import islice

import pytest
from spacy.tokens import Doc, DocBin
from spacy.training.batchers import minibatch_by_words

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.training.schedules import epochs_v1, eval_frequency_v1, warmup_linear_by_epochs_v1


@pytest.fixture
def corpus(nlp, tmp_path):
    docs = [Doc(nlp.vocab, words=["w"] * length) for length in [5, 30, 12, 7, 100, 3] * 10]
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    return docs, tmp_path / "train.spacy"


def test_schedules_follow_the_length_of_the_training(corpus):
    docs, path = corpus
    steps = 4 * len(list(minibatch_by_words(docs, 40)))
    rates = list(islice(warmup_linear_by_epochs_v1(1e-3, 0.1, 4, str(path), 40), steps + 3))
    assert max(rates) == pytest.approx(1e-3)
    assert rates.index(max(rates)) == pytest.approx(0.1 * steps, abs=1)
    assert rates[steps - 1] > 0
    assert rates[steps:] == [0.0, 0.0, 0.0]


def test_schedules_read_a_folder_of_shards(corpus, tmp_path):
    _, path = corpus
    whole = list(islice(warmup_linear_by_epochs_v1(1.0, 0.1, 1, str(path), 40), 50))
    assert list(islice(warmup_linear_by_epochs_v1(1.0, 0.1, 1, str(tmp_path), 40), 50)) == whole


@pytest.mark.parametrize("path", [None, "no/such/corpus.spacy"])
def test_schedules_say_that_the_corpus_is_missing(path):
    with pytest.raises(UserError, match="E214"):
        next(warmup_linear_by_epochs_v1(1e-3, 0.1, 4, path, 40))


def test_schedules_need_epochs(corpus):
    with pytest.raises(UserError, match="E213"):
        next(warmup_linear_by_epochs_v1(1e-3, 0.1, 0, str(corpus[1]), 40))


@pytest.mark.parametrize(("per_epoch", "share"), [(1.0, 1.0), (2.0, 0.5), (0.5, 2.0)])
def test_schedules_evaluate_as_often_whatever_the_corpus(corpus, per_epoch, share):
    docs, path = corpus
    steps = len(list(minibatch_by_words(docs, 40)))
    assert eval_frequency_v1(str(path), 40, per_epoch) == int(share * steps)


def test_schedules_evaluate_at_least_at_each_step(corpus):
    assert eval_frequency_v1(str(corpus[1]), 10**6, 2.0) == 1


def test_schedules_spread_evaluations_over_steps_that_are_added(corpus):
    docs, path = corpus
    steps = len(list(minibatch_by_words(docs, 40)))
    assert eval_frequency_v1(str(path), 40, 2.0, epochs=4, min_steps=100 * steps) == 100 * steps // 8
    assert eval_frequency_v1(str(path), 40, 2.0, epochs=4, min_steps=1) == int(steps / 2)


def test_schedules_refuse_evaluations_that_never_come(corpus):
    with pytest.raises(UserError, match="E219"):
        eval_frequency_v1(str(corpus[1]), 40, 0)


@pytest.mark.parametrize(("min_steps", "more"), [(0, 0), (1, 0), (10_000, 1)])
def test_schedules_train_a_small_corpus_for_more_epochs(corpus, min_steps, more):
    docs, path = corpus
    steps = len(list(minibatch_by_words(docs, 40)))
    epochs = epochs_v1(str(path), 40, 4, min_steps)
    assert epochs == (-(-min_steps // steps) if more else 4)


def test_schedules_count_no_epochs_of_a_missing_corpus():
    with pytest.raises(UserError, match="E214"):
        epochs_v1("no/such/corpus.spacy", 40, 4, 100)


def test_schedules_refuse_no_epochs_at_all(corpus):
    with pytest.raises(UserError, match="E213"):
        epochs_v1(str(corpus[1]), 40, 0, 100)
