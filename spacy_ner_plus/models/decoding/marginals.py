"""How probable an entity is, and a token's tag: marginals over valid IOB2 sequences.

A span of label X has B-X at its first token, I-X at the others and no I-X after it. Its
probability is the share of all valid sequences, weighted by their scores, in which it stands
(forward-backward: Rabiner, 1989; spans: Culotta and McCallum, 2004).
"""

import numpy as np

from spacy_ner_plus.models.decoding.tags import Entities
from spacy_ner_plus.models.ragged import Ragged

# Only I- ties a token to the one before. So tokens beyond which the shares of I- multiply to less than
# this are too far from an entity to change its probability visibly.
_NEGLIGIBLE = 12 * np.log(10)
# How many tokens are computed one after the other, where all tokens are asked about.
_PIECE = 16
# A tag that has this much of its token's scores, as have its neighbours', is as probable as these say.
_CERTAIN = 0.999
# How many tokens are computed at once, those around two entities counted twice.
_MOST_ROWS = 20_000


def span_marginals(scores: Ragged, entities: Entities, temperature: float = 1.0) -> np.ndarray:
    """Compute the probability of each entity.

    scores (Ragged): Logits of shape (tokens, 2n + 1), numbered as in `decoding.tags`. Rows of zeros
        (tokens without a wordpiece) are passed over, as if these tokens weren't there.
    entities (Entities): Entities of these documents, none of them overlapping another; the first and last
        token of each has a wordpiece.
    temperature (float): What the logits are divided by (Guo et al., 2017). Default 1.
    RETURNS (Floats1d): The probability of each entity, from 0 to 1.
    """
    starts, ends, labels = entities
    if not len(starts):
        return np.zeros(0)
    n = scores.data.shape[1] // 2
    document = np.searchsorted(scores.offsets, starts, side="right") - 1
    has_entities = np.zeros(len(scores.lengths), dtype=bool)
    has_entities[document] = True
    # Position of each token among those that say something, in documents where there is something to ask.
    kept = scores.data.any(axis=1) & np.repeat(has_entities, scores.lengths)
    position = np.concatenate(([0], np.cumsum(kept)))
    starts, ends = position[starts], position[ends]
    probs = _softmax(scores.data[kept].astype(np.float64) / temperature)
    firsts = position[scores.offsets[:-1]]
    probs[firsts[firsts < len(probs)], n + 1 :] = 0.0
    low, high = _surroundings(probs[:, n + 1 :].sum(axis=1), starts, ends)
    # Entities in turn, as an untrained network has thousands with long surroundings.
    chunk_of = np.cumsum(high - low) // _MOST_ROWS
    chunks = np.split(np.arange(len(starts)), np.flatnonzero(np.diff(chunk_of)) + 1)
    parts = [_of_chunk(probs, *(array[i] for array in (starts, ends, labels, low, high))) for i in chunks]
    return np.concatenate(parts)


