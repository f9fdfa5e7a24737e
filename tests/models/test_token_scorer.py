"""Both networks keep one contract: our own tagger, and any thinc model."""

import copy
import pickle

import numpy as np
import pytest
import spacy
from thinc.api import Adam

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.decoding.tags import renumber_tags
from spacy_ner_plus.models.token_scorer import TaggerScorer, ThincScorer, token_scorer
from tests.conftest import make_docs

CNN = {
    "@architectures": "spacy_ner_plus.Tok2VecTagger.v1",
    "tok2vec": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 16,
        "depth": 1,
        "embed_size": 50,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    },
}
KINDS = ("tagger", "thinc")


@pytest.fixture
def make(encoder_folder):
    def make(kind: str, n_tags: int | None = 5):
        config = CNN
        if kind == "tagger":
            config = {
                "@architectures": "spacy_ner_plus.TransformerTagger.v2",
                "encoder": encoder_folder,
                "window": 30,
                "overlap": 10,
                "lead": 6,
            }
        model = spacy.registry.resolve({"model": config})["model"]
        scorer = token_scorer(model, "mine")
        if kind == "tagger":
            scorer.configure("cpu", "fp32")
        if n_tags is not None:
            scorer.create(n_tags, docs())
        return scorer

    return make


def docs():
    return make_docs(spacy.blank("en").vocab)


def learn(scorer, target: int, steps: int = 5) -> float:
    """Take steps towards one tag for all tokens, and give how much more than others it scores then."""
    optimizer = Adam(1e-3, use_averages=False)
    for _ in range(steps):
        scores, backprop = scorer.begin_update(docs(), 0.0)
        gradient = np.full_like(scores.data, 1 / scores.data.size)
        gradient[:, target] *= -1
        backprop(gradient)
        scorer.finish_update(optimizer)
    scores = scorer.score(docs()).data
    return float((scores[:, target] - np.delete(scores, target, axis=1).max(axis=1)).min())


