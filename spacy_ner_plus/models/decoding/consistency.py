"""One word, one label: what a document's other occurrences of a word say of it.

A name that is plain in one sentence ("Leeds United") may be doubtful in another ("Leeds 1 Derby 0").
Windows end, and attention forgets; so the scores of a word's occurrences in a document are brought
nearer to each other. Label consistency in a document: Krishnan and Manning (2006).
"""

from collections.abc import Sequence

import numpy as np
from spacy.attrs import IS_LOWER, IS_PUNCT, LOWER
from spacy.tokens import Doc

from spacy_ner_plus.models.ragged import Ragged

# With how many other occurrences a word's own score gives way by half of what it does at most.
_HALF_AT = 2


def share_scores(docs: Sequence[Doc], scores: Ragged, share: float) -> Ragged:
    """Mix the scores of each word with those of its other occurrences in the document.

    Words count as the same whatever their case; those in lower case alone and punctuation are left as
    they are, since "of" is part of one name and not of the next. Of the others it is the label that
    counts, and not whether they begin an entity.

    scores (Ragged): Logits of these Docs, of shape (tokens, 2n + 1), numbered as in `decoding.tags`; rows
        of zeros stay.
    share (float): How much the others count where there are many, from 0 to 1: a word's log
        probabilities are the mean of its own and of those of n others, by the weights 1 - w and
        w = share * n / (n + 2).
    RETURNS (Ragged): Logits with new ones for words that occur more than once.
    """
    if not share or not len(scores.data):
        return scores
    attributes = np.concatenate([doc.to_array([LOWER, IS_LOWER, IS_PUNCT]) for doc in docs])
    words, is_lower, is_punct = attributes.reshape(-1, 3).T
    rows = np.flatnonzero((is_lower == 0) & (is_punct == 0) & scores.data.any(axis=1))
    document = np.repeat(np.arange(len(scores.lengths)), scores.lengths)[rows]
    order = np.lexsort((words[rows], document))
    rows, document = rows[order], document[order]
    is_new = (words[rows][1:] != words[rows][:-1]) | (document[1:] != document[:-1])
    group = np.cumsum(np.concatenate(([0], is_new)))[: len(rows)]
    others = np.bincount(group, minlength=1)[group] - 1
    repeated = np.flatnonzero(others)
    if not len(repeated):
        return scores
    rows, others = rows[repeated], others[repeated][:, None]
    # The numbers of the groups that are left have gaps, which do no harm.
    group = group[repeated]
    log_probs = _log_softmax(scores.data[rows].astype(np.float64))
    n = scores.data.shape[1] // 2
    labels = np.logaddexp(log_probs[:, 1 : n + 1], log_probs[:, n + 1 :])
    labels = np.maximum(np.concatenate((log_probs[:, :1], labels), axis=1), np.log(1e-9))
    sums = np.zeros((group[-1] + 1, n + 1))
    np.add.at(sums, group, labels)
    said = (sums[group] - labels) / others
    weight = share * others / (others + _HALF_AT)
    mixed = (1 - weight) * log_probs + weight * said[:, [0, *range(1, n + 1), *range(1, n + 1)]]
    shared = scores.data.copy()
    shared[rows] = mixed
    return Ragged(shared, scores.lengths)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
