"""What structured_llm_ner does with a Doc: ask about its text, and write what the replies say."""

import warnings

from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.alignment.align import FUZZY as FUZZY_MATCH
from spacy_ner_plus.alignment.align import Alignment, align_mentions
from spacy_ner_plus.chunks import CUT, TOO_LONG, chunk_doc, merge_chunks
from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import ChatReply, Outcome
from spacy_ner_plus.llm.votes import Candidate, TokenProbabilities, choose, count_votes
from spacy_ner_plus.pipeline.scored_ents import FAILURE, write_ents
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import Asked

# The group that holds why there is no answer, where `spans_key` is ''.
FAILURE_KEY = "structured_llm_ner_failure"
# Kinds of issues, as users read them.
INVALID = "document with an invalid reply, after one re-ask: entities missing there"
UNANSWERED = "document without a reply: entities missing there"
UNALIGNED = "mention that stands nowhere in the text: not written"
FUZZY = "mention spelt otherwise than the text: aligned to what is most like it"
SNAPPED = "mention that ends inside a token: widened to whole tokens"


class Extractor:
    """Ask a chat model about Docs, and write entities and mentions.

    prompter (Prompter): Writes requests and reads replies.
    model (ChatModel): Answers them.
    samples (int): How often each text is asked.
    chunk_tokens (int | None): Most tokens of text in a request; None for no limit.
    chunk_overlap (int): How many tokens chunks share.
    occurrences (str): As `align_mentions` takes it.
    fuzzy_threshold (float): As `align_mentions` takes it.
    """

    def __init__(
        self,
        prompter: Prompter,
        model: ChatModel,
        *,
        samples: int,
        chunk_tokens: int | None,
        chunk_overlap: int,
        occurrences: str,
        fuzzy_threshold: float,
    ):
        self.prompter = prompter
        self.model = model
        self.samples = samples
        self.chunk_tokens = chunk_tokens
        self.chunk_overlap = chunk_overlap
        self.occurrences = occurrences
        self.fuzzy_threshold = fuzzy_threshold
        # For those who count what replies took, stored ones too.
        self.keeps_replies = False
        self.replies: list[ChatReply] = []

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are asked for."""
        return self.prompter.labels.names

    def ask(self, doc: Doc, issues: IssueLog) -> Asked:
        """Send what is to be asked about a Doc; nothing for one without words.

        doc (Doc): The Doc.
        issues (IssueLog): Where sentences that had to be cut are counted.
        RETURNS (Asked): The chunks of its text and the answers to come.
        """
        # Doc.text is put together anew each time that it is asked for.
        whole = doc.text
        asked = Asked(doc, self.chunks(doc, issues, text=whole))
        for start, end in asked.chunks:
            text = whole[start:end]
            read = self.prompter.reader(text)
            asked.futures += [
                self.model.submit(self.prompter.request(text, sample, whole=whole), read)
                for sample in range(self.samples)
            ]
        return asked

    def chunks(
        self, doc: Doc, issues: IssueLog | None = None, *, text: str | None = None
    ) -> list[tuple[int, int]]:
        """Cut a Doc's text into what fits a request.

        doc (Doc): The Doc.
        issues (IssueLog): Where sentences that had to be cut are counted.
        text (str): The Doc's text, where it is at hand.
        RETURNS (list[tuple[int, int]]): Stretches of characters; one for most Docs, none without words.
        """
        text = doc.text if text is None else text
        if not text or text.isspace():
            return []
        # No tokenizer makes more tokens than bytes.
        if self.chunk_tokens is None or len(text.encode()) <= self.chunk_tokens:
            return [(0, len(text))]
        return chunk_doc(
            doc,
            budget=self.chunk_tokens,
            count_tokens=self.model.count_tokens,
            overlap=self.chunk_overlap,
            issues=issues,
        )

    def write(
        self, asked: Asked, issues: IssueLog, *, threshold: float, spans_key: str, overwrite: bool
    ) -> None:
        """Wait for the answers about a Doc, and write what they say.

        asked (Asked): What `ask` gave.
        issues (IssueLog): Where invalid replies and mentions without a place are counted.
        threshold (float): The least score of an entity.
        spans_key (str): Key of the group with scores; '' for none.
        overwrite (bool): Whether entities that are on the Doc give way.
        """
        doc = asked.doc
        answered: list[tuple[int, int]] = []
        found: list[list[Candidate] | None] = []
        alignments: list[Alignment] = []
        failures: list[Outcome] = []
        outcomes = [future.result() for future in asked.futures]
        self.replies += (
            [reply for outcome in outcomes for reply in outcome.replies] if self.keeps_replies else []
        )
        for i, (start, end) in enumerate(asked.chunks):
            mine = outcomes[i * self.samples : (i + 1) * self.samples]
            samples = []
            for outcome in mine:
                if outcome.value is None:
                    continue
                alignment = align_mentions(
                    doc,
                    outcome.value,
                    start_char=start,
                    end_char=end,
                    occurrences=self.occurrences,
                    fuzzy_threshold=self.fuzzy_threshold,
                )
                alignments.append(alignment)
                probabilities = TokenProbabilities(outcome.replies[-1])
                samples.append([(span, probabilities.probability(span.mention)) for span in alignment.spans])
            if samples:
                answered.append((start, end))
                found.append(count_votes(samples))
            else:
                found.append(None)
                failures.append(mine[0])
        candidates = found[0] or [] if len(found) == 1 else merge_chunks(doc, asked.chunks, found)
        kept = choose(candidates, threshold)
        failure = "; ".join(dict.fromkeys(outcome.failure for outcome in failures))
        write_ents(
            doc,
            [Span(doc, c.start, c.end, label=c.label) for c in kept],
            [c.score for c in kept],
            spans_key=spans_key,
            overwrite=overwrite,
            unknown=_unanswered(doc, asked.chunks, answered) if failures else [],
            failure=failure,
        )
        if spans_key:
            _write_mentions(doc, candidates, alignments, f"{spans_key}_mentions")
        elif failure:
            # What was lost is told even where no groups are wanted.
            doc.spans[FAILURE_KEY] = SpanGroup(doc, name=FAILURE_KEY, attrs={FAILURE: failure})
        for outcome in failures[:1]:
            kind = INVALID if outcome.kind == "invalid" else UNANSWERED
            issues.add(kind, outcome.failure, f"{doc.text[:40]!r}")
        _count(alignments, issues, doc)

    def warn(self, issues: IssueLog, name: str) -> None:
        """Say at the end of a run what was lost in it, once for all Docs.

        issues (IssueLog): The account of the run.
        name (str): The component.
        """
        lost = [
            f"{issues[kind]:,} x {kind} (first: {issues.kinds[kind].example})"
            for kind in (INVALID, UNANSWERED, UNALIGNED, CUT, TOO_LONG)
            if issues[kind]
        ]
        if lost:
            warnings.warn(Warnings.W240.format(name=name, lost="; ".join(lost)), stacklevel=2)


def _unanswered(doc: Doc, chunks: list[tuple[int, int]], answered: list[tuple[int, int]]) -> list[Span]:
    """The tokens that lie in chunks without an answer alone."""
    return [
        doc[token.i : token.i + 1]
        for token in doc
        if any(start <= token.idx < end for start, end in chunks)
        and not any(start <= token.idx < end for start, end in answered)
    ]


def _write_mentions(doc: Doc, candidates: list[Candidate], alignments: list[Alignment], key: str) -> None:
    """All that the replies named, overlapping too, each with how it was aligned."""
    attrs = {
        "alignment": [c.aligned.how for c in candidates],
        "alignment_scores": [c.aligned.score for c in candidates],
        "confidence": [c.score for c in candidates],
        "mentions": [c.aligned.mention.text for c in candidates],
        "unaligned": [
            [mention.text, mention.label, reason]
            for alignment in alignments
            for mention, reason in alignment.unaligned
        ],
    }
    spans = [Span(doc, c.start, c.end, label=c.label) for c in candidates]
    doc.spans[key] = SpanGroup(doc, name=key, spans=spans, attrs=attrs)


def _count(alignments: list[Alignment], issues: IssueLog, doc: Doc) -> None:
    for alignment in alignments:
        fuzzy = [span for span in alignment.spans if span.how == FUZZY_MATCH]
        if not (alignment.unaligned or fuzzy or alignment.snapped):
            continue
        where = f"{doc.text[:40]!r}"
        for mention, reason in alignment.unaligned:
            issues.add(UNALIGNED, f"{mention.text[:60]!r} {mention.label}, {reason}", where)
        for span in fuzzy:
            issues.add(FUZZY, f"{span.mention.text[:60]!r} {span.label}", where)
        if alignment.snapped:
            issues.add(SNAPPED, where, where, count=alignment.snapped)
