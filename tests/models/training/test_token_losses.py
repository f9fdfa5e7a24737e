"""Losses that a config names: what they are at their ends, and their gradients."""

import copy
import pickle

import numpy as np
import pytest
from spacy import registry

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.models.training.loss import cross_entropy
from spacy_ner_plus.models.training.token_losses import (
    focal_loss_v1,
    smoothed_cross_entropy_v1,
    weighted_cross_entropy_v1,
)
from spacy_ner_plus.soft_tags import SoftTags, write_soft_tags
from tests.conftest import make_examples, make_pipeline, train

LABELS = ["PER", "LOC"]
# O, B-PER, B-LOC, I-PER, I-LOC
N_TAGS = 5


def make_batch(tokens=7):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(tokens, N_TAGS))
    allowed = np.zeros((tokens, N_TAGS), dtype=bool)
    allowed[np.arange(tokens), rng.integers(N_TAGS, size=tokens)] = True
    # Of one only some labels are known, and of another nothing.
    allowed[1, [0, 2, 4]] = True
    allowed[2] = True
    return scores, allowed


LOSSES = [
    focal_loss_v1(),
    focal_loss_v1(gamma=0.5, weights={"LOC": 3.0}, outside=0.2),
    weighted_cross_entropy_v1(weights={"PER": 2.0}),
    smoothed_cross_entropy_v1(0.2),
]


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_token_losses_have_the_gradient_that_differences_show(loss):
    scores, allowed = make_batch()
    _, gradient = loss(scores, allowed, LABELS)
    found = np.zeros_like(scores)
    for place in np.ndindex(scores.shape):
        for sign in (1, -1):
            moved = scores.copy()
            moved[place] += sign * 1e-5
            found[place] += sign * loss(moved, allowed, LABELS)[0] / 2e-5
    np.testing.assert_allclose(gradient, found, atol=1e-7)
    assert not gradient[2].any()


@pytest.mark.parametrize(
    "loss", [focal_loss_v1(gamma=0), weighted_cross_entropy_v1(), smoothed_cross_entropy_v1(0.0)], ids=str
)
def test_token_losses_at_their_beginnings_are_cross_entropy(loss):
    scores, allowed = make_batch()
    expected, by_scores = cross_entropy(scores, allowed)
    found, gradient = loss(scores, allowed, LABELS)
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(gradient, by_scores, atol=1e-12)


def test_focal_loss_counts_what_is_certain_hardly_at_all():
    allowed = np.zeros((2, N_TAGS), dtype=bool)
    allowed[:, 1] = True
    scores = np.zeros((2, N_TAGS))
    scores[0, 1] = 6.0
    ratios = []
    for loss in (cross_entropy, lambda s, a: focal_loss_v1()(s, a, LABELS)):
        sizes = np.abs(loss(scores, allowed)[1]).sum(axis=1)
        ratios.append(sizes[0] / sizes[1])
    assert ratios[1] < 0.01 * ratios[0]


def test_weighted_cross_entropy_counts_tokens_by_their_label():
    scores = np.zeros((3, N_TAGS))
    allowed = np.eye(N_TAGS, dtype=bool)[[0, 1, 4]]
    _, gradient = weighted_cross_entropy_v1({"LOC": 4.0}, outside=0.5)(scores, allowed, LABELS)
    sizes = np.abs(gradient).sum(axis=1)
    assert sizes / sizes[1] == pytest.approx([0.5, 1.0, 4.0])


def test_smoothed_cross_entropy_wants_no_tag_to_be_certain():
    allowed = np.eye(N_TAGS, dtype=bool)[[1]]
    # At the target itself: 0.9 and a tenth shared out among all.
    probs = np.full((1, N_TAGS), 0.02)
    probs[0, 1] = 0.92
    _, gradient = smoothed_cross_entropy_v1(0.1)(np.log(probs), allowed, LABELS)
    assert np.abs(gradient).max() < 1e-12


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_token_losses_of_nothing_that_is_known_are_nothing(loss):
    found, gradient = loss(np.ones((2, N_TAGS)), np.ones((2, N_TAGS), dtype=bool), LABELS)
    assert found == 0
    assert not gradient.any()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("focal_loss", {"gamma": -1}),
        ("focal_loss", {"outside": float("nan")}),
        ("weighted_cross_entropy", {"weights": {"PER": "much"}}),
        ("smoothed_cross_entropy", {"smoothing": 1.0}),
        ("smoothed_cross_entropy", {"smoothing": "0.1"}),
        ("focal_loss", {"outside": -1, "weights": {"outside": 1.0}}),
        ("weighted_cross_entropy", {"weights": ["PER"]}),
    ],
)
def test_token_losses_refuse_numbers_that_do_not_fit(name, given):
    with pytest.raises(UserError, match="E916"):
        registry.losses.get(f"spacy_ner_plus.{name}.v1")(**given)


def test_token_losses_refuse_the_weight_of_a_label_that_is_not_learnt():
    scores, allowed = make_batch()
    with pytest.raises(UserError, match=r"E917.*'ORG'.*PER, LOC"):
        weighted_cross_entropy_v1({"ORG": 2.0})(scores, allowed, LABELS)


def test_token_losses_from_a_config_are_learnt_from(encoder_folder):
    """At the start a network is unsure of all: its focal loss is less than cross-entropy, and it goes elsewhere."""
    histories = {}
    for name in (None, "focal_loss", "weighted_cross_entropy", "smoothed_cross_entropy"):
        given = {"outside": 0.1} if name == "weighted_cross_entropy" else {}
        loss = None if name is None else {"@losses": f"spacy_ner_plus.{name}.v1", **given}
        histories[name] = train(make_pipeline(encoder_folder, loss=loss), steps=2)
    assert histories["focal_loss"][0] < 0.95 * histories[None][0]
    assert len({round(history[1], 6) for history in histories.values()}) == 4


def test_token_losses_are_pickled_with_their_pipeline(encoder_folder):
    loss = {"@losses": "spacy_ner_plus.focal_loss.v1", "gamma": 3.0}
    nlp = make_pipeline(encoder_folder, loss=loss)
    for other in (pickle.loads(pickle.dumps(nlp)), copy.deepcopy(nlp)):
        assert other.get_pipe("transformer_ner").loss == nlp.get_pipe("transformer_ner").loss


def test_token_losses_are_refused_beside_soft_tags(encoder_folder):
    nlp = make_pipeline(encoder_folder, loss={"@losses": "spacy_ner_plus.focal_loss.v1"})
    example = make_examples(nlp)[0]
    pipe = nlp.get_pipe("transformer_ner")
    length, n_tags = len(example.reference), 1 + 2 * len(pipe.labels)
    probs = np.full((length, n_tags), 1 / n_tags)
    write_soft_tags(example.reference, SoftTags(pipe.labels, probs, np.ones(length), 1.0))
    with pytest.raises(UserError, match="E915"):
        nlp.update([example])
