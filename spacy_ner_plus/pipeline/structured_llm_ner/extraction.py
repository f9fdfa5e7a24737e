"""What the replies about one Doc say, before anything is written to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy.tokens import Doc, Span

from spacy_ner_plus.alignment.align import FUZZY as FUZZY_MATCH
from spacy_ner_plus.alignment.align import UNALIGNED_ATTR, WITHIN_TOKENS, Alignment
from spacy_ner_plus.alignment.occurrences import CONTRACT
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.requests import ChatReply, Outcome
from spacy_ner_plus.llm.votes import Candidate, choose
from spacy_ner_plus.spans import is_blocked

# Kinds of issues, as users read them.
INVALID = "document with an invalid reply, after one re-ask: entities missing there"
NO_REPLY = "document with a request that got no reply: entities missing there"
UNREAD = "document whose reply leaves out a part of the text: entities missing there"
LOST_SAMPLE = "sample without a valid reply: the others decide"
AMBIGUOUS = (
    "mention under several labels, with nothing that says which occurrence has which: marked as ambiguous"
)
UNALIGNED = "mention that isn't in the text: not written"
FUZZY = "mention spelled differently in the text: aligned to what is most similar"
SPLIT = "mention that joins several, which the text has apart: each taken by itself"
MISCOUNTED = "mention whose stated occurrence isn't in the text: another one taken"
SNAPPED = "mention that ends inside a token: widened to whole tokens"
NARROWED = "mention that ends inside a token: narrowed to whole tokens"
WITHOUT_GRAMMAR = (
    "request without the grammar of its text, which has none or was refused: replies may name anything"
)
DROPPED = "mention that ends inside a token: dropped, as `alignment_mode` says"
# By the kind of an outcome.
_KINDS = {"invalid": INVALID, "partial": INVALID, "cut": INVALID, "unread": UNREAD}


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the replies about a Doc name, and where there was none.

    candidates (Sequence[Candidate]): Entities that may be written, overlapping ones too.
    alignments (Sequence[Alignment]): Of each valid reply.
    failures (Sequence[Outcome]): One for each chunk of the text without a valid reply, or with one that
        leaves out a part of it, whose kind is 'unread'.
    unknown_tokens (Sequence[int]): The tokens of which no valid reply says anything.
    replies (Sequence[ChatReply]): All replies that came, in order.
    lost_samples (Sequence[Outcome]): Those without a valid reply, of chunks for which another sample has one.
    repairs (IssueLog): What was repaired in the replies.
    first (ChatReply | None): The last reply to the first request; None where it got none.
    """

    candidates: Sequence[Candidate]
    alignments: Sequence[Alignment]
    failures: Sequence[Outcome]
    unknown_tokens: Sequence[int]
    replies: Sequence[ChatReply]
    lost_samples: Sequence[Outcome] = ()
    repairs: IssueLog = field(default_factory=IssueLog)
    first: ChatReply | None = None

    @property
    def failure(self) -> str:
        """RETURNS (str): Why a part of the Doc, or all of it, has no answer; '' where all of it has."""
        return "; ".join(dict.fromkeys(outcome.failure for outcome in self.failures))

    def entities(self, doc: Doc, threshold: float) -> tuple[list[Span], list[float]]:
        """Choose among overlapping candidates, on tokens that aren't blocked.

        threshold (float): The least score.
        RETURNS (tuple[list[Span], list[float]]): Entities in order, and the score of each.
        """
        chosen = self.chosen(doc, threshold)
        return _spans(doc, chosen), [candidate.score for candidate in chosen]

    def chosen(self, doc: Doc, threshold: float) -> list[Candidate]:
        """RETURNS (list[Candidate]): What `entities` makes spans of."""
        blocked, free = is_blocked(doc), self.candidates
        if blocked.any():
            free = [found for found in free if not blocked[found.start : found.end].any()]
        return choose(free, threshold)

    def unknown(self, doc: Doc) -> list[Span]:
        """RETURNS (list[Span]): The tokens about which nothing was found out."""
        return [doc[i : i + 1] for i in self.unknown_tokens]

    def mentions(self, doc: Doc) -> tuple[list[Span], dict[str, Any]]:
        """RETURNS (tuple[list[Span], dict[str, Any]]): All that was named, with how each was aligned, by attribute."""
        found = self.candidates
        attrs = {
            "alignment": [c.aligned.how for c in found],
            "alignment_scores": [c.aligned.score for c in found],
            "confidence": [c.score for c in found],
            "ambiguous": [c.aligned.ambiguous for c in found],
            "mentions": [c.aligned.mention.text for c in found],
            # Where the text has them, before their ends were moved to those of tokens.
            "chars": [list(c.aligned.chars) for c in found],
            UNALIGNED_ATTR: [
                [mention.text, mention.label, reason]
                for alignment in self.alignments
                for mention, reason in alignment.unaligned
            ],
        }
        return _spans(doc, found), attrs

    def log_issues(self, issues: IssueLog, doc: Doc) -> None:
        """Count what was lost, and what was aligned to another spelling."""
        found = list(self._issues())
        where = f"{doc.text[:40]!r}" if found else ""
        for kind, example, count in found:
            issues.add(kind, example or where, where, count=count)

    def _issues(self) -> Iterator[tuple[str, str, int]]:
        """YIELDS (tuple[str, str, int]): Kind, example and number; the Doc itself is the example where that is ''."""
        # A document with several failures counts once for each kind.
        for kind, outcome in {outcome.kind: outcome for outcome in reversed(self.failures)}.items():
            yield _KINDS.get(kind, NO_REPLY), outcome.failure, 1
        if self.lost_samples:
            yield LOST_SAMPLE, self.lost_samples[0].failure, len(self.lost_samples)
        for kind, issue in self.repairs:
            yield kind, issue.example, issue.count
        for alignment in self.alignments:
            for mention, reason in alignment.unaligned:
                kind = DROPPED if reason == WITHIN_TOKENS else UNALIGNED
                yield kind, f"{mention.text[:60]!r} {mention.label}, {reason}", 1
            for mention, _ in alignment.split:
                yield SPLIT, f"{mention.text[:60]!r} {mention.label}", 1
            for mention in alignment.miscounted:
                yield (
                    MISCOUNTED,
                    f"{mention.text[:60]!r} {mention.label}, occurrence {mention.occurrence:,}",
                    1,
                )
            for span in alignment.spans:
                if span.how == FUZZY_MATCH:
                    yield FUZZY, f"{span.mention.text[:60]!r} {span.label}", 1
                if span.ambiguous:
                    yield AMBIGUOUS, f"{span.mention.text[:60]!r} {span.label}", 1
            if alignment.snapped:
                kind = NARROWED if alignment.alignment_mode == CONTRACT else SNAPPED
                yield kind, "", alignment.snapped


def _spans(doc: Doc, candidates: Sequence[Candidate]) -> list[Span]:
    return [Span(doc, c.start, c.end, label=c.label) for c in candidates]
