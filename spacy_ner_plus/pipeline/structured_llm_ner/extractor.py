"""What structured_llm_ner does with a Doc: ask about its text, and read the replies."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc, Token

from spacy_ner_plus.alignment.align import Alignment, align_mentions
from spacy_ner_plus.chunks import Stretch, chunk_doc, merge_chunks
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import ChatRequest, Outcome
from spacy_ner_plus.llm.votes import Candidate, TokenProbabilities, count_votes
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import DocInFlight


class Extractor:
    """Asks a chat model about Docs. It writes nothing to them.

    samples (int): How often each text is asked about.
    chunk_tokens (int | None): Tokens of text in a request at most; None for no limit.
    chunk_overlap (int): How many tokens chunks share.
    occurrences (str): As `align_mentions` takes it.
    similarity_threshold (float): As `align_mentions` takes it.
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
        similarity_threshold: float,
    ):
        self.prompter = prompter
        self.model = model
        self.samples = samples
        self.chunk_tokens = chunk_tokens
        self.chunk_overlap = chunk_overlap
        self.occurrences = occurrences
        self.similarity_threshold = similarity_threshold

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are asked for."""
        return self.prompter.labels.names

    def submit(self, doc: Doc, issues: IssueLog | None = None) -> DocInFlight:
        """Send the requests about a Doc; none for one without words.

        issues (IssueLog | None): Where sentences that had to be cut are counted.
        """
        # Once, since Doc.text is built from the tokens at each access.
        whole = doc.text
        submitted = DocInFlight(doc, self.chunks(doc, issues, text=whole), text=whole)
        for start, end in submitted.chunks:
            text = whole[start:end]
            read = self.prompter.reader(text)
            for sample in range(self.samples):
                request = self.prompter.request(text, sample, whole=whole)
                submitted.requests.append(request)
                submitted.futures.append(self.model.submit(request, read))
        return submitted

    def requests(self, doc: Doc) -> list[ChatRequest]:
        """RETURNS (list[ChatRequest]): What `submit` would send about a Doc; nothing is sent."""
        whole = doc.text
        return [
            self.prompter.request(whole[start:end], sample, whole=whole)
            for start, end in self.chunks(doc, text=whole)
            for sample in range(self.samples)
        ]

    def chunks(
        self, doc: Doc, issues: IssueLog | None = None, *, text: str | None = None
    ) -> list[tuple[int, int]]:
        """Cut a Doc's text into chunks that fit a request.

        issues (IssueLog | None): Where sentences that had to be cut are counted.
        text (str | None): The Doc's text, where it is at hand.
        RETURNS (list[tuple[int, int]]): Start and end of each by character; one for most Docs, none
            without words.
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

    def read(self, submitted: DocInFlight, *, occurrences: str | None = None) -> Extraction:
        """Wait for the replies about a Doc, and find the mentions in its text.

        occurrences (str | None): Another policy than the extractor's; None for its own.
        RAISES (UserError): Where no request can succeed.
        """
        doc, chunks = submitted.doc, submitted.chunks
        outcomes = [future.result() for future in submitted.futures]
        policy = self.occurrences if occurrences is None else occurrences
        read = [
            self._read_chunk(
                doc, chunk, outcomes[number * self.samples : (number + 1) * self.samples], policy
            )
            for number, chunk in enumerate(chunks)
        ]
        unknown = _unknown_tokens(doc, read) if any(chunk.failure or chunk.unread for chunk in read) else ()
        failures = [failure for chunk in read if (failure := chunk.what_failed(doc, unknown))]
        repairs = IssueLog()
        for chunk in read:
            repairs.merge(chunk.repairs)
        found = [chunk.candidates for chunk in read]
        return Extraction(
            candidates=found[0] or []
            if len(found) == 1
            else merge_chunks(doc, chunks, found, [chunk.unread for chunk in read]),
            alignments=[alignment for chunk in read for alignment in chunk.alignments],
            failures=failures,
            unknown_tokens=unknown,
            replies=[reply for outcome in outcomes for reply in outcome.replies],
            lost_samples=[sample for chunk in read for sample in chunk.lost_samples],
            repairs=repairs,
        )

    def _read_chunk(
        self, submitted: DocInFlight, chunk: Stretch, samples: Sequence[Outcome], occurrences: str
    ) -> "_ChunkReading":
        """Find in the text what the samples of one chunk name."""
        doc = submitted.doc
        start, end = chunk
        valid = [outcome for outcome in samples if outcome.value is not None]
        readings = [Reading.of(outcome.value) for outcome in valid]
        alignments = [
            align_mentions(
                doc,
                reading,
                start_char=start,
                end_char=end,
                occurrences=occurrences,
                similarity_threshold=self.similarity_threshold,
                text=submitted.text,
            )
            for reading in readings
        ]
        left_out = [[(start + a, start + b) for a, b in reading.unread] for reading in readings]
        repairs = IssueLog()
        for reading in readings:
            repairs.merge(reading.repairs)
        return _ChunkReading(
            chunk,
            candidates=_count_votes(doc, alignments, valid, left_out) if valid else None,
            alignments=alignments,
            unread=_in_all(left_out),
            failure=None if valid else samples[0],
            lost_samples=[sample for sample in samples if sample.value is None] if valid else [],
            repairs=repairs,
        )


