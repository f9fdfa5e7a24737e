"""Valid IOB2 sequences from scores, for a whole batch at once.

Tags are numbered O, then B- of every label, then I- of every label: with n
labels, 0, 1 to n, n + 1 to 2n. The one rule of IOB2 is that I-X follows B-X or I-X.
"""

from collections.abc import Iterator, Sequence

import numpy as np

# How many tokens, padding included, are decoded at once.
_MOST_STEPS = 50_000


def tag_names(labels: Sequence[str]) -> list[str]:
    """Name the tags in the order of their numbers.

    labels (Sequence[str]): The n labels.
    RETURNS (list[str]): The 2n + 1 tags.
    """
    return ["O", *(f"B-{label}" for label in labels), *(f"I-{label}" for label in labels)]


def decode(scores: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Find the best valid sequence for each document (Viterbi, 1967).

    scores (Sequence[Floats2d]): Log probabilities or logits, each of shape
        (tokens, 2n + 1). Scores count by token, so they may be shifted by any
        amount that is the same for all tags of a token. A row of zeros says
        nothing of its token (white space, which has no wordpiece): it never begins
        an entity, and is inside one only where the entity goes on after it.
    RETURNS (list[Ints1d]): Tag numbers, each of shape (tokens,).
    """
    if not scores:
        return []
    flat = _without_silent_begins(np.concatenate(scores))
    heads = np.cumsum([0, *(len(doc_scores) for doc_scores in scores)])
    # The best tag of each token is the best sequence too wherever it is valid.
    best = flat.argmax(axis=1)
    tags = np.split(best, heads[1:-1])
    broken = np.flatnonzero(_breaks(best, flat.shape[1] // 2, heads[:-1]))
    invalid = np.unique(np.searchsorted(heads, broken, side="right") - 1).tolist()
    for group in _alike([len(tags[i]) for i in invalid]):
        chosen = [invalid[place] for place in group]
        paths = _viterbi([flat[heads[i] : heads[i + 1]] for i in chosen])
        for i, path in zip(chosen, paths, strict=True):
            tags[i] = path
    return tags


def is_valid(tags: np.ndarray, n_labels: int) -> bool:
    """Tell whether a tag sequence is IOB2.

    tags (Ints1d): Tag numbers.
    n_labels (int): The number of labels n.
    RETURNS (bool): Whether every I- continues an entity of its label.
    """
    return not _breaks(tags, n_labels, np.zeros(1, dtype=np.int64)).any()


def tags_to_bounds(
    tags: Sequence[np.ndarray], n_labels: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Read the spans of valid sequences.

    tags (Sequence[Ints1d]): Tag numbers of each document.
    n_labels (int): The number of labels n.
    RETURNS (list[tuple[Ints1d, Ints1d, Ints1d]]): Starts, ends and label numbers of each.
    """
    if not tags:
        return []
    heads = np.cumsum([0, *map(len, tags)])
    flat = np.concatenate(tags)
    starts = np.flatnonzero((flat >= 1) & (flat <= n_labels))
    # What ends an entity: a token that isn't inside, or the end of its document.
    stops = np.union1d(np.flatnonzero(flat <= n_labels), heads)
    ends = stops[np.searchsorted(stops, starts, side="right")]
    document = np.searchsorted(heads, starts, side="right") - 1
    bounds = (starts - heads[document], ends - heads[document], flat[starts] - 1)
    cuts = np.searchsorted(starts, heads[1:-1])
    return list(zip(*(np.split(part, cuts) for part in bounds), strict=True))


def _breaks(tags: np.ndarray, n_labels: int, heads: np.ndarray) -> np.ndarray:
    """Tell where a sequence of documents, each from its head on, breaks the rule of IOB2."""
    before = np.concatenate(([0], tags[:-1]))[: len(tags)]
    before[heads[heads < len(tags)]] = 0
    return (tags > n_labels) & (before != tags) & (before != tags - n_labels)


def _without_silent_begins(scores: np.ndarray) -> np.ndarray:
    silent = ~scores.any(axis=1)
    if silent.any():
        scores = scores.copy()
        scores[silent, 1 : scores.shape[1] // 2 + 1] = -np.inf
    return scores


def _alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group documents by length, so that a long one isn't the measure of all."""
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
