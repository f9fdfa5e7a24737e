"""How sure several samples are of their mentions: their votes, weighted by token probabilities."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from spacy_ner_plus.alignment.align import AlignedMention
from spacy_ner_plus.spans import without_overlaps


class Candidate(NamedTuple):
    """An entity that may be written, with how sure the replies are of it.

    start (int): Index of its first token.
    end (int): Index after its last token.
    score (float): From 0 to 1.
    aligned (AlignedMention): How it was aligned, the best of several samples.
    """

    start: int
    end: int
    label: str
    score: float
    aligned: AlignedMention


def count_votes(
    samples: Sequence[Iterable[AlignedMention]], unread: Sequence[Collection[int]] = ()
) -> list[Candidate]:
    """Count in how many samples each span has each label (self-consistency: Wang et al. 2022, arXiv:2203.11171).

    samples (Sequence[Iterable[AlignedMention]]): What each valid reply found.
    unread (Sequence[Collection[int]]): The tokens that each of them leaves out: it has no vote on them, but for
        what it names all the same. Default: none.
    RETURNS (list[Candidate]): By position. The score is the share of votes, times the mean
        probability where there are token probabilities.
    """
    best: dict[tuple[int, int, str], AlignedMention] = {}
    votes: dict[tuple[int, int, str], float] = {}
    named: list[Collection[tuple[int, int, str]]] = []
    for sample in samples:
        # Several mentions of a sample may be aligned to one span; they have one vote.
        mine: dict[tuple[int, int, str], float] = {}
        for aligned in sample:
            key = (aligned.start, aligned.end, aligned.label)
            mine[key] = max(mine.get(key, 0.0), aligned.mention.probability)
            if key not in best or aligned.score > best[key].score:
                best[key] = aligned
        named.append(mine)
        for key, probability in mine.items():
            votes[key] = votes.get(key, 0.0) + probability
    return [
        Candidate(*key, score=min(vote / _voters(key, named, unread), 1.0), aligned=best[key])
        for key, vote in sorted(votes.items())
    ]


def _voters(
    key: tuple[int, int, str],
    named: Sequence[Collection[tuple[int, int, str]]],
    unread: Sequence[Collection[int]],
) -> int:
    start, end, _ = key
    abstaining = sum(
        key not in mine and any(token in left_out for token in range(start, end))
        for mine, left_out in zip(named, unread, strict=False)
    )
    return max(len(named) - abstaining, 1)


def choose(candidates: Iterable[Candidate], threshold: float) -> list[Candidate]:
    """Choose entities that don't overlap: the surest first, of equally sure ones the longest.

    candidates (Iterable[Candidate]): Any.
    threshold (float): The least score.
    RETURNS (list[Candidate]): By position.
    """
    sure = [candidate for candidate in candidates if candidate.score >= threshold]
    kept, _ = without_overlaps(
        sure, rank=lambda c: (-c.score, c.start - c.end, -c.aligned.score, c.start, c.label)
    )
    return kept
