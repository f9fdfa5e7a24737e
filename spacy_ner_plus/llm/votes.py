"""How sure a reply is of its mentions: token probabilities, and votes of several samples."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spacy_ner_plus.alignment.align import AlignedMention
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.llm.requests import ChatReply
from spacy_ner_plus.spans import without_overlaps


@dataclass(frozen=True, slots=True)
class Candidate:
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


class TokenProbabilities:
    """Read a mention's probability from the tokens of the reply that spell it."""

    def __init__(self, reply: ChatReply):
        self._starts: np.ndarray | None = None
        if reply.logprobs and "".join(token for token, _ in reply.logprobs) == reply.content:
            lengths = np.array([len(token) for token, _ in reply.logprobs])
            self._ends = np.cumsum(lengths)
            self._starts = self._ends - lengths
            self._logprobs = np.array([logprob for _, logprob in reply.logprobs])

    def probability(self, mention: Mention) -> float:
        """Multiply the probabilities of the tokens in which a mention is spelt.

        mention (Mention): One of the reply's mentions.
        RETURNS (float): From 0 to 1; 1.0 where the server gave no probabilities, they don't spell
            the reply, or the format doesn't know where the mention stands in it.
        """
        if self._starts is None or mention.reply_start < 0:
            return 1.0
        inside = (self._starts < mention.reply_end) & (self._ends > mention.reply_start)
        return math.exp(min(float(self._logprobs[inside].sum()), 0.0))


def count_votes(
    samples: Sequence[Iterable[tuple[AlignedMention, float]]], unread: Sequence[Collection[int]] = ()
) -> list[Candidate]:
    """Count in how many samples each span has each label (self-consistency: Wang et al. 2022, arXiv:2203.11171).

    samples (Sequence[Iterable[tuple[AlignedMention, float]]]): What each valid reply found, with
        its probability.
    unread (Sequence[Collection[int]]): The tokens that each reply leaves out: it has no vote on them.
    RETURNS (list[Candidate]): By position. The score is the share of votes, times the mean
        probability where there are token probabilities.
    """
    best: dict[tuple[int, int, str], AlignedMention] = {}
    votes: dict[tuple[int, int, str], float] = {}
    for sample in samples:
        # Several mentions of a sample may be aligned to one span; they have one vote.
        mine: dict[tuple[int, int, str], float] = {}
        for aligned, probability in sample:
            key = (aligned.start, aligned.end, aligned.label)
            mine[key] = max(mine.get(key, 0.0), probability)
            if key not in best or aligned.score > best[key].score:
                best[key] = aligned
        for key, probability in mine.items():
            votes[key] = votes.get(key, 0.0) + probability
    return [
        Candidate(*key, score=min(vote / _voters(key, len(samples), unread), 1.0), aligned=best[key])
        for key, vote in sorted(votes.items())
    ]


def _voters(key: tuple[int, int, str], samples: int, unread: Sequence[Collection[int]]) -> int:
    start, end, _ = key
    abstaining = sum(any(token in left_out for token in range(start, end)) for left_out in unread)
    return max(samples - abstaining, 1)


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
