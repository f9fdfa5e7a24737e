"""What teachers say of the tokens of a batch, as targets for the tags of their student."""

from collections.abc import Sequence

import numpy as np
from spacy.training import Example

from spacy_ner_plus.models.decoding.tags import tag_names
from spacy_ner_plus.models.training.loss import SoftTargets
from spacy_ner_plus.soft_tags import SoftTags, lay_on, named_labels


class BatchTargets:
    """Gathers what teachers say of a batch, and how much each token's annotation and soft tags count.

    labels (Sequence[str]): The student's.
    weight (float): Of a token that has soft tags in place of gold annotation.
    share (float): Of soft tags in the loss of a token that has both.
    agreement (float): The power to which the teachers' agreement is taken.
    """

    def __init__(self, labels: Sequence[str], *, weight: float, share: float, agreement: float):
        self._labels = labels
        self._n_tags = len(tag_names(labels))
        self._weight = weight
        self._share = share
        self._agreement = agreement
        self._parts: list[SoftTargets] = []
        self._hard_weights: list[np.ndarray] = []
        # Labels that teachers name and the student doesn't know.
        self.unknown: set[str] = set()
        # The beginning of the first text that isn't the one which the teachers read.
        self.other_text: str | None = None

    def add(self, example: Example, soft: SoftTags | None, allowed: np.ndarray) -> None:
        """Add an example.

        soft (SoftTags | None): Those of its reference; None where there are none.
        allowed (ndarray[bool]): Which tags each token may have by its annotation.
        """
        length = len(example.predicted)
        if soft is None:
            self._hard_weights.append(np.ones(length))
            self._parts.append(_nothing(length, self._n_tags))
            return
        targets, agreement = self._targets(example, soft)
        said = agreement > 0
        trust = np.where(said, agreement**self._agreement, 0.0) * targets.weights
        known = ~allowed.all(axis=1)
        if soft.beside_gold:
            share = self._share * trust
            self._hard_weights.append(1.0 - share)
            weights = np.where(known, share, self._weight * trust)
        else:
            # What the annotation says is only what was made of the same.
            self._hard_weights.append(np.where(said, 0.0, self._weight))
            weights = self._weight * trust
        self._parts.append(targets._replace(weights=weights))

    def gather(self) -> tuple[np.ndarray, SoftTargets]:
        """RETURNS (tuple[Floats1d, SoftTargets]): How much each token's annotation counts, and what teachers say."""
        return np.concatenate(self._hard_weights), SoftTargets(
            *(np.concatenate(part) for part in zip(*self._parts, strict=True))
        )

    def _targets(self, example: Example, soft: SoftTags) -> tuple[SoftTargets, np.ndarray]:
        """RETURNS (tuple[SoftTargets, Floats1d]): Those of the predicted Doc's tokens, weighted by the probability of
        the tags that the student knows: of other labels nothing is learnt, not even that they are O. And how far the
        teachers agree about each token."""
        predicted = example.predicted
        # Some tokenizers don't keep white space.
        laid = lay_on(soft, example.reference, predicted)
        if laid is None:
            # Nobody can say which tokens they are those of.
            if self.other_text is None:
                self.other_text = predicted.text
            return _nothing(len(predicted), self._n_tags), np.zeros(len(predicted))
        soft = laid
        labels, n, own_n = self._labels, len(self._labels), len(soft.labels)
        self.unknown |= named_labels(soft) - set(labels)
        rest = np.maximum(1.0 - soft.probs.sum(axis=1), 0.0)
        probs = np.zeros((len(predicted), self._n_tags))
        probs[:, 0] = soft.probs[:, 0]
        for i, label in enumerate(soft.labels):
            if label in labels:
                number = labels.index(label)
                probs[:, 1 + number] = soft.probs[:, 1 + i]
                probs[:, 1 + n + number] = soft.probs[:, 1 + own_n + i]
        part_of = np.tile(np.arange(self._n_tags), (len(predicted), 1))
        if not soft.complete:
            # Their O says nothing about labels that they didn't look for.
            others = [i for i, label in enumerate(labels) if label not in soft.labels]
            part_of[:, [i for label in others for i in (1 + label, 1 + n + label)]] = 0
        # What no tag has that is named is that of all others together.
        unnamed = np.take_along_axis(probs, part_of, axis=1) == 0
        first = np.take_along_axis(part_of, unnamed.argmax(axis=1)[:, None], axis=1)
        part_of = np.where(unnamed, first, part_of)
        rows = np.flatnonzero(unnamed.any(axis=1))
        probs[rows, first[rows, 0]] += rest[rows]
        known = probs.sum(axis=1)
        said = (soft.weights > 0) & (known > 0)
        probs = np.where(said[:, None], probs / np.where(known > 0, known, 1.0)[:, None], 0.0)
        weights = np.where(said, np.minimum(known, 1.0), 0.0)
        return SoftTargets(part_of, probs, weights, np.full(len(predicted), soft.temperature)), soft.weights


def _nothing(length: int, n_tags: int) -> SoftTargets:
    part_of = np.zeros((length, n_tags), dtype=np.int64)
    return SoftTargets(part_of, np.zeros((length, n_tags)), np.zeros(length), np.ones(length))