def tag_marginals(scores: Ragged, tags: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Compute the probability of each token's tag, and that of O.

    scores (Ragged): As for `span_marginals`.
    tags (Ints1d): A tag of each token, of sequences that are valid.
    temperature (float): What the logits are divided by. Default 1.
    RETURNS (Floats2d): Of shape (2, tokens): the probability of the tag, and of O; to 0.003 where the token and its
        neighbours are almost certain. Of a token without a wordpiece both are 1.
    """
    found = np.ones((2, len(scores.data)))
    kept = scores.data.any(axis=1)
    if not kept.any():
        return found
    n = scores.data.shape[1] // 2
    position = np.concatenate(([0], np.cumsum(kept)))
    probs = _softmax(scores.data[kept].astype(np.float64) / temperature)
    firsts = position[scores.offsets[:-1]]
    probs[firsts[firsts < len(probs)], n + 1 :] = 0.0
    asked = np.stack([tags[kept], np.zeros(len(probs), dtype=np.int64)])
    found[:, kept] = local = np.take_along_axis(probs, asked.T, axis=1).T
    doubtful = np.pad(local[0] < _CERTAIN, (0, -len(probs) % _PIECE))
    doubtful[1:] |= doubtful[:-1].copy()
    doubtful[:-1] |= doubtful[1:].copy()
    starts = np.flatnonzero(doubtful.reshape(-1, _PIECE).any(axis=1)) * _PIECE
    if not len(starts):
        return found
    ends = np.minimum(starts + _PIECE, len(probs))
    low, high = _surroundings(probs[:, n + 1 :].sum(axis=1), starts, ends)
    chunk_of = np.cumsum(high - low) // _MOST_ROWS
    where = np.flatnonzero(kept)
    for i in np.split(np.arange(len(starts)), np.flatnonzero(np.diff(chunk_of)) + 1):
        tokens, values = _tags_of_chunk(probs, asked, *(array[i] for array in (starts, ends, low, high)))
        found[:, where[tokens]] = values
    return found


def stretch_marginals(
    scores: Ragged, starts: np.ndarray, ends: np.ndarray, tags: np.ndarray, temperature: float = 1.0
) -> np.ndarray:
    """Compute the probability that stretches of text have just these tags: no entity begins before a stretch and goes
    on in it, and none goes on after it.

    So two readings of the same place can be compared, whatever entities each of them has there, and having none is a
    reading, too.

    scores (Ragged): As for `span_marginals`.
    starts (Ints1d): Index of each stretch's first token, in the whole batch.
    ends (Ints1d): Index after its last token; a stretch lies in one document.
    tags (Ints1d): A tag of each token, of sequences that are valid. Those of tokens outside of stretches don't count.
    temperature (float): What the logits are divided by. Default 1.
    RETURNS (Floats1d): The probability of each stretch's tags; 1 where none of its tokens has a wordpiece.
    """
    result = np.ones(len(starts))
    n = scores.data.shape[1] // 2
    kept = scores.data.any(axis=1)
    position = np.concatenate(([0], np.cumsum(kept)))
    begins, after = position[starts], position[ends]
    asked = np.flatnonzero(after > begins)
    if not len(asked):
        return result
    begins, after = begins[asked], after[asked]
    probs = _softmax(scores.data[kept].astype(np.float64) / temperature)
    firsts = position[scores.offsets[:-1]]
    probs[firsts[firsts < len(probs)], n + 1 :] = 0.0
    low, high = _surroundings(probs[:, n + 1 :].sum(axis=1), begins, after)
    chunk_of = np.cumsum(high - low) // _MOST_ROWS
    for i in np.split(np.arange(len(asked)), np.flatnonzero(np.diff(chunk_of)) + 1):
        parts = (array[i] for array in (begins, after, low, high))
        result[asked[i]] = _stretches_of_chunk(probs, tags[kept], *parts)
    return result


def _stretches_of_chunk(
    probs: np.ndarray,
    tags: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """Compute the probabilities of the tags of some stretches, each stretch with its surroundings."""
    lengths = high - low
    heads = np.cumsum(np.append(0, lengths[:-1]))
    rows = np.arange(lengths.sum()) + np.repeat(low - heads, lengths)
    forward, stopped, _, weighted = _forward_backward(probs[rows], heads)
    given = tags[rows]
    gone_on = np.cumsum(np.log(np.maximum(weighted[np.arange(len(rows)), given], 1e-300)))
    begins, after = heads + starts - low, heads + ends - low
    result = forward[begins, given[begins]] * np.exp(gone_on[after - 1] - gone_on[begins])
    follows = ends < high
    result[follows] *= stopped[after[follows]]
    return np.clip(result, 0.0, 1.0)


def all_tag_marginals(scores: Ragged, temperature: float = 1.0) -> np.ndarray:
    """Compute the probability of every tag at every token.

    scores (Ragged): As for `span_marginals`.
    temperature (float): What the logits are divided by. Default 1.
    RETURNS (Floats2d): Of shape (tokens, 2n + 1): rows that sum to 1, and rows of zeros for tokens without a wordpiece.
    """
    found = np.zeros(scores.data.shape)
    kept = scores.data.any(axis=1)
    if not kept.any():
        return found
    n = scores.data.shape[1] // 2
    position = np.concatenate(([0], np.cumsum(kept)))
    probs = _softmax(scores.data[kept].astype(np.float64) / temperature)
    heads = np.unique(position[scores.offsets[:-1]])
    heads = heads[heads < len(probs)]
    forward, stopped, inside, _ = _forward_backward(probs, heads)
    # What is the last of its document may be followed by anything.
    after_o, after_label = np.ones(len(probs)), np.ones((len(probs), n))
    goes_on = np.ones(len(probs), dtype=bool)
    goes_on[np.append(heads[1:], len(probs)) - 1] = False
    later = np.flatnonzero(goes_on) + 1
    after_o[goes_on] = stopped[later]
    after_label[goes_on] = stopped[later, None] + inside[later]
    marginals = forward * np.concatenate([after_o[:, None], after_label, after_label], axis=1)
    found[kept] = marginals / marginals.sum(axis=1, keepdims=True)
    return found


def _tags_of_chunk(
    probs: np.ndarray,
    asked: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the probabilities of tags in some pieces, each piece with its surroundings.

    RETURNS (tuple[Ints1d, Floats2d]): The pieces' tokens, and the probability of each tag that is asked about.
    """
    n = probs.shape[1] // 2
    lengths = high - low
    heads = np.cumsum(np.append(0, lengths[:-1]))
    rows = np.arange(lengths.sum()) + np.repeat(low - heads, lengths)
    forward, stopped, inside, _ = _forward_backward(probs[rows], heads)
    counts = ends - starts
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(np.append(0, counts[:-1])), counts)
    at = steps + np.repeat(heads + starts - low, counts)
    tokens = steps + np.repeat(starts, counts)
    tags = asked[:, tokens]
    # What is the last of all may be followed by anything.
    is_last = np.zeros(len(rows), dtype=bool)
    is_last[heads + lengths - 1] = True
    after = np.where(is_last[at], at, at + 1)
    goes_on = stopped[after] + np.where(tags > 0, inside[after, (tags - 1) % n], 0.0)
    return tokens, np.clip(forward[at, tags] * np.where(is_last[at], 1.0, goes_on), 0.0, 1.0)


