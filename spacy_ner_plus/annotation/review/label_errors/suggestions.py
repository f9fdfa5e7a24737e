"""Places where annotators read a text otherwise than its annotation, the most suspicious first.

Whole entities are weighed, and whole candidates for entities, not tokens: how much more probable what is found there
is than what is annotated there, both as readings of the same stretch of text. In a stretch lies everything that
overlaps: an entity with another label or other bounds is one suggestion, and not a missing one beside a spurious one.
The margin between what was found and what was given is what ranks label errors in classification, too (Northcutt et
al., 2021, Confident Learning); it is 1 at most, whatever a place's length, so that places can be compared.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.annotation.review.label_errors.readings import Reading, Readings, within
from spacy_ner_plus.spans import IOB_MISSING, TokenSpan

LABEL = "label"
BOUNDARY = "boundary"
LABEL_AND_BOUNDARY = "label and boundary"
MISSING = "missing"
SPURIOUS = "spurious"
KINDS = (LABEL, BOUNDARY, LABEL_AND_BOUNDARY, MISSING, SPURIOUS)


@dataclass(frozen=True)
class Suggestion:
    """A place that is probably annotated wrongly.

    document (int): Number of its document, from 0.
    kind (str): One of KINDS: what the annotation has wrong, if what was found is right.
    score (float): How much more probable what was found is than what is annotated, above 0, up to 1.
    start (int): Index of the place's first token.
    end (int): Index after its last token.
    annotated (tuple[TokenSpan, ...]): The entities that the annotation has there.
    found (tuple[TokenSpan, ...]): Those that annotators find there.
    annotated_probability (float): Of what is annotated, by the mean of all annotators, from 0 to 1.
    found_probability (float): Of what is found.
    """

    document: int
    kind: str
    score: float
    start: int
    end: int
    annotated: tuple[TokenSpan, ...]
    found: tuple[TokenSpan, ...]
    annotated_probability: float
    found_probability: float


@dataclass(frozen=True)
class Annotated:
    """A document's annotation, as far as it can be compared.

    number (int): Of the document in its corpus, from 0.
    entities (list[TokenSpan]): Those that it has.
    closed (frozenset[int]): Tokens about which nothing is suggested.
    """

    number: int
    entities: list[TokenSpan]
    closed: frozenset[int]

    @classmethod
    def of(cls, doc: Doc, number: int, labels: Collection[str]) -> "Annotated":
        """Read a Doc's annotation.

        labels (Collection[str]): Those that annotators know; tokens of entities of others are closed, as are tokens
            without annotation.
        """
        closed = {token.i for token in doc if token.ent_iob == IOB_MISSING}
        closed.update(i for ent in doc.ents if ent.label_ not in labels for i in range(ent.start, ent.end))
        entities = [TokenSpan(ent.start, ent.end, ent.label_) for ent in doc.ents if ent.label_ in labels]
        return cls(number, entities, frozenset(closed))


def find_suggestions(batch: Sequence[Annotated], answers: Sequence[Readings]) -> list[Suggestion]:
    """Compare documents' annotation with what annotators make of them.

    batch (Sequence[Annotated]): Documents.
    answers (Sequence[Readings]): What each annotator makes of these documents.
    RETURNS (list[Suggestion]): By document and position, those where something else than what is annotated is the more
        probable.
    """
    places = [
        Reading(document, start, end, within(one.entities, start, end))
        for document, one in enumerate(batch)
        for start, end in _stretches(one, document, answers)
    ]
    candidates = [_candidates(place, answers) for place in places]
    best: list[tuple[float, tuple[TokenSpan, ...]]] = [(-1.0, ())] * len(places)
    annotated = _mean(places, answers)
    for turn in range(max(map(len, candidates), default=0)):
        asked = [i for i, some in enumerate(candidates) if turn < len(some)]
        found = _mean([places[i]._replace(entities=candidates[i][turn]) for i in asked], answers)
        for i, probability in zip(asked, found.tolist(), strict=True):
            # The first of equals is what more annotators found, or was named first.
            best[i] = max(best[i], (probability, candidates[i][turn]), key=lambda pair: pair[0])
    return [
        Suggestion(
            batch[place.document].number,
            kind_of(place.entities, entities),
            probability - of_annotated,
            place.start,
            place.end,
            place.entities,
            entities,
            of_annotated,
            probability,
        )
        for place, (probability, entities), of_annotated in zip(places, best, annotated.tolist(), strict=True)
        if probability > of_annotated
    ]


def kind_of(annotated: Sequence[TokenSpan], found: Sequence[TokenSpan]) -> str:
    """Name what the annotation of a place has wrong, if what was found there is right.

    RETURNS (str): One of KINDS.
    """
    if not annotated:
        return MISSING
    if not found:
        return SPURIOUS
    if [span[:2] for span in annotated] == [span[:2] for span in found]:
        return LABEL
    same_labels = {span.label for span in annotated} == {span.label for span in found}
    return BOUNDARY if same_labels else LABEL_AND_BOUNDARY


def _stretches(one: Annotated, document: int, answers: Sequence[Readings]) -> Iterator[tuple[int, int]]:
    """Join what differs and overlaps: as entities of one reading don't overlap, no stretch cuts an entity."""
    annotated = set(one.entities)
    joined: list[list[int]] = []
    for span in sorted(set().union(*(annotated ^ set(found) for found in _said(document, answers)))):
        if joined and span.start < joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], span.end)
        else:
            joined.append([span.start, span.end])
    for start, end in joined:
        if one.closed.isdisjoint(range(start, end)):
            yield start, end


def _said(document: int, answers: Sequence[Readings]) -> list[list[TokenSpan]]:
    return [entities for answer in answers if (entities := answer.entities[document]) is not None]


def _speaks(answer: Readings, place: Reading) -> bool:
    """Whether an annotator says something of a whole place."""
    if answer.entities[place.document] is None:
        return False
    silent = answer.silent[place.document]
    return not silent or set(silent).isdisjoint(range(place.start, place.end))


def _candidates(place: Reading, answers: Sequence[Readings]) -> list[tuple[TokenSpan, ...]]:
    """What annotators find in a place instead of what is annotated, what most of them find first."""
    found = Counter(
        within(answer.entities[place.document] or (), place.start, place.end)
        for answer in answers
        if _speaks(answer, place)
    )
    return [entities for entities, _ in found.most_common() if entities != place.entities]


def _mean(readings: Sequence[Reading], answers: Sequence[Readings]) -> np.ndarray:
    """The probability of each reading, by the mean of those who say something of its place; 0 where nobody does."""
    total, count = np.zeros(len(readings)), np.zeros(len(readings))
    for answer in answers:
        spoken = [i for i, reading in enumerate(readings) if _speaks(answer, reading)]
        total[spoken] += answer.probabilities([readings[i] for i in spoken])
        count[spoken] += 1
    return total / np.maximum(count, 1)
