"""What structured_llm_ner does with a Doc: ask about its text, and read the replies."""

from collections.abc import Sequence

from spacy.tokens import Doc

from spacy_ner_plus.alignment.align import Alignment, align_mentions
from spacy_ner_plus.chunks import chunk_doc, merge_chunks
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.requests import Outcome
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
        submitted = DocInFlight(doc, self.chunks(doc, issues, text=whole))
        for start, end in submitted.chunks:
            text = whole[start:end]
            read = self.prompter.reader(text)
            for sample in range(self.samples):
                request = self.prompter.request(text, sample, whole=whole)
                submitted.requests.append(request)
                submitted.futures.append(self.model.submit(request, read))
        return submitted

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
        found: list[list[Candidate] | None] = []
        alignments: list[Alignment] = []
        failures: list[Outcome] = []
        for number, chunk in enumerate(chunks):
            samples = outcomes[number * self.samples : (number + 1) * self.samples]
            valid = [outcome for outcome in samples if outcome.value is not None]
            aligned = [self._align(doc, chunk, outcome, policy) for outcome in valid]
            alignments += aligned
            found.append(_count_votes(aligned, valid) if valid else None)
            failures += samples[:1] if not valid else []
        return Extraction(
            candidates=found[0] or [] if len(found) == 1 else merge_chunks(doc, chunks, found),
            alignments=alignments,
            failures=failures,
            unknown_tokens=_unknown_tokens(doc, chunks, found) if failures else (),
            replies=[reply for outcome in outcomes for reply in outcome.replies],
        )

    def _align(self, doc: Doc, chunk: tuple[int, int], outcome: Outcome, occurrences: str) -> Alignment:
        return align_mentions(
            doc,
            outcome.value,
            start_char=chunk[0],
            end_char=chunk[1],
            occurrences=occurrences,
            similarity_threshold=self.similarity_threshold,
        )


def _count_votes(alignments: Sequence[Alignment], outcomes: Sequence[Outcome]) -> list[Candidate]:
    samples = []
    for alignment, outcome in zip(alignments, outcomes, strict=True):
        probabilities = TokenProbabilities(outcome.replies[-1])
        samples.append([(span, probabilities.probability(span.mention)) for span in alignment.spans])
    return count_votes(samples)


def _unknown_tokens(
    doc: Doc, chunks: Sequence[tuple[int, int]], found: Sequence[list[Candidate] | None]
) -> list[int]:
    """The tokens that lie in chunks, but in none with an answer."""
    answered = [chunk for chunk, candidates in zip(chunks, found, strict=True) if candidates is not None]

    def lies_in(start: int, among: Sequence[tuple[int, int]]) -> bool:
        return any(first <= start < last for first, last in among)

    return [token.i for token in doc if lies_in(token.idx, chunks) and not lies_in(token.idx, answered)]
