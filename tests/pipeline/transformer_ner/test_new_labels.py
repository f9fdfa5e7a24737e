"""Labels that come to a trained component, what it keeps of the others, and Docs on which only some were annotated."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.annotated_labels import set_annotated_labels
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.models.ragged import Ragged
from tests.conftest import TEXTS, make_examples
from tests.models.test_token_scorer import CNN

NAME = "transformer_ner"
WORDS = ["Anna", "met", "Rex", "in", "Oslo"]


def found(nlp, without=None):
    docs = nlp.pipe(TEXTS)
    return [[(ent.text, ent.label_) for ent in doc.ents if ent.label_ != without] for doc in docs]


def scores(nlp):
    return [ent._.score for doc in nlp.pipe(TEXTS) for ent in doc.ents]


def example(nlp, tags=("O", "O", "B-PET", "O", "O"), annotated=("PET",)):
    """An example on which, unless it is said otherwise, PET alone was annotated."""
    doc = Doc(nlp.vocab, words=WORDS, ents=list(tags))
    if annotated is not None:
        set_annotated_labels(doc, annotated)
    return Example(Doc(nlp.vocab, words=WORDS), doc)


def learn(nlp, examples, steps=30, *, rehearse=False):
    sgd = Adam(3e-3, use_averages=False)
    for _ in range(steps):
        nlp.update(examples, sgd=sgd)
        if rehearse:
            nlp.rehearse(make_examples(nlp), sgd=sgd)


@pytest.fixture
def grown(trained):
    trained.get_pipe(NAME).add_label("PET")
    return trained


def test_new_label_comes_after_the_others(trained):
    pipe = trained.get_pipe(NAME)
    assert pipe.add_label("PET") == 1
    assert pipe.add_label("PET") == pipe.add_label("ORG") == 0
    assert pipe.labels == ("LOC", "ORG", "PER", "PET")
    assert pipe.label_data == ["LOC", "ORG", "PER", "PET"]
    assert "PET" in trained.vocab.strings
    assert pipe.token_scorer.n_tags == 9


@pytest.mark.parametrize("label", ["", " ", 3, None])
def test_new_label_that_is_none_is_refused(trained, label):
    with pytest.raises(UserError, match="E216"):
        trained.get_pipe(NAME).add_label(label)
    assert len(trained.get_pipe(NAME).labels) == 3


def test_new_label_changes_no_prediction(trained):
    expected, sure = found(trained), scores(trained)
    for label in ("PET", "DRUG"):
        trained.get_pipe(NAME).add_label(label)
    assert found(trained) == expected
    assert scores(trained) == pytest.approx(sure, abs=0.01)


def test_new_label_keeps_the_old_rows_as_they_were(trained):
    network = trained.get_pipe(NAME).token_scorer.tagger.network
    weight, bias = network.head.weight.detach().clone(), network.head.bias.detach().clone()
    trained.get_pipe(NAME).add_label("PET")
    kept = [0, 1, 2, 3, 5, 6, 7]
    assert (network.head.weight.detach()[kept] == weight).all()
    assert (network.head.bias.detach()[kept] == bias).all()


def test_new_label_is_learnt_and_the_others_stay(trained):
    trained.resume_training()
    expected = found(trained)
    trained.get_pipe(NAME).add_label("PET")
    learn(trained, [example(trained)], rehearse=True)
    doc = trained(" ".join(WORDS))
    assert ("Rex", "PET") in [(ent.text, ent.label_) for ent in doc.ents]
    # One example says little of what else isn't a pet.
    assert found(trained, without="PET") == expected


def test_new_label_in_the_middle_of_training(trained):
    """The optimizer goes on with the averages that it has."""
    sgd = Adam(3e-3, use_averages=False)
    for _ in range(3):
        trained.update(make_examples(trained), sgd=sgd)
    tagger = trained.get_pipe(NAME).token_scorer.tagger
    before = len(tagger._optimizer.state)
    trained.get_pipe(NAME).add_label("PET")
    assert len(tagger._optimizer.state) == before - 2
    for _ in range(30):
        trained.update([*make_examples(trained), example(trained)], sgd=sgd)
    assert "PET" in {ent.label_ for ent in trained(" ".join(WORDS)).ents}
    assert trained.evaluate(make_examples(trained))["ents_f"] == 1.0


@pytest.mark.parametrize("trained_on", [False, True])
def test_new_label_is_saved_in_every_way(grown, tmp_path, trained_on):
    if trained_on:
        learn(grown, [example(grown)], steps=3)
    pipe = grown.get_pipe(NAME)
    expected = pipe.model.predict([Doc(grown.vocab, words=WORDS)])[0]
    grown.to_disk(tmp_path / "grown")
    from_bytes = spacy.load(tmp_path / "grown").from_bytes(grown.to_bytes())
    sourced = spacy.blank("en")
    sourced.add_pipe(NAME, source=grown)
    for again in (
        spacy.load(tmp_path / "grown").get_pipe(NAME),
        from_bytes.get_pipe(NAME),
        sourced.get_pipe(NAME),
        copy.deepcopy(pipe),
        pickle.loads(pickle.dumps(pipe)),
    ):
        assert again.labels == ("LOC", "ORG", "PER", "PET")
        assert (again.model.predict([Doc(again.vocab, words=WORDS)])[0] == expected).all()
        assert again.add_label("DRUG") == 1


def test_new_label_on_a_thinc_model(nlp):
    pipe = nlp.add_pipe(NAME, config={"model": CNN})
    nlp.initialize(lambda: make_examples(nlp))
    learn(nlp, make_examples(nlp), steps=60)
    expected = found(nlp)
    nlp.resume_training()
    pipe.add_label("PET")
    assert found(nlp) == expected
    learn(nlp, [example(nlp)], steps=40, rehearse=True)
    assert found(nlp, without="PET") == expected
    assert "PET" in {ent.label_ for ent in nlp(" ".join(WORDS)).ents}
    again = spacy.blank("en")
    again.add_pipe(NAME, config={"model": CNN})
    again.from_bytes(nlp.to_bytes())
    assert found(again) == found(nlp)


def test_new_label_initialized_again_starts_over(grown):
    grown.resume_training()
    grown.initialize(lambda: make_examples(grown))
    assert grown.get_pipe(NAME).labels == ("LOC", "ORG", "PER", "PET")
    assert grown.rehearse(make_examples(grown)) == {NAME: 0.0}


# Rehearsal


def test_rehearse_without_resume_training_does_nothing(trained):
    before = scores(trained)
    assert trained.rehearse(make_examples(trained), sgd=Adam(0.1)) == {NAME: 0.0}
    assert scores(trained) == before


def test_rehearse_brings_back_what_was_known(trained):
    trained.resume_training()
    wrong = [
        Example(eg.predicted, Doc(trained.vocab, words=[token.text for token in eg.predicted], ents=None))
        for eg in make_examples(trained)
    ]
    for eg in wrong:
        eg.reference.set_ents([], default="outside")
    learn(trained, wrong, steps=20)
    assert not any(found(trained))
    sgd = Adam(3e-3, use_averages=False)
    history = [trained.rehearse(make_examples(trained), sgd=sgd)[NAME] for _ in range(60)]
    assert history[-1] < 0.1 * history[0]
    assert trained.evaluate(make_examples(trained))["ents_f"] == 1.0


def test_rehearse_adds_its_loss_and_takes_no_step_without_an_optimizer(trained):
    trained.resume_training()
    pipe = trained.get_pipe(NAME)
    learn(trained, [example(trained, ("O",) * 5, None)], steps=3)
    before = scores(trained)
    losses = {NAME: 1.0}
    assert pipe.rehearse(make_examples(trained), losses=losses) is losses
    assert losses[NAME] > 1.0
    assert scores(trained) == before
    assert pipe.rehearse([]) == {NAME: 0.0}
    assert pipe.rehearse([Example(trained.make_doc(""), trained.make_doc(""))]) == {NAME: 0.0}


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda pipe: pickle.loads(pickle.dumps(pipe))])
def test_rehearse_goes_on_in_a_copy(trained, copier):
    trained.resume_training()
    found(trained)
    trained.get_pipe(NAME).add_label("PET")
    again = copier(trained.get_pipe(NAME))
    losses = again.rehearse(make_examples(trained), sgd=Adam(1e-3))
    assert 0 <= losses[NAME] < 0.1


def test_rehearse_leaves_nothing_in_what_is_saved(trained, tmp_path):
    trained.to_disk(tmp_path / "before")
    trained.resume_training()
    trained.to_disk(tmp_path / "after")
    files = [
        sorted(p.relative_to(tmp_path / name) for p in (tmp_path / name).rglob("*"))
        for name in ("before", "after")
    ]
    assert files[0] == files[1]


def test_rehearse_says_that_a_listener_can_not(nlp):
    nlp.add_pipe("tok2vec", config={"model": {**CNN["tok2vec"]}})
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 16}
    nlp.add_pipe(NAME, config={"model": {**CNN, "tok2vec": listener}})
    nlp.initialize(lambda: make_examples(nlp))
    sgd = nlp.resume_training()
    nlp.update(make_examples(nlp), sgd=sgd)
    nlp.get_pipe(NAME).add_label("PET")
    nlp.update([example(nlp)], sgd=sgd)
    with pytest.raises(UserError, match=r"E237.*replace_listeners"):
        nlp.rehearse(make_examples(nlp), sgd=sgd)
    nlp.replace_listeners("tok2vec", NAME, ["model.tok2vec"])
    nlp.resume_training(sgd=sgd)
    assert nlp.rehearse(make_examples(nlp), sgd=sgd)[NAME] == pytest.approx(0, abs=1e-6)


# Docs on which only some labels were annotated


def loss_of(pipe, eg):
    tokens = len(eg.predicted)
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(tokens, len(tag_names(pipe.labels)))).astype(np.float32)
    return logits, *pipe.get_loss([eg], Ragged.join([logits]))


def test_annotated_labels_make_what_is_unmarked_none_of_them(grown):
    pipe = grown.get_pipe(NAME)
    logits, loss, gradient = loss_of(pipe, example(grown))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tag_names(pipe.labels)
    of_pet = [names.index("B-PET"), names.index("I-PET")]
    likelihood = 1 - probabilities[:, of_pet].sum(axis=1)
    likelihood[2] = probabilities[2, of_pet[0]]
    assert loss == pytest.approx(-np.log(likelihood).mean(), rel=1e-5)
    # Away from PET, and towards no tag more than to another, measured by what they have already.
    others = [i for i in range(len(names)) if i not in of_pet]
    assert (gradient[0, of_pet] > 0).all()
    shares = gradient[0, others] / probabilities[0, others]
    assert shares == pytest.approx(np.full(len(others), shares[0]), rel=1e-3)
    assert shares[0] < 0


def test_annotated_labels_that_are_all_mean_o(trained):
    pipe = trained.get_pipe(NAME)
    tags = ("B-PER", "O", "O", "O", "B-LOC")
    _, loss, gradient = loss_of(pipe, example(trained, tags, ("LOC", "ORG", "PER")))
    _, same_loss, same_gradient = loss_of(pipe, example(trained, tags, None))
    assert loss == same_loss
    assert (gradient == same_gradient).all()


def test_annotated_labels_leave_missing_tokens_missing(grown):
    _, _, gradient = loss_of(grown.get_pipe(NAME), example(grown, ("", "O", "B-PET", "O", "")))
    assert not gradient[[0, 4]].any()
    assert gradient[[1, 2, 3]].any(axis=1).all()


def test_annotated_labels_that_are_not_known_teach_nothing_and_are_told(trained):
    pipe = trained.get_pipe(NAME)
    with pytest.warns(UserWarning, match=r"W201.*PET.*add_label"):
        _, loss, gradient = loss_of(pipe, example(trained))
    assert loss == 0
    assert not gradient.any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss_of(pipe, example(trained))


@pytest.mark.parametrize(("value", "code"), [("PET", "E238"), ([], "E238"), (["ORG"], "E239")])
@pytest.mark.parametrize("method", ["update", "initialize"])
def test_annotated_labels_that_do_not_fit_are_refused(grown, method, value, code):
    eg = example(grown)
    eg.reference.user_data["annotated_labels"] = value
    call = {
        "update": lambda: grown.update([eg], sgd=Adam(1e-3)),
        "initialize": lambda: grown.initialize(lambda: [eg]),
    }
    with pytest.raises(UserError, match=rf"{code}.*Anna met Rex"):
        call[method]()


def test_annotated_labels_do_not_make_others_wrong_in_scores(trained):
    eg = example(trained, ("O", "O", "O", "O", "B-LOC"), ("LOC",))
    predicted = Doc(trained.vocab, words=WORDS, ents=["B-PER", "O", "B-LOC", "O", "B-LOC"])
    scored = trained.get_pipe(NAME).score([Example(predicted, eg.reference)])
    assert scored["ents_per_type"].keys() == {"LOC"}
    assert scored["ents_p"] == 0.5
    assert scored["ents_r"] == 1.0


def test_annotated_labels_keep_the_others_where_plain_gold_forgets_them(trained_folder):
    def others_left(annotated) -> int:
        nlp = spacy.load(trained_folder)
        nlp.get_pipe(NAME).add_label("PET")
        half = []
        for eg in make_examples(nlp):
            eg.reference.set_ents([], default="outside")
            if annotated:
                set_annotated_labels(eg.reference, ["PET"])
            half.append(eg)
        learn(nlp, [*half, example(nlp, annotated=("PET",) if annotated else None)], steps=20)
        return sum(map(len, found(nlp)))

    assert others_left(annotated=False) == 0
    assert others_left(annotated=True) > 10
