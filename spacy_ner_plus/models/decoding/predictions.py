"""From the scores of tokens to entities and their probabilities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from spacy.attrs import IS_SPACE
from spacy.tokens import Doc

from spacy_ner_plus.models.decoding.consistency import share_scores
from spacy_ner_plus.models.decoding.marginals import all_tag_marginals, span_marginals, tag_marginals
from spacy_ner_plus.models.decoding.tags import Entities, tags_to_entities
from spacy_ner_plus.models.decoding.viterbi import decode
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.spans import is_blocked


class PredictedEntity(NamedTuple):
    """An entity that was found in a document.

    start (int): Index of its first token.
    end (int): Index after its last token.
    label (int): Number of its label.
    score (float): Its probability, from 0 to 1.
    """

    start: int
    end: int
    label: int
    score: float


@dataclass(frozen=True, eq=False)
class Predictions:
    """What was found in a batch of documents; by iteration, in each of them.

    entities (Entities): Bounds, in tokens of the whole batch, and label numbers, in order.
    scores (Floats1d): The probability of each entity.
    offsets (Ints1d): Index of each document's first token in the batch and, last, how many there are.
    tag_probs (Floats2d): Of shape (2, tokens): the probability of each token's tag, and of O.
    all_tag_probs (Floats2d | None): Of shape (tokens, 2n + 1): that of every tag, where it was asked for; rows of zeros
        for tokens without a wordpiece.
    """

    entities: Entities
    scores: np.ndarray
    offsets: np.ndarray
    tag_probs: np.ndarray
    all_tag_probs: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[list[PredictedEntity]]:
        starts, ends, labels = self.entities
        document = np.searchsorted(self.offsets, starts, side="right") - 1
        first = self.offsets[document]
        rows = zip(
            (starts - first).tolist(),
            (ends - first).tolist(),
            labels.tolist(),
            self.scores.tolist(),
            strict=True,
        )
        found = [PredictedEntity(*row) for row in rows]
        cuts = np.searchsorted(starts, self.offsets).tolist()
        for begin, end in pairwise(cuts):
            yield found[begin:end]

    def uncertainties(self, threshold: float = 0.0) -> list[float]:
        """Say how unsure each document's tags are: 1 minus the least probability of a tag that is given.

        threshold (float): The least score of an entity; those below aren't set, and their tokens are O. Default 0.
        RETURNS (list[float]): From 0 to 1; 0 for a document without tokens.
        """
        given, outside = self.tag_probs
        dropped = self.scores < threshold
        starts, ends, _ = self.entities
        if dropped.any():
            given = given.copy()
            for start, end in zip(starts[dropped].tolist(), ends[dropped].tolist(), strict=True):
                given[start:end] = outside[start:end]
        return [
            1.0 - float(given[begin:end].min(initial=1.0)) for begin, end in pairwise(self.offsets.tolist())
        ]


def adjust_scores(docs: Sequence[Doc], scores: Ragged, consistency: float = 0.0) -> Ragged:
    """Silence white space, bring a word's occurrences nearer to each other, and keep blocked tokens free.

    A token that `doc.set_ents(blocked=...)` names is O, as for spaCy's own `ner`; what is best for the others
    and how probable it is follow from that.

    scores (Ragged): Logits of these Docs, of shape (tokens, 2n + 1).
    consistency (float): How much a word's other occurrences count, from 0 to 1. Default 0.
    RETURNS (Ragged): Logits; rows of zeros for white space and other tokens without a wordpiece.
    """
    if not len(scores.data):
        return scores
    # spaCy refuses entities that begin or end with white space, which some models score nevertheless.
    is_space = np.concatenate([doc.to_array(IS_SPACE) for doc in docs]).astype(bool)
    if is_space.any():
        scores = Ragged(np.where(is_space[:, None], np.float32(0), scores.data), scores.lengths)
    scores = share_scores(docs, scores, consistency)
    # Last, as a block is said of this occurrence alone.
    blocked = np.concatenate([is_blocked(doc) for doc in docs])
    if blocked.any():
        only_o = np.full(scores.data.shape[1], -np.inf, dtype=np.float32)
        only_o[0] = 0
        scores = Ragged(np.where(blocked[:, None], only_o, scores.data), scores.lengths)
    return scores


def find_entities(
    scores: Ragged, temperature: float = 1.0, soft_temperature: float | None = None
) -> Predictions:
    """Find the entities of the best valid IOB2 sequence, and how probable each is.

    scores (Ragged): Logits of shape (tokens, 2n + 1) for n labels.
    temperature (float): What the logits are divided by. Default 1.
    soft_temperature (float | None): What they are divided by beyond that for `all_tag_probs`. Default: None for none.
    """
    tags = decode(scores)
    entities = tags_to_entities(tags, scores.data.shape[1] // 2)
    entity_scores = span_marginals(scores, entities, temperature)
    tag_probs = tag_marginals(scores, tags.data, temperature)
    all_tag_probs = (
        None if soft_temperature is None else all_tag_marginals(scores, temperature * soft_temperature)
    )
    return Predictions(entities, entity_scores, scores.offsets, tag_probs, all_tag_probs)
