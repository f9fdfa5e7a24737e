import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.models.decoding import marginals
from spacy_ner_plus.models.decoding.marginals import (
    all_tag_marginals,
    span_marginals,
    stretch_marginals,
    tag_marginals,
)
from spacy_ner_plus.models.decoding.tags import Entities, tags_to_entities
from spacy_ner_plus.models.decoding.viterbi import decode
from spacy_ner_plus.models.ragged import Ragged
from tests.models.decoding.sequences import is_valid


def marginals_by_enumeration(scores, entities, temperature=1.0):
    """The probability of each entity, from all valid sequences one by one."""
    n_tokens, n_tags = scores.shape
    n = n_tags // 2
    total, masses = 0.0, np.zeros(len(entities.starts))
    for tags in itertools.product(range(n_tags), repeat=n_tokens):
        tags = np.array(tags)
        if not is_valid(tags, n):
            continue
        weight = np.exp(scores[np.arange(n_tokens), tags].sum() / temperature)
        total += weight
        found = tags_to_entities(Ragged.join([tags]), n)
        spans = set(zip(*(part.tolist() for part in found), strict=True))
        for i, span in enumerate(zip(*(part.tolist() for part in entities), strict=True)):
            masses[i] += weight * (span in spans)
    return masses / total


def decoded(scores):
    ragged = Ragged.join([scores])
    return tags_to_entities(decode(ragged), scores.shape[1] // 2)


def marginals_of(scores, entities, temperature=1.0):
    return span_marginals(Ragged.join([scores]), entities, temperature)


@settings(max_examples=60, deadline=None)
@given(
    n_tokens=st.integers(1, 5),
    n_labels=st.integers(1, 2),
    spread=st.sampled_from([0.3, 3.0, 10.0]),
    temperature=st.sampled_from([0.5, 1.0, 3.0]),
    seed=st.integers(0, 10_000),
)
def test_marginals_are_those_of_all_sequences_counted_one_by_one(
    n_tokens, n_labels, spread, temperature, seed
):
    scores = np.random.default_rng(seed).normal(size=(n_tokens, 2 * n_labels + 1)) * spread
    entities = decoded(scores)
    found = marginals_of(scores, entities, temperature)
    assert found == pytest.approx(marginals_by_enumeration(scores, entities, temperature), abs=1e-7)


def test_marginals_of_entities_that_are_not_the_best_ones():
    scores = np.random.default_rng(1).normal(size=(5, 5))
    entities = Entities(np.array([0, 2, 4]), np.array([2, 4, 5]), np.array([1, 0, 1]))
    found = marginals_of(scores, entities)
    assert found == pytest.approx(marginals_by_enumeration(scores, entities))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_marginals_of_a_batch_are_those_of_its_documents(seed, lengths):
    rng = np.random.default_rng(seed)
    scores = [rng.normal(size=(length, 7)).astype(np.float32) * 6 for length in lengths]
    batch = Ragged.join(scores)
    together = span_marginals(batch, tags_to_entities(decode(batch), 3))
    alone = [marginals_of(part, decoded(part)) for part in scores]
    assert together == pytest.approx(np.concatenate(alone), abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_marginals_pass_over_tokens_without_a_wordpiece(seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(12, 5)) * 3
    entities = decoded(scores)
    expected = marginals_of(scores, entities)
    # A silent token within each entity that has two tokens or more, and one before all.
    spread, moved = [np.zeros(5)], np.zeros(13, dtype=int)
    for i, row in enumerate(scores):
        if any(s < i < e for s, e, _ in zip(*entities, strict=True)):
            spread.append(np.zeros(5))
        moved[i] = len(spread)
        spread.append(row)
    shifted = Entities(moved[entities.starts], moved[entities.ends - 1] + 1, entities.labels)
    assert marginals_of(np.array(spread), shifted) == pytest.approx(expected)


def test_marginals_keep_their_precision_on_a_long_document_of_sure_tags():
    scores = np.full((20_000, 5), -40.0)
    scores[:, 0] = 40.0
    scores[19_990:19_993] = 0.1
    scores[19_990, 1] = scores[19_991, 3] = 3.0
    entities = Entities(np.array([19_990]), np.array([19_992]), np.array([0]))
    short = Entities(np.array([1]), np.array([3]), np.array([0]))
    expected = marginals_by_enumeration(scores[19_989:19_994], short)
    assert marginals_of(scores, entities) == pytest.approx(expected, abs=1e-9)


def test_marginals_of_sure_entities_are_one():
    scores = np.full((3, 5), -50.0)
    scores[[0, 1, 2], [1, 3, 0]] = 50.0
    assert marginals_of(scores, decoded(scores)) == pytest.approx([1.0])


def test_marginals_of_nothing_are_nothing():
    empty = Entities(*[np.zeros(0, dtype=np.int64)] * 3)
    assert span_marginals(Ragged.join([np.zeros((4, 5)), np.zeros((0, 5))]), empty).tolist() == []


def test_marginals_of_an_untrained_network_take_little_memory():
    import tracemalloc

    rng = np.random.default_rng(0)
    scores = Ragged.join([rng.normal(size=(300, 37)).astype(np.float32) * 0.1 for _ in range(32)])
    entities = tags_to_entities(decode(scores), 18)
    tracemalloc.start()
    found = span_marginals(scores, entities)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == len(entities.starts) > 5000
    assert peak < 150e6


def tags_by_enumeration(scores, tags):
    """The probability of each token's tag, and of O, from all valid sequences one by one."""
    n_tokens, n_tags = scores.shape
    total, masses = 0.0, np.zeros((2, n_tokens))
    for sequence in itertools.product(range(n_tags), repeat=n_tokens):
        sequence = np.array(sequence)
        if is_valid(sequence, n_tags // 2):
            weight = np.exp(scores[np.arange(n_tokens), sequence].sum())
            total += weight
            masses += weight * np.stack([sequence == tags, sequence == 0])
    return masses / total


@settings(max_examples=40)
@given(
    n_tokens=st.integers(1, 5),
    n_labels=st.integers(1, 2),
    spread=st.sampled_from([0.3, 3.0]),
    seed=st.integers(0, 99),
)
def test_marginals_of_tags_are_those_of_all_sequences_counted_one_by_one(n_tokens, n_labels, spread, seed):
    scores = np.random.default_rng(seed).normal(size=(n_tokens, 2 * n_labels + 1)) * spread
    tags = decode(Ragged.join([scores])).data
    found = tag_marginals(Ragged.join([scores]), tags)
    # What is almost certain isn't looked at closer.
    assert found == pytest.approx(tags_by_enumeration(scores, tags), abs=1e-7 if spread < 1 else 3e-3)


def test_marginals_of_tags_in_long_documents_are_those_of_the_whole(monkeypatch):
    rng = np.random.default_rng(0)
    scores = [rng.normal(size=(length, 9)) * 3 for length in (0, 200, 3, 77)]
    for part in scores:
        part[:, 0] += 8
    # White space, and an entity over the end of a piece.
    scores[1][50:53] = 0.0
    scores[1][14:18, 5] += 15
    scores[1][13, 1] += 15
    batch = Ragged.join(scores)
    tags = decode(batch).data
    found = tag_marginals(batch, tags)
    monkeypatch.setattr(marginals, "_PIECE", 10_000)
    monkeypatch.setattr(marginals, "_CERTAIN", 2.0)
    whole = tag_marginals(batch, tags)
    assert found == pytest.approx(whole, abs=3e-3)
    doubtful = whole[0] < 0.99
    assert doubtful.sum() > 20
    assert found[:, doubtful] == pytest.approx(whole[:, doubtful], abs=1e-9)
    assert found[:, 50:53].tolist() == [[1.0] * 3] * 2


@st.composite
def stretches(draw):
    """Scores of a document, valid tags of it, and a stretch that cuts none of their entities."""
    n_tokens, n_labels = draw(st.integers(1, 5)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    scores = rng.normal(size=(n_tokens, 2 * n_labels + 1)) * draw(st.sampled_from([0.3, 3.0]))
    tags = decode(Ragged.join([rng.normal(size=scores.shape)])).data
    cuts = [i for i in range(n_tokens + 1) if i == n_tokens or tags[i] <= n_labels]
    start = draw(st.sampled_from(cuts[:-1]))
    return scores, tags, start, draw(st.sampled_from([i for i in cuts if i > start]))


@settings(max_examples=60)
@given(drawn=stretches(), silent=st.booleans())
def test_marginals_of_stretches_are_those_of_all_sequences_counted_one_by_one(drawn, silent):
    scores, tags, start, end = drawn
    n = scores.shape[1] // 2
    total = mass = 0.0
    for sequence in itertools.product(range(2 * n + 1), repeat=len(tags)):
        sequence = np.array(sequence)
        if is_valid(sequence, n):
            weight = np.exp(scores[np.arange(len(tags)), sequence].sum())
            total += weight
            ends_there = end == len(tags) or sequence[end] <= n
            mass += weight * (ends_there and (sequence[start:end] == tags[start:end]).all())
    # Beside another document, and after white space.
    before = np.zeros((2 if silent else 0, 2 * n + 1))
    batch = Ragged.join([np.ones((3, 2 * n + 1)), np.concatenate([before, scores])])
    shift = 3 + len(before)
    all_tags = np.concatenate([np.zeros(shift, dtype=int), tags])
    found = stretch_marginals(batch, np.array([start + shift]), np.array([end + shift]), all_tags)
    assert found == pytest.approx([mass / total], abs=1e-9)


def test_marginals_of_stretches_of_one_entity_are_the_entitys():
    rng = np.random.default_rng(0)
    batch = Ragged.join([rng.normal(size=(length, 9)) * 3 for length in (50, 0, 400)])
    tags = decode(batch)
    entities = tags_to_entities(tags, 4)
    found = stretch_marginals(batch, entities.starts, entities.ends, tags.data)
    assert found == pytest.approx(span_marginals(batch, entities), abs=1e-9)


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    n_labels=st.integers(1, 2),
    spread=st.sampled_from([0.3, 3.0, 10.0]),
    temperature=st.sampled_from([0.5, 1.0, 3.0]),
    seed=st.integers(0, 10_000),
)
def test_marginals_of_all_tags_are_those_of_all_sequences_counted_one_by_one(
    lengths, n_labels, spread, temperature, seed
):
    rng = np.random.default_rng(seed)
    n_tags = 2 * n_labels + 1
    parts = [rng.normal(size=(length, n_tags)) * spread for length in lengths]
    for part in parts:
        # Tokens without a wordpiece are passed over.
        part[rng.random(len(part)) < 0.2] = 0.0
    expected = []
    for part in parts:
        kept = part.any(axis=1)
        masses = np.zeros(part.shape)
        for tags in itertools.product(range(n_tags), repeat=int(kept.sum())):
            tags = np.array(tags, dtype=int)
            if is_valid(tags, n_labels):
                rows = np.flatnonzero(kept)
                masses[rows, tags] += np.exp(part[rows, tags].sum() / temperature)
        expected.append(masses / np.where(kept, masses.sum(axis=1), 1.0)[:, None])
    found = all_tag_marginals(Ragged.join(parts), temperature)
    assert found == pytest.approx(np.concatenate(expected), abs=1e-7)
