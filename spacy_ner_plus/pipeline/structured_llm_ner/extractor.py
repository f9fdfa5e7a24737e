"""What structured_llm_ner does with a Doc: ask about its text, and read the replies."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from spacy.tokens import Doc, Token

from spacy_ner_plus.alignment.align import AlignedMention, Alignment, align_mentions
from spacy_ner_plus.alignment.occurrences import EXPAND
from spacy_ner_plus.chunks import Stretch, chunk_doc, halve, merge_chunks
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.endpoint.text_grammars import TEXT_GRAMMAR
from spacy_ner_plus.llm.dialogues import ask_together
from spacy_ner_plus.llm.formats.text_grammars.text_walk import Piece
from spacy_ner_plus.llm.passes import ask_in_passes
from spacy_ner_plus.llm.prompting.prompter import Prompter
from spacy_ner_plus.llm.prompting.prompts import NO_CONTEXT, Context
from spacy_ner_plus.llm.requests import Asked, ChatReply, ChatRequest, Dialogue, Outcome
from spacy_ner_plus.llm.votes import Candidate, count_votes
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import WITHOUT_GRAMMAR, Extraction
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import DocInFlight
from spacy_ner_plus.pipeline.structured_llm_ner.repetition import repeats_itself
from spacy_ner_plus.pipeline.structured_llm_ner.reply_length import ReplyLength
from spacy_ner_plus.pipeline.structured_llm_ner.sample import Part, Sample

# A chunk is asked about in so many rounds of halves at most, thus in 16 parts.
_MOST_HALVINGS = 4
# Where chunks are sized by the reply, they aren't smaller than this.
_LEAST_AUTOMATIC = 64
# Parts with so few tokens aren't halved for the sake of a grammar: it isn't their length for which they have none.
_FEWEST_TOKENS = 200
# A part with fewer bytes holds too little context to be halved once more.
_FEWEST_BYTES = 140


class Extractor:
    """Asks a chat model about Docs. It writes nothing to them.

    samples (int): How often each text is asked about.
    passes (int): How often at most it is asked for what it has missed, the first reply counted.
    chunk_tokens (int | None): Tokens of text in a request at most; None for no limit.
    sized_by_reply (bool): Whether chunks are also small enough for replies that are full of entities.
    chunk_overlap (int): How many tokens chunks share.
    chunk_context (int): How many of the Doc's tokens before and after a chunk are shown with it.
    occurrences (str): As `align_mentions` takes it.
    similarity_threshold (float): As `align_mentions` takes it.
    alignment_mode (str): As `align_mentions` takes it.
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
        sized_by_reply: bool = False,
        alignment_mode: str = EXPAND,
        passes: int = 1,
        chunk_context: int = 0,
    ):
        self.prompter = prompter
        self.model = model
        self.samples = samples
        self.chunk_tokens = chunk_tokens
        self.chunk_overlap = chunk_overlap
        self.occurrences = occurrences
        self.similarity_threshold = similarity_threshold
        self.sized_by_reply = sized_by_reply
        self.alignment_mode = alignment_mode
        self.passes = passes
        self.chunk_context = chunk_context

    @property
    def labels(self) -> tuple[str, ...]:
        """RETURNS (tuple[str]): The labels that are asked for."""
        return self.prompter.labels.names

    @cached_property
    def reply_length(self) -> ReplyLength:
        """RETURNS (ReplyLength): How long replies get."""
        model, prompter = self.model, self.prompter
        return ReplyLength.measure(
            prompter.format, self.labels, model.count_tokens, model.settings.reply_limit()
        )

    def submit(self, doc: Doc, issues: IssueLog | None = None, *, text: str | None = None) -> DocInFlight:
        """Send the requests about a Doc; none for one without words.

        issues (IssueLog | None): Where sentences that had to be cut are counted.
        text (str | None): The Doc's text, where it is at hand.
        """
        # Once, since Doc.text is built from the tokens at each access.
        whole = doc.text if text is None else text
        submitted = DocInFlight(doc, self.chunks(doc, issues, text=whole), text=whole)
        for start, end in submitted.chunks:
            for sample in range(self.samples):
                submitted.futures.append(self.model.hold(self._ask(doc, whole, (start, end), sample)))
        return submitted

    def _ask(
        self, doc: Doc, whole: str, stretch: Stretch, sample: int, halvings: int = _MOST_HALVINGS
    ) -> Dialogue[Sample]:
        """Ask once about a chunk; where the reply is cut, about its halves.

        whole (str): The Doc's text.
        sample (int): Which of several samples, from 0.
        halvings (int): How often the chunk may be halved.
        """
        start, end = stretch
        text = whole[start:end]
        is_divisible = (
            halvings > 0 and self.reply_length.may_be_cut(text) and len(text.encode()) >= _FEWEST_BYTES
        )
        dialogue = self.prompter.dialogue(
            text,
            sample,
            whole=whole,
            context=self.context(doc, stretch, whole),
            is_divisible=is_divisible,
            pieces=self.pieces(doc, stretch),
        )
        outcome = yield from ask_in_passes(dialogue, self.passes)
        if outcome.kind != "cut":
            return Sample([Part(stretch, outcome)])
        halves = halve(doc, stretch, overlap=self.chunk_overlap)
        # A model that goes round in circles may find out of it with less text, and seldom with still less.
        replies = outcome.replies  # none where the server refuses a prompt that is too long
        is_over = len(halves) == 1 or bool(replies and repeats_itself(replies[-1].content, text))
        left = 0 if is_over else halvings - 1
        read = yield from ask_together([self._ask(doc, whole, half, sample, left) for half in halves])
        parts = [part for each in read for part in each.parts]
        return Sample(parts, [*outcome.asked, *(asked for each in read for asked in each.superseded)])

    def requests(self, doc: Doc) -> list[ChatRequest]:
        """RETURNS (list[ChatRequest]): What `submit` would send first about a Doc; nothing is sent."""
        whole = doc.text
        return [
            request
            for start, end in self.chunks(doc, text=whole)
            for sample in range(self.samples)
            for request in self.chunk_requests(doc, (start, end), whole, sample)
        ]

    def chunk_requests(self, doc: Doc, stretch: Stretch, whole: str, sample: int = 0) -> list[ChatRequest]:
        """RETURNS (list[ChatRequest]): What is sent first about a chunk; `whole` is the Doc's text."""
        start, end = stretch
        return self.prompter.requests(
            whole[start:end],
            sample,
            whole=whole,
            context=self.context(doc, stretch, whole),
            pieces=self.pieces(doc, stretch),
        )

    def pieces(self, doc: Doc, stretch: Stretch) -> list[Piece] | None:
        """Find the tokens to which replies about a chunk are held.

        RETURNS (list[tuple[int, int]] | None): Start and end of each within the chunk; None where the server takes no
            grammar for them.
        """
        if not self.model.takes_text_grammar:
            return None
        start, end = stretch
        first = bisect_left(range(len(doc)), start, key=lambda i: doc[i].idx)
        found = []
        for token in doc[first:]:
            if token.idx + len(token) > end:
                break
            if not token.is_space:
                found.append((token.idx - start, token.idx + len(token) - start))
        return found

    def context(self, doc: Doc, stretch: Stretch, whole: str) -> Context:
        """Find what is shown of a Doc around a chunk.

        whole (str): The Doc's text.
        RETURNS (tuple[str, str]): What stands before and after it; '' for both where the chunk is all of the text.
        """
        start, end = stretch
        if not self.chunk_context or (start == 0 and end == len(whole)):
            return NO_CONTEXT
        starts = [token.idx for token in doc]
        first, after = bisect_left(starts, start), bisect_left(starts, end)
        begin = starts[max(first - self.chunk_context, 0)]
        last = after + self.chunk_context
        return whole[begin:start], whole[end : starts[last] if last < len(starts) else len(whole)]

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
        return self._with_grammars(doc, self._by_tokens(doc, text, issues), text)

    def _with_grammars(self, doc: Doc, stretches: Sequence[Stretch], text: str) -> list[Stretch]:
        """RETURNS (list[tuple[int, int]]): The stretches; in place of one that is too long for a grammar, its parts."""
        if not self._takes_grammars():
            return [*stretches]
        found: list[Stretch] = []
        for start, end in stretches:
            pieces = self.pieces(doc, (start, end)) or ()
            if len(pieces) <= _FEWEST_TOKENS or self.prompter.has_grammar(text[start:end], pieces):
                found.append((start, end))
            else:
                halves = halve(doc, (start, end), overlap=self.chunk_overlap)
                found += self._with_grammars(doc, halves, text) if len(halves) > 1 else halves
        return found

    def _takes_grammars(self) -> bool:
        return self.prompter.holds_to_text and self.model.takes_text_grammar

    def _by_tokens(self, doc: Doc, text: str, issues: IssueLog | None) -> list[Stretch]:
        budget = self._smaller_budget()
        if budget is None or self._fits(text, budget):
            return self._cut(doc, text, self.chunk_tokens, self.chunk_overlap, issues)
        # Before chunks were sized by the reply, they were by the context alone: those that were answered stay.
        if self.model.settings.store is not None:
            counted = IssueLog()
            earlier = self._cut(doc, text, self.chunk_tokens, self.chunk_overlap, counted)
            if self.model.is_stored(self.chunk_requests(doc, earlier[0], text)[0]):
                if issues is not None:
                    issues.merge(counted)
                return earlier
        return self._cut(doc, text, budget, min(self.chunk_overlap, budget // 4), issues)

    def _smaller_budget(self) -> int | None:
        """RETURNS (int | None): Tokens of text that replies allow, where those are fewer than `chunk_tokens`."""
        tokens = self.reply_length.text_tokens(least=_LEAST_AUTOMATIC) if self.sized_by_reply else None
        is_smaller = tokens is not None and (self.chunk_tokens is None or tokens < self.chunk_tokens)
        return tokens if is_smaller else None

    def _fits(self, text: str, budget: int) -> bool:
        # No tokenizer makes more tokens than bytes.
        return len(text.encode()) <= budget or self.model.count_tokens(text) <= budget

    def _cut(
        self, doc: Doc, text: str, budget: int | None, overlap: int, issues: IssueLog | None
    ) -> list[Stretch]:
        if budget is None or len(text.encode()) <= budget:
            return [(0, len(text))]
        count = self.model.count_tokens
        return chunk_doc(doc, budget=budget, count_tokens=count, overlap=overlap, issues=issues)

    def read(self, submitted: DocInFlight, *, occurrences: str | None = None) -> Extraction:
        """Wait for the replies about a Doc, and find the mentions in its text.

        occurrences (str | None): Another policy than the extractor's; None for its own.
        RAISES (UserError): Where no request can succeed.
        """
        doc, chunks = submitted.doc, submitted.chunks
        samples = [future.result() for future in submitted.futures]
        policy = self.occurrences if occurrences is None else occurrences
        read = [
            self._read_chunk(
                submitted, chunk, samples[number * self.samples : (number + 1) * self.samples], policy
            )
            for number, chunk in enumerate(chunks)
        ]
        unknown = _unknown_tokens(doc, read) if any(chunk.left_out for chunk in read) else ()
        repairs = IssueLog()
        for chunk in read:
            repairs.merge(chunk.repairs)
        for asked in self._without_grammar(samples):
            repairs.add(WITHOUT_GRAMMAR, asked.request.messages[-1]["content"][:60])
        found = [chunk.candidates for chunk in read]
        return Extraction(
            candidates=found[0] or []
            if len(found) == 1
            else merge_chunks(doc, chunks, found, [list(chunk.left_out) for chunk in read]),
            alignments=[alignment for chunk in read for alignment in chunk.alignments],
            failures=[
                failure for chunk in read for failure in chunk.what_failed(submitted.text, doc, unknown)
            ],
            unknown_tokens=unknown,
            replies=[reply for sample in samples for asked in sample.asked for reply in asked.replies],
            lost_samples=[failure for chunk in read for failure in chunk.lost_samples],
            repairs=repairs,
            first=_first_reply(samples),
        )

    def _without_grammar(self, samples: Sequence[Sample]) -> list[Asked]:
        """RETURNS (list[Asked]): What was asked without the grammar of its text, where requests have one."""
        if not self._takes_grammars():
            return []
        return [
            asked
            for sample in samples
            for asked in sample.asked
            if asked.request.text_grammar is None
            or any(reply.mode != TEXT_GRAMMAR for reply in asked.replies)
        ]

    def left_out(self, submitted: DocInFlight) -> int:
        """Find out whether a Doc is answered, without aligning anything.

        submitted (DocInFlight): One whose requests are done.
        RETURNS (int): How many characters of its text no reply says anything of, white space left aside.
        """
        samples = [future.result() for future in submitted.futures]
        count = 0
        for number in range(len(submitted.chunks)):
            own = samples[number * self.samples : (number + 1) * self.samples]
            valid = [sample for sample in own if not sample.is_lost] or own
            for a, b in _in_all([_left_out(sample) for sample in valid]):
                count += len(submitted.text[a:b].strip())
        return count

    def _read_chunk(
        self, submitted: DocInFlight, chunk: Stretch, samples: Sequence[Sample], occurrences: str
    ) -> "_ChunkReading":
        """Find in the text what the samples of one chunk name."""
        read = [self._read_sample(submitted, sample, occurrences) for sample in samples]
        valid = [reading for reading, sample in zip(read, samples, strict=True) if not sample.is_lost]
        repairs = IssueLog()
        for reading in valid:
            repairs.merge(reading.repairs)
        # Of what all samples leave out, the first says why.
        left_out = _in_all([reading.left_out for reading in valid or read])
        lost = [failure for sample in samples for failure in sample.failures] if len(samples) > 1 else []
        return _ChunkReading(
            chunk,
            candidates=_count_votes(submitted.doc, valid) if valid else None,
            alignments=[alignment for reading in valid for alignment in reading.alignments],
            left_out=left_out,
            lost_samples=[failure for failure in lost if failure not in left_out.values()],
            repairs=repairs,
        )

    def _read_sample(self, submitted: DocInFlight, sample: Sample, occurrences: str) -> "_SampleReading":
        doc = submitted.doc
        reading = _SampleReading(left_out=_left_out(sample))
        found: list[Sequence[AlignedMention] | None] = []
        for part in sample.parts:
            start, end = part.stretch
            if part.outcome.value is None:
                found.append(None)
                continue
            alignment = align_mentions(
                doc,
                part.outcome.value,
                start_char=start,
                end_char=end,
                occurrences=occurrences,
                similarity_threshold=self.similarity_threshold,
                alignment_mode=self.alignment_mode,
                text=submitted.text,
            )
            reading.alignments.append(alignment)
            reading.repairs.merge(part.outcome.value.repairs)
            found.append(alignment.spans)
        if len(found) == 1:
            reading.spans = found[0] or ()
        else:
            stretches = [part.stretch for part in sample.parts]
            reading.spans = merge_chunks(doc, stretches, found)
        return reading


# Stretches by character, each with the failure for whose sake nothing is known of it; None where a reply leaves it
# out that is an answer otherwise.
_LeftOut = dict[Stretch, Outcome | None]


@dataclass(slots=True)
class _SampleReading:
    """What one sample says of a chunk."""

    spans: Sequence[AlignedMention] = ()
    alignments: list[Alignment] = field(default_factory=list)
    left_out: _LeftOut = field(default_factory=dict)
    repairs: IssueLog = field(default_factory=IssueLog)


@dataclass(frozen=True, slots=True)
class _ChunkReading:
    """What the samples of one chunk say.

    candidates (list[Candidate] | None): None without a valid reply.
    left_out (dict[tuple[int, int], Outcome | None]): Of what no sample says anything.
    """

    stretch: Stretch
    candidates: list[Candidate] | None
    alignments: Sequence[Alignment]
    left_out: _LeftOut
    lost_samples: Sequence[Outcome]
    repairs: IssueLog

    def covers(self, start: int, end: int) -> bool:
        """RETURNS (bool): Whether a valid reply says what these characters are."""
        first, last = self.stretch
        return first <= start < last and not any(a < end and start < b for a, b in self.left_out)

    def what_failed(self, text: str, doc: Doc, unknown: Collection[int]) -> list[Outcome]:
        """RETURNS (list[Outcome]): Why tokens of this chunk are unknown; none where none is for its sake."""
        failures = [failure for failure in self.left_out.values() if failure is not None]
        unread = [stretch for stretch, failure in self.left_out.items() if failure is None]
        lost = set(unknown) if unread else ()
        if any(token.i in lost for a, b in unread for token in _tokens_in(doc, a, b)):
            count, length = sum(b - a for a, b in unread), self.stretch[1] - self.stretch[0]
            shown = " ".join(text[unread[0][0] : unread[0][1]][:80].split())
            reason = f"the reply leaves out {count:,} of {length:,} characters, from '{shown[:40]}' on"
            failures.append(Outcome(None, reason, "unread"))
        return failures


def _count_votes(doc: Doc, samples: Sequence[_SampleReading]) -> list[Candidate]:
    unread = [{token.i for a, b in sample.left_out for token in _tokens_in(doc, a, b)} for sample in samples]
    return count_votes([sample.spans for sample in samples], unread)


def _left_out(sample: Sample) -> _LeftOut:
    """What of a chunk one sample says nothing of."""
    left: _LeftOut = {}
    for part in sample.parts:
        value, failure = part.outcome.value, part.failure
        if value is None:
            # What halves share may be in the other one.
            left.update(dict.fromkeys(_outside(part, sample.parts), part.outcome))
            continue
        if value.doubt and failure is None:
            failure = Outcome(None, value.doubt, "invalid")
        start = part.stretch[0]
        left.update(dict.fromkeys([(start + a, start + b) for a, b in value.unread], failure))
    return left


def _first_reply(samples: Sequence[Sample]) -> ChatReply | None:
    asked = samples[0].asked if samples else ()
    return asked[0].replies[-1] if asked and asked[0].replies else None


def _outside(part: Part, parts: Sequence[Part]) -> list[Stretch]:
    """What of a part lies in no other one with an answer to all of it."""
    left = [part.stretch]
    for other in parts:
        read = other.outcome.value
        if read is None or read.unread:
            continue
        start, end = other.stretch
        left = [
            (max(a, c), min(b, d))
            for a, b in left
            for c, d in ((a, start), (end, b))
            if max(a, c) < min(b, d)
        ]
    return left


def _tokens_in(doc: Doc, start: int, end: int) -> list[Token]:
    """The tokens that have a character in a stretch."""
    return [token for token in doc if token.idx < end and start < token.idx + len(token)]


def _in_all(left_out: Sequence[_LeftOut]) -> _LeftOut:
    """What every one of several samples leaves out."""
    common = dict(left_out[0])
    for others in left_out[1:]:
        common = {
            (max(a, c), min(b, d)): failure
            for (a, b), failure in common.items()
            for c, d in others
            if max(a, c) < min(b, d)
        }
    return common


def _unknown_tokens(doc: Doc, read: Sequence[_ChunkReading]) -> list[int]:
    """The tokens that lie in chunks, but in none with an answer about them."""
    return [
        token.i
        for token in doc
        if any(chunk.stretch[0] <= token.idx < chunk.stretch[1] for chunk in read)
        and not any(chunk.covers(token.idx, token.idx + len(token)) for chunk in read)
    ]