def test_token_scorer_is_chosen_by_the_model(make):
    assert isinstance(make("tagger"), TaggerScorer)
    assert isinstance(make("thinc"), ThincScorer)


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_scores_all_tags_of_every_token(make, kind):
    scorer = make(kind, n_tags=7)
    scores = scorer.score(docs())
    assert scores.data.shape == (sum(map(len, docs())), 7)
    assert scores.lengths.tolist() == [len(doc) for doc in docs()]
    assert scorer.n_tags == 7


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_without_tokens_gives_no_rows(make, kind):
    nlp = spacy.blank("en")
    scores = make(kind).score([nlp(""), nlp("")])
    assert scores.data.shape == (0, 5)
    assert scores.lengths.tolist() == [0, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_says_that_there_is_no_network_yet(make, kind):
    scorer = make(kind, n_tags=None)
    assert scorer.n_tags is None
    with pytest.raises(UserError, match="E208"):
        scorer.score(docs())


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_learns(make, kind):
    assert learn(make(kind), 2, steps=60) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_without_a_step_stays_as_it_is(make, kind):
    scorer = make(kind)
    before = scorer.score(docs()).data
    scores, backprop = scorer.begin_update(docs(), 0.0)
    backprop(np.ones_like(scores.data))
    assert (scorer.score(docs()).data == before).all()


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_is_the_same_from_disk(make, tmp_path, kind):
    scorer, loaded = make(kind), make(kind, n_tags=None)
    learn(scorer, 2)
    scorer.save(tmp_path / "model")
    loaded.load(tmp_path / "model")
    assert loaded.n_tags == 5
    assert (loaded.score(docs()).data == scorer.score(docs()).data).all()


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_is_the_same_from_bytes(make, kind):
    scorer, loaded = make(kind), make(kind, n_tags=None)
    learn(scorer, 2)
    loaded.from_bytes(scorer.to_bytes())
    assert loaded.n_tags == 5
    assert (loaded.score(docs()).data == scorer.score(docs()).data).all()


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_says_where_no_network_is(make, tmp_path, kind):
    with pytest.raises(UserError, match=r"E209.*nowhere"):
        make(kind).load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "copier", [lambda s: s.copy(), copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_copied_after_use_is_a_network_of_its_own(make, kind, copier):
    scorer = make(kind)
    learn(scorer, 2)
    before = scorer.score(docs()).data
    copied = copier(scorer)
    assert (copied.score(docs()).data == before).all()
    learn(copied, 3)
    assert (copied.score(docs()).data != before).any()
    assert (scorer.score(docs()).data == before).all()


# Half a minute for thinc's.
@pytest.mark.parametrize("kind", ["tagger", pytest.param("thinc", marks=pytest.mark.slow)])
def test_token_scorer_resized_keeps_what_was_learnt(make, kind):
    scorer = make(kind)
    learn(scorer, 2)
    before = scorer.score(docs()).data
    scorer.resize(9)
    after = scorer.score(docs()).data
    assert scorer.n_tags == after.shape[1] == scorer.model.get_dim("nO") == 9
    kept = renumber_tags(5, 9)
    assert after[:, kept] == pytest.approx(before, abs=1e-6)
    # thinc's optimizer gives a new layer no higher rate.
    assert learn(scorer, 8, steps=60 if kind == "tagger" else 400) > 1


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_resized_predicts_no_new_tags(make, kind):
    scorer = make(kind)
    learn(scorer, 2)
    scorer.resize(9)
    scores = scorer.score(docs()).data
    new = sorted(set(range(9)) - set(renumber_tags(5, 9)))
    below = np.log(100)
    assert scores[:, new] == pytest.approx(np.repeat(scores[:, :1] - below, len(new), axis=1), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_resized_learns_by_the_optimizer_that_it_had(make, kind):
    """The averages of the other weights stay, and a gradient that was gathered for the old head is no trouble."""
    scorer, optimizer = make(kind), Adam(1e-2, use_averages=False)

    def step(n_tags: int, *, finish: bool = True) -> float:
        scores, backprop = scorer.begin_update(docs(), 0.0)
        gradient = np.full_like(scores.data, 1 / scores.data.size)
        gradient[:, n_tags - 1] *= -1
        backprop(gradient)
        if finish:
            scorer.finish_update(optimizer)
        return float(scores.data[:, n_tags - 1].mean())

    for _ in range(5):
        step(5)
    step(5, finish=False)
    scorer.resize(9)
    history = [step(9) for _ in range(10)]
    assert history[-1] > history[0]


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_resized_is_saved(make, tmp_path, kind):
    scorer, loaded = make(kind), make(kind, n_tags=None)
    scorer.resize(9)
    scorer.save(tmp_path / "model")
    loaded.load(tmp_path / "model")
    assert loaded.n_tags == 9
    assert (loaded.score(docs()).data == scorer.score(docs()).data).all()


def test_token_scorer_of_a_model_without_an_output_layer_refuses_to_grow(make):
    scorer = make("thinc")
    scorer.model.set_ref("output_layer", None)
    with pytest.raises(UserError, match=r"E232.*mine.*5.*9"):
        scorer.resize(9)
    assert scorer.score(docs()).data.shape[1] == scorer.n_tags == 5


@pytest.mark.parametrize("setting", [("cuda", "auto"), ("auto", "bf16")])
def test_token_scorer_of_another_model_refuses_settings_that_it_does_not_take(make, setting):
    with pytest.raises(UserError, match=r"E221.*mine"):
        make("thinc").configure(*setting)


@pytest.mark.parametrize("kind", KINDS)
def test_token_scorer_made_again_starts_over(make, kind):
    scorer = make(kind)
    learn(scorer, 2)
    scorer.create(3, docs())
    assert scorer.score(docs()).data.shape[1] == scorer.n_tags == 3


def test_token_scorer_that_can_not_be_made_again_stays(make):
    from dataclasses import replace

    scorer = make("tagger")
    before = scorer.score(docs()).data
    scorer.tagger.settings = replace(scorer.tagger.settings, encoder="")
    with pytest.raises(UserError, match="E201"):
        scorer.create(3, docs())
    assert (scorer.score(docs()).data == before).all()
