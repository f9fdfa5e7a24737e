"""The best valid IOB2 sequence of each document, for a whole batch at once."""

from collections.abc import Iterator, Sequence

import numpy as np

from spacy_ner_plus.models.decoding.tags import breaks_iob2
from spacy_ner_plus.models.ragged import Ragged

# How many tokens, padding included, are decoded at once.
_MOST_STEPS = 50_000


def decode(scores: Ragged) -> Ragged:
    """Find the best valid sequence for each document (Viterbi, 1967).

    scores (Ragged): Log probabilities or logits of shape (tokens, 2n + 1), numbered as in
        `decoding.tags`. They may be shifted by any amount that is the same for all tags of a token. A
        row of zeros says nothing about its token (white space, which has no wordpiece): it never begins
        an entity, and is inside one only where the entity goes on after it.
    RETURNS (Ragged): Tag numbers of shape (tokens,).
    """
    flat = _without_silent_begins(scores.data)
    # The best tag of each token is the best sequence too wherever it is valid.
    best = Ragged(flat.argmax(axis=1), scores.lengths)
    broken = np.flatnonzero(breaks_iob2(best, flat.shape[1] // 2))
    offsets = best.offsets
    invalid = np.unique(np.searchsorted(offsets, broken, side="right") - 1).tolist()
    for group in _groups_by_length([int(scores.lengths[i]) for i in invalid]):
        chosen = [invalid[index] for index in group]
        paths = _viterbi([flat[offsets[i] : offsets[i + 1]] for i in chosen])
        for i, path in zip(chosen, paths, strict=True):
            best.data[offsets[i] : offsets[i + 1]] = path
    return best


def _without_silent_begins(scores: np.ndarray) -> np.ndarray:
    silent = ~scores.any(axis=1)
    if silent.any():
        scores = scores.copy()
        scores[silent, 1 : scores.shape[1] // 2 + 1] = -np.inf
    return scores


def _groups_by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group documents of similar length, as all of a group are padded to the longest of it."""
    group: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if group and (len(group) + 1) * lengths[group[0]] > _MOST_STEPS:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def _viterbi(scores: list[np.ndarray]) -> list[np.ndarray]:
    order = sorted(range(len(scores)), key=lambda i: -len(scores[i]))
    lengths = np.array([len(scores[i]) for i in order])
    n_tags = scores[0].shape[1]
    n = n_tags // 2
    longest = lengths[0]
    padded = np.zeros((longest, len(order), n_tags), dtype=np.float64)
    for column, i in enumerate(order):
        padded[: lengths[column], column] = scores[i]
    # Which tag came before: one answer for O and all B-, one for each I-.
    came_to_open = np.zeros((longest, len(order)), dtype=np.int32)
    came_from_begin = np.zeros((longest, len(order), n), dtype=bool)
    best = padded[0].copy()
    best[:, n + 1 :] = -np.inf
    finals = np.zeros(len(order), dtype=np.int64)
    for t in range(1, longest + 1):
        active = int(np.searchsorted(-lengths, -t, side="left"))
        finals[active : len(best)] = best[active:].argmax(axis=1)
        best = best[:active]
        if not active:
            break
        came_to_open[t, :active] = before = best.argmax(axis=1)
        begin, inside = best[:, 1 : n + 1], best[:, n + 1 :]
        came_from_begin[t, :active] = from_begin = begin >= inside
        entering = np.where(from_begin, begin, inside)
        step = padded[t, :active].copy()
        step[:, : n + 1] += best[np.arange(active), before][:, None]
        step[:, n + 1 :] += entering
        best = step
    paths: list[np.ndarray] = [np.zeros(0, dtype=np.int64)] * len(order)
    for column, i in enumerate(order):
        path = np.zeros(lengths[column], dtype=np.int64)
        tag = int(finals[column])
        for t in range(lengths[column] - 1, -1, -1):
            path[t] = tag
            if tag > n:
                tag = tag - n if came_from_begin[t, column, tag - n - 1] else tag
            else:
                tag = int(came_to_open[t, column])
        paths[i] = path
    return paths
