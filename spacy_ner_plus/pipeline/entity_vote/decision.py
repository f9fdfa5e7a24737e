"""What becomes of a Doc's candidates: entities, and tokens of which nothing is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spacy_ner_plus.pipeline.entity_vote.ballot import Answer, Candidate, find_candidates, unanswered
from spacy_ner_plus.pipeline.entity_vote.policies import Policy


@dataclass(frozen=True)
class Decision:
    """What was decided about a Doc.

    candidates (Sequence[Candidate]): All spans that were named, in order.
    scores (Sequence[float]): What the policy gives each, from 0 to 1.
    kept (Sequence[bool]): Whether each is an entity; those that are share no token.
    missing (ndarray[bool]): Of each token, whether it is in no entity and can't be said to be O: a span that isn't
        kept covers it, something was named there that no span can hold, or no annotator says anything about it.
    unanswered (ndarray[bool]): Likewise, whether no annotator says anything about it.
    """

    candidates: Sequence[Candidate]
    scores: Sequence[float]
    kept: Sequence[bool]
    missing: np.ndarray
    unanswered: np.ndarray


def decide(
    answers: Sequence[Answer], annotators: Sequence[str], policy: Policy, *, keep: float = 0.0
) -> Decision:
    """Decide about a Doc.

    answers (Sequence[Answer]): One of each annotator.
    annotators (Sequence[str]): Their names, in the same order.
    policy (Callable): Gives a verdict for each candidate.
    keep (float): The least score of an entity; what is below is doubtful. Default 0.
    """
    candidates = find_candidates(answers)
    verdicts = policy(candidates, annotators)
    chosen = [verdict.kept and verdict.score >= keep for verdict in verdicts]
    scores = [verdict.score for verdict in verdicts]
    kept = _without_conflicts(candidates, scores, chosen, len(answers[0].missing))
    silent = unanswered(answers)
    missing = silent.copy()
    for answer in answers:
        if answer.cut is not None:
            # Named, and not kept: doubtful, whoever says O.
            missing |= answer.cut
    for candidate, is_kept in zip(candidates, kept, strict=True):
        if not is_kept:
            missing[candidate.start : candidate.end] = True
    for candidate, is_kept in zip(candidates, kept, strict=True):
        if is_kept:
            missing[candidate.start : candidate.end] = silent[candidate.start : candidate.end] = False
    return Decision(candidates, scores, kept, missing, silent)


def _without_conflicts(
    candidates: Sequence[Candidate], scores: Sequence[float], chosen: Sequence[bool], length: int
) -> list[bool]:
    """Of spans that share a token the one with the highest score stays; none of them where several have that."""
    kept = [False] * len(candidates)
    taken = np.zeros(length, dtype=bool)
    left = [i for i, is_chosen in enumerate(chosen) if is_chosen]
    for score in sorted({scores[i] for i in left}, reverse=True):
        level = [i for i in left if scores[i] == score]
        free = [i for i in level if not taken[candidates[i].start : candidates[i].end].any()]
        counts = np.zeros(length, dtype=int)
        for i in free:
            counts[candidates[i].start : candidates[i].end] += 1
        for i in free:
            stretch = slice(candidates[i].start, candidates[i].end)
            kept[i] = bool((counts[stretch] == 1).all())
        # What stays contested is nobody's.
        taken |= counts > 0
    return kept