@dataclass(frozen=True, slots=True)
class _ChunkReading:
    """What the replies about one chunk say.

    candidates (list[Candidate] | None): None without a valid reply.
    unread (Sequence[tuple[int, int]]): By character, what all valid replies leave out.
    failure (Outcome | None): Where there is no valid reply.
    """

    stretch: Stretch
    candidates: list[Candidate] | None
    alignments: Sequence[Alignment]
    unread: Sequence[Stretch]
    failure: Outcome | None
    lost_samples: Sequence[Outcome]
    repairs: IssueLog

    def covers(self, start: int, end: int) -> bool:
        """RETURNS (bool): Whether a valid reply says what these characters are."""
        first, last = self.stretch
        if self.candidates is None or not first <= start < last:
            return False
        return not any(a < end and start < b for a, b in self.unread)

    def what_failed(self, doc: Doc, unknown: Collection[int]) -> Outcome | None:
        """RETURNS (Outcome | None): Why tokens of this chunk are unknown; None where none is for its sake."""
        if self.failure is not None:
            return self.failure
        left_out = [doc.text[a:b] for a, b in self.unread]
        lost = set(unknown)
        if not any(token.i in lost for a, b in self.unread for token in _tokens_in(doc, a, b)):
            return None
        count = sum(map(len, left_out))
        length = self.stretch[1] - self.stretch[0]
        shown = " ".join(left_out[0][:80].split())
        return Outcome(
            None, f"the reply leaves out {count:,} of {length:,} characters, from '{shown[:40]}' on", "unread"
        )


def _count_votes(
    doc: Doc,
    alignments: Sequence[Alignment],
    outcomes: Sequence[Outcome],
    left_out: Sequence[Sequence[Stretch]],
) -> list[Candidate]:
    samples = []
    for alignment, outcome in zip(alignments, outcomes, strict=True):
        probabilities = TokenProbabilities(outcome.replies[-1])
        samples.append([(span, probabilities.probability(span.mention)) for span in alignment.spans])
    unread = [{token.i for a, b in some for token in _tokens_in(doc, a, b)} for some in left_out if some]
    return count_votes(samples, unread)


def _tokens_in(doc: Doc, start: int, end: int) -> list[Token]:
    """The tokens that have a character in a stretch."""
    return [token for token in doc if token.idx < end and start < token.idx + len(token)]


def _in_all(left_out: Sequence[Sequence[Stretch]]) -> list[Stretch]:
    """What every one of several replies leaves out."""
    if not left_out:
        return []
    common = list(left_out[0])
    for others in left_out[1:]:
        common = [(max(a, c), min(b, d)) for a, b in common for c, d in others if max(a, c) < min(b, d)]
    return common


def _unknown_tokens(doc: Doc, read: Sequence[_ChunkReading]) -> list[int]:
    """The tokens that lie in chunks, but in none with an answer about them."""
    return [
        token.i
        for token in doc
        if any(chunk.stretch[0] <= token.idx < chunk.stretch[1] for chunk in read)
        and not any(chunk.covers(token.idx, token.idx + len(token)) for chunk in read)
    ]
