"""What annotators make of texts, and how probable each of them holds another reading of the same place."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from spacy_ner_plus.models.decoding.marginals import stretch_marginals
from spacy_ner_plus.models.decoding.predictions import find_entities
from spacy_ner_plus.models.ragged import Ragged
from spacy_ner_plus.spans import TokenSpan


class Reading(NamedTuple):
    """What stands in a stretch of a document: these entities, and nothing else.

    document (int): Number of the document in its batch.
    start (int): Index of the stretch's first token.
    end (int): Index after its last token.
    entities (tuple[TokenSpan, ...]): All of them within the stretch; () where there is none.
    """

    document: int
    start: int
    end: int
    entities: tuple[TokenSpan, ...] = ()


class Readings(Protocol):
    """What one annotator makes of a batch of documents.

    entities (Sequence[list[TokenSpan] | None]): Of each document, in order; None where there is no answer.
    silent (Sequence[Collection[int]]): Tokens of each document of which nothing is said.
    """

    entities: Sequence[list[TokenSpan] | None]
    silent: Sequence[Collection[int]]

    def probabilities(self, readings: Sequence[Reading]) -> np.ndarray:
        """RETURNS (Floats1d): How probable each reading is, from 0 to 1; no two of them overlap."""


class TagReadings:
    """Readings by the scores of tags, for any reading exactly: the share of all valid sequences in which it stands.

    scores (Ragged): Logits of shape (tokens, 2n + 1).
    labels (Sequence[str]): The n labels.
    wanted (Sequence[Collection[str]]): Of each document the labels that count: those of others are O here.
    """

    def __init__(self, scores: Ragged, labels: Sequence[str], wanted: Sequence[Collection[str]]):
        self._labels = {label: number for number, label in enumerate(labels)}
        self._scores = _only(scores, labels, wanted)
        self.silent: list[Collection[int]] = [()] * len(scores.lengths)
        self.entities = [
            [TokenSpan(found.start, found.end, labels[found.label]) for found in entities]
            for entities in find_entities(self._scores)
        ]

    def probabilities(self, readings: Sequence[Reading]) -> np.ndarray:
        tags = np.zeros(len(self._scores.data), dtype=np.int64)
        starts, ends = np.zeros(len(readings), dtype=np.int64), np.zeros(len(readings), dtype=np.int64)
        for i, (document, start, end, entities) in enumerate(readings):
            offset = int(self._scores.offsets[document])
            starts[i], ends[i] = offset + start, offset + end
            for span in entities:
                number = self._labels[span.label]
                tags[offset + span.start] = 1 + number
                tags[offset + span.start + 1 : offset + span.end] = 1 + len(self._labels) + number
        return stretch_marginals(self._scores, starts, ends, tags)


def _only(scores: Ragged, labels: Sequence[str], wanted: Sequence[Collection[str]]) -> Ragged:
    """Give to O what the tags of other labels have."""
    data = scores.data.astype(np.float64)
    for document, labels_there in enumerate(wanted):
        others = [number for number, label in enumerate(labels) if label not in labels_there]
        if not others:
            continue
        columns = [0, *(1 + number for number in others), *(1 + len(labels) + number for number in others)]
        rows = data[scores.offsets[document] : scores.offsets[document + 1]]
        # White space has no scores, and none afterwards.
        said = rows.any(axis=1)
        together = np.logaddexp.reduce(rows[np.ix_(said, columns)], axis=1)
        rows[np.ix_(said, columns[1:])] = -np.inf
        rows[said, 0] = together
    return Ragged(data, scores.lengths)


class EntityReadings:
    """Readings by entities alone, of annotators that say nothing of what they didn't choose.

    What is said is as probable as the least sure of its entities, and all else together has the rest.

    entities (Sequence[list[TokenSpan] | None]): Of each document; None where there is no answer.
    scores (Sequence[Mapping[TokenSpan, float]]): Of each document's entities; 1 for those that have none.
    silent (Sequence[Collection[int]]): Tokens of each document of which nothing is said.
    """

    def __init__(
        self,
        entities: Sequence[list[TokenSpan] | None],
        scores: Sequence[dict[TokenSpan, float]],
        silent: Sequence[Collection[int]],
    ):
        self.entities = entities
        self.silent = silent
        self._scores = scores

    def probabilities(self, readings: Sequence[Reading]) -> np.ndarray:
        found = np.zeros(len(readings))
        for i, (document, start, end, entities) in enumerate(readings):
            own = within(self.entities[document] or (), start, end)
            score = min((self._scores[document].get(span, 1.0) for span in own), default=1.0)
            score = 1.0 if math.isnan(score) else min(max(score, 0.0), 1.0)
            found[i] = score if own == entities else 1.0 - score
        return found


def within(entities: Sequence[TokenSpan], start: int, end: int) -> tuple[TokenSpan, ...]:
    """RETURNS (tuple[TokenSpan, ...]): The entities that begin in a stretch, which cuts none."""
    return tuple(span for span in entities if start <= span.start < end)
