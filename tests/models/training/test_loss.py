"""Losses and their gradients, against torch's autograd."""

import numpy as np
import pytest
import torch

from spacy_ner_plus.models.decoding.tags import renumber_tags
from spacy_ner_plus.models.training.loss import cross_entropy, rehearsal_loss

SEEDS = range(12)


def sample(seed: int, n_tags: int, rows: int = 9) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, rng.normal(scale=4, size=(rows, n_tags))


def one_of(gold: list[int], n_tags: int) -> np.ndarray:
    return np.array(gold)[:, None] == np.arange(n_tags)


def test_loss_of_one_tag_is_its_cross_entropy():
    _, scores = sample(0, 5)
    gold = [0, 1, 2, 3, 4, 0, 0, 1, 2]
    loss, gradient = cross_entropy(scores, one_of(gold, 5))
    logits = torch.tensor(scores, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(gold))
    expected.backward()
    assert loss == pytest.approx(expected.item())
    assert gradient == pytest.approx(logits.grad.numpy())


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_of_some_tags_is_that_of_their_summed_probability(seed):
    rng, scores = sample(seed, 7)
    allowed = rng.random(scores.shape) < rng.choice([0.2, 0.5, 0.9])
    allowed[np.arange(len(allowed)), rng.integers(0, 7, len(allowed))] = True
    allowed[3] = True
    loss, gradient = cross_entropy(scores, allowed)
    logits = torch.tensor(scores, requires_grad=True)
    counted = torch.tensor(~allowed.all(axis=1))
    likelihood = (logits.softmax(dim=1) * torch.tensor(allowed)).sum(dim=1)
    expected = -likelihood[counted].log().mean()
    expected.backward()
    assert loss == pytest.approx(expected.item())
    assert gradient == pytest.approx(logits.grad.numpy(), abs=1e-9)
    assert not gradient[3].any()


def test_loss_where_nothing_is_known_is_zero():
    _, scores = sample(0, 5)
    loss, gradient = cross_entropy(scores, np.ones_like(scores, dtype=bool))
    assert loss == 0.0
    assert not gradient.any()
    assert cross_entropy(scores[:0], np.ones((0, 5), dtype=bool))[0] == 0.0


def test_loss_of_extreme_scores_is_finite():
    scores = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], dtype=np.float32)
    allowed = np.array([[False, True, False], [True, False, True]])
    loss, gradient = cross_entropy(scores, allowed)
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("n_labels", [2, 3, 4])
@pytest.mark.parametrize("seed", SEEDS)
def test_loss_of_rehearsal_compares_what_was_o_with_o_and_new_labels_together(seed, n_labels):
    rng, scores = sample(seed, 2 * n_labels + 1)
    taught = rng.normal(scale=4, size=(len(scores), 5))
    loss, gradient = rehearsal_loss(scores, taught)
    logits = torch.tensor(scores, requires_grad=True)
    probabilities = logits.softmax(dim=1)
    kept = renumber_tags(5, 2 * n_labels + 1)
    new = [i for i in range(2 * n_labels + 1) if i not in kept]
    together = torch.cat(
        (probabilities[:, :1] + probabilities[:, new].sum(dim=1, keepdim=True), probabilities[:, kept[1:]]),
        dim=1,
    )
    target = torch.tensor(taught).softmax(dim=1)
    expected = torch.nn.functional.kl_div(together.log(), target, reduction="batchmean")
    expected.backward()
    assert loss == pytest.approx(expected.item())
    assert gradient == pytest.approx(logits.grad.numpy(), abs=1e-9)


def test_loss_of_rehearsal_is_zero_where_nothing_has_changed():
    _, scores = sample(0, 5)
    loss, gradient = rehearsal_loss(scores, scores)
    assert loss == pytest.approx(0, abs=1e-12)
    assert gradient == pytest.approx(0, abs=1e-12)


def test_loss_of_rehearsal_does_not_mind_which_new_label_an_o_has_become():
    """A token that is of a new label was O before: moving it from O to that costs nothing."""
    taught = np.array([[3.0, 1.0, 0.0]])
    scores = np.array([[3.0, 1.0, -20.0, 0.0, -20.0], [-20.0, 1.0, 3.0, 0.0, -20.0]])
    losses = [rehearsal_loss(row[None], taught)[0] for row in scores]
    assert losses == pytest.approx([0, 0], abs=1e-6)


def test_loss_of_rehearsal_leaves_out_tokens_without_scores():
    _, scores = sample(0, 5, rows=3)
    taught = scores + 1.5 * np.eye(3, 5)
    taught[1] = 0.0
    loss, gradient = rehearsal_loss(scores, taught)
    others = [0, 2]
    assert loss == pytest.approx(rehearsal_loss(scores[others], taught[others])[0])
    assert not gradient[1].any()