def _of_chunk(
    probs: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    labels: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """Compute the probabilities of some entities, the surroundings of each one after the other."""
    lengths = high - low
    heads = np.cumsum(np.append(0, lengths[:-1]))
    rows = np.arange(lengths.sum()) + np.repeat(low - heads, lengths)
    forward, stopped, _, weighted = _forward_backward(probs[rows], heads)
    n = probs.shape[1] // 2
    begun = forward[:, 1 : n + 1]
    gone_on = np.cumsum(np.log(np.maximum(weighted[:, n + 1 :], 1e-300)), axis=0)
    begins, after = heads + starts - low, heads + ends - low
    result = begun[begins, labels] * np.exp(gone_on[after - 1, labels] - gone_on[begins, labels])
    follows = ends < high
    result[follows] *= stopped[after[follows]]
    return np.clip(result, 0.0, 1.0)


def _surroundings(inside: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find how far to both sides of each entity tokens matter.

    inside (Floats1d): Share of I- at each token; 0 at the first of a document.
    starts, ends (Ints1d): Of each entity, its first token and the one after its last.
    RETURNS (tuple[Ints1d, Ints1d]): Where what matters starts and ends.
    """
    # Minus the log of the product of all shares before a token: it never falls.
    decay = np.concatenate(([0.0], np.cumsum(-np.log(np.maximum(inside, 1e-300)))))
    low = np.searchsorted(decay, decay[starts + 1] - _NEGLIGIBLE, side="right") - 1
    high = np.searchsorted(decay, decay[ends] + _NEGLIGIBLE, side="left")
    return np.maximum(low, 0), np.minimum(high, len(inside))


def _forward_backward(
    probs: np.ndarray, heads: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Run over segments side by side, one step a position.

    probs (Floats2d): Tag probabilities, of shape (tokens, 2n + 1).
    heads (Ints1d): Where each segment begins.
    RETURNS (tuple[Floats2d, Floats1d, Floats2d, Floats2d]): The forward mass of each tag; the mass of everything
        but I- with what comes after it, and that of each I-; and the weight of each tag. All are scaled, so
        that a segment's sequences sum to 1.
    """
    n = probs.shape[1] // 2
    lengths = np.diff(np.append(heads, len(probs)))
    order = np.argsort(-lengths, kind="stable")
    heads, lengths = heads[order], lengths[order]
    active = np.searchsorted(-lengths, -np.arange(1, lengths[0] + 1), side="right")
    forward = np.zeros_like(probs)
    scale = np.ones(len(probs))
    for t, count in enumerate(active):
        rows = heads[:count] + t
        step = probs[rows]
        if t:
            before = forward[rows - 1]
            step[:, n + 1 :] *= before[:, 1 : n + 1] + before[:, n + 1 :]
        else:
            step[:, n + 1 :] = 0.0
        scale[rows] = total = np.maximum(step.sum(axis=1), 1e-300)
        forward[rows] = step / total[:, None]
    weighted = probs / scale[:, None]
    # Of each token: the mass of O and B- with all that comes after, and so of each I-.
    stopped = np.zeros(len(probs))
    inside = np.zeros((len(probs), n))
    is_last = np.zeros(len(probs), dtype=bool)
    is_last[heads + lengths - 1] = True
    for t in range(lengths[0] - 1, -1, -1):
        rows = heads[: active[t]] + t
        goes_on = ~is_last[rows]
        after_open = np.ones(len(rows))
        after_label = np.ones((len(rows), n))
        later = rows[goes_on] + 1
        after_open[goes_on] = stopped[later]
        after_label[goes_on] = stopped[later, None] + inside[later]
        stopped[rows] = weighted[rows, 0] * after_open + (weighted[rows, 1 : n + 1] * after_label).sum(axis=1)
        inside[rows] = weighted[rows, n + 1 :] * after_label
    return forward, stopped, inside, weighted


def _softmax(logits: np.ndarray) -> np.ndarray:
    exps = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)
