"""Losses and their gradients, against torch's autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding.tags import renumber_tags
from spacy_ner_plus.models.training.loss import (
    SoftTargets,
    cross_entropy,
    distillation_loss,
    rehearsal_loss,
)

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


def alone(probs: np.ndarray, weights: np.ndarray | None = None, temperature: float = 1.0) -> SoftTargets:
    """Targets in which each tag stands for itself."""
    part_of = np.tile(np.arange(probs.shape[1]), (len(probs), 1))
    weights = np.ones(len(probs)) if weights is None else weights
    return SoftTargets(part_of, probs, weights, np.full(len(probs), temperature))


def test_loss_of_teachers_who_are_certain_is_that_of_their_tags():
    _, scores = sample(0, 5)
    gold = one_of([0, 1, 2, 3, 4, 0, 0, 1, 2], 5)
    unknown = np.ones_like(gold)
    expected_loss, expected_gradient = cross_entropy(scores, gold)
    for allowed, hard, soft in (
        # By soft tags alone, by annotation alone, and by both that say the same.
        (unknown, np.ones(9), alone(gold.astype(float))),
        (gold, np.ones(9), alone(gold.astype(float), np.zeros(9))),
        (gold, np.full(9, 0.3), alone(gold.astype(float), np.full(9, 0.7))),
    ):
        loss, gradient = distillation_loss(scores, allowed, hard, soft)
        assert loss == pytest.approx(expected_loss, abs=1e-12)
        assert gradient == pytest.approx(expected_gradient, abs=1e-12)


@given(seed=st.integers(0, 10_000), n_tags=st.sampled_from([3, 5, 9]), n_groups=st.integers(1, 9))
def test_loss_of_soft_tags_has_the_gradient_that_torch_finds(seed, n_tags, n_groups):
    rng, scores = sample(seed, n_tags)
    rows = len(scores)
    allowed = rng.random(scores.shape) < 0.5
    allowed[np.arange(rows), rng.integers(0, n_tags, rows)] = True
    allowed[:2] = True
    hard_weights = rng.random(rows) * (rng.random(rows) < 0.7)
    # Groups are called by one of their tags.
    names = rng.permutation(n_tags)[: min(n_groups, n_tags)]
    part_of = names[rng.integers(0, len(names), scores.shape)]
    part_of[:, names] = names
    probs = np.zeros(scores.shape)
    probs[:, names] = rng.dirichlet(np.full(len(names), 0.3), rows)
    probs[3] = 0.0
    probs[3, names[0]] = 1.0
    weights = rng.random(rows) * (rng.random(rows) < 0.7)
    temperatures = rng.choice([0.5, 1.0, 3.0], rows)
    soft = SoftTargets(part_of, probs, weights, temperatures)
    loss, gradient = distillation_loss(scores, allowed, hard_weights, soft)

    logits = torch.tensor(scores, requires_grad=True)
    hard = torch.tensor(np.where(allowed.all(axis=1), 0.0, hard_weights))
    likelihood = (logits.softmax(dim=1) * torch.tensor(allowed)).sum(dim=1)
    total = -(hard * likelihood.log()).sum()
    softened = (logits / torch.tensor(temperatures)[:, None]).softmax(dim=1)
    groups = torch.zeros_like(softened).scatter_add(1, torch.tensor(part_of), softened)
    target = torch.tensor(probs)
    terms = torch.where(
        target > 0, target * (target.clamp(min=1e-300).log() - groups.clamp(min=1e-300).log()), 0
    )
    total = total + (torch.tensor(weights * temperatures**2) * terms.sum(dim=1)).sum()
    counted = int(((hard > 0) | (torch.tensor(weights) > 0)).sum())
    if not counted:
        assert loss == 0
        assert not gradient.any()
        return
    expected = total / counted
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-9)
    assert gradient == pytest.approx(logits.grad.numpy(), abs=1e-9)


def test_loss_of_soft_tags_is_zero_where_they_are_met_and_finite_where_scores_are_extreme():
    probs = np.array([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])
    nothing = np.ones(probs.shape, dtype=bool)
    loss, gradient = distillation_loss(np.log(probs).astype(np.float32), nothing, np.ones(2), alone(probs))
    assert loss == pytest.approx(0, abs=1e-6)
    assert gradient == pytest.approx(0, abs=1e-6)
    assert gradient.dtype == np.float32
    scores = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], dtype=np.float32)
    loss, gradient = distillation_loss(scores, nothing, np.ones(2), alone(probs))
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()


def test_loss_of_a_token_with_half_the_weight_counts_half_as_much_in_any_batch():
    _, scores = sample(0, 3, rows=2)
    probs = np.array([[0.7, 0.2, 0.1], [0.5, 0.25, 0.25]])
    nothing = np.ones(probs.shape, dtype=bool)
    whole = distillation_loss(scores, nothing, np.ones(2), alone(probs))
    half = distillation_loss(scores, nothing, np.ones(2), alone(probs, np.full(2, 0.5)))
    assert half[0] == pytest.approx(whole[0] / 2)
    assert half[1] == pytest.approx(whole[1] / 2)
