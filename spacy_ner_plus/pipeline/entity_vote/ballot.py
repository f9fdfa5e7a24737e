"""What several annotators say about a Doc: who named which span, and who had a say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# What the entities of an annotator without scores count as.
NO_SCORE = 1.0


class ScoredSpan(NamedTuple):
    """A span that an annotator named.

    start (int): Index of its first token.
    end (int): Index after its last token.
    label (str): The label.
    score (float): From 0 to 1.
    """

    start: int
    end: int
    label: str
    score: float = NO_SCORE


@dataclass(frozen=True)
class Answer:
    """What one annotator says about a Doc.

    spans (Sequence[ScoredSpan]): None of them overlapping another.
    missing (ndarray[bool]): Of each token, whether the annotator says nothing about it, not even that it is O.
    labels (frozenset[str] | None): The labels that it looks for; None where that isn't known, and it may be all.
    cut (ndarray[bool] | None): Of each token, whether the annotator named something there that begins or ends within a
        token, so that no span can hold it; None for nowhere.
    """

    spans: Sequence[ScoredSpan]
    missing: np.ndarray
    labels: frozenset[str] | None = None
    cut: np.ndarray | None = None


class Candidate(NamedTuple):
    """A span that at least one annotator named.

    start (int): Index of its first token.
    end (int): Index after its last token.
    label (str): The label.
    scores (tuple[float | None, ...]): Of each annotator; None for one that didn't name it.
    has_say (tuple[bool, ...]): Whether each annotator said something about it, if only by not naming it: it looks for
        the label, and left no token of the span missing, or named another span there.
    """

    start: int
    end: int
    label: str
    scores: tuple[float | None, ...]
    has_say: tuple[bool, ...]


def find_candidates(answers: Sequence[Answer]) -> list[Candidate]:
    """RETURNS (list[Candidate]): All spans that were named, in order."""
    named: dict[tuple[int, int, str], dict[int, float]] = {}
    for annotator, answer in enumerate(answers):
        for start, end, label, score in answer.spans:
            named.setdefault((start, end, label), {})[annotator] = score
    covered = [_covered(answer) for answer in answers]
    candidates = []
    for (start, end, label), by in sorted(named.items()):
        has_say = tuple(
            annotator in by or _has_say(answer, covered[annotator], start, end, label)
            for annotator, answer in enumerate(answers)
        )
        scores = tuple(by.get(annotator) for annotator in range(len(answers)))
        candidates.append(Candidate(start, end, label, scores, has_say))
    return candidates


def unanswered(answers: Sequence[Answer]) -> np.ndarray:
    """Find the tokens of which it can't be said that they are O, if no span is there.

    RETURNS (ndarray[bool]): Of each token, whether there is a label that no annotator looked for there.
    """
    speaks = np.stack([~answer.missing for answer in answers])
    labels = frozenset().union(*(answer.labels or () for answer in answers))
    looked_for_all = [answer.labels is None or answer.labels >= labels for answer in answers]
    answered = speaks[looked_for_all].any(axis=0)
    if not answered.all():
        by_label = [
            speaks[[answer.labels is None or label in answer.labels for answer in answers]].any(axis=0)
            for label in labels
        ]
        answered |= np.all(by_label, axis=0) if by_label else False
    return ~answered


def _covered(answer: Answer) -> np.ndarray:
    covered = np.zeros(len(answer.missing), dtype=bool)
    for span in answer.spans:
        covered[span.start : span.end] = True
    return covered


def _has_say(answer: Answer, covered: np.ndarray, start: int, end: int, label: str) -> bool:
    if covered[start:end].any():
        return True
    looks = answer.labels is None or label in answer.labels
    return looks and not answer.missing[start:end].any()
