"""Texts with spans by offset, laid on tokens: the formats that have offsets end here.

A span that can't be laid on the tokens is dropped, and what it touches is then missing rather than O: a model
must not learn that an entity is none because its offsets were wrong.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from spacy.attrs import SENT_START
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import get_words_and_spaces

from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN, MEANINGS, OffsetUnits, UnitFinder, is_text_of
from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record
from spacy_ner_plus.data.records.storable import LONE_SURROGATE, mended, storable
from spacy_ner_plus.data.records.tokenizer_fit import TokenizerFit
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings
from spacy_ner_plus.spans import without_overlaps

Align = Literal["split", "strict", "contract", "expand"]
# A source of no more than this is kept after the first pass, and not read twice.
KEPT_TEXTS, KEPT_CHARACTERS = 5_000, 2_000_000
NESTED_NOTE = "spans inside of or across others are in doc.spans['sc'] alone, not in doc.ents"


@settings
class TextOptions:
    """How texts with spans by offset are read; formats that have such texts extend it."""

    align: Align = setting(
        "What becomes of a span that begins or ends within a token: the token is split; strict drops the span, "
        "and its tokens are missing; contract and expand move its ends.",
        "split",
    )
    offsets: str = setting(
        "How offsets count: code-points, utf-16, bytes, inclusive, from-1, from-1-inclusive, one-short, one-long, "
        "stripped or one-line-end; auto finds out by the spans that carry their own text.",
        "auto",
    )


# Reads a source from its beginning; issues that are already there are counted by what is passed in.
Parse = Callable[[IssueLog, list[str]], Iterator[MarkedText]]


def texts_to_records(
    parse: Parse,
    nlp: Language,
    options: TextOptions,
    *,
    issues: IssueLog,
    notes: list[str],
    where: str,
    shapes: str,
) -> Iterator[Record]:
    """Make Records of a source's texts.

    The source is read twice: at first to find out how it counts its offsets, unless `options.offsets` says so.

    parse (Parse): Reads the source anew on each call, and counts in the IssueLog what it can't read.
    nlp (Language): Makes the Docs.
    issues (IssueLog): Where every loss and repair is counted.
    notes (list[str]): Where it is written how offsets were counted.
    where (str): The source's name.
    shapes (str): What the format looks for as annotation, for the message where none could be read.
    RAISES (UserError): A source in which there is annotation, and none of it could be read.
    """
    units, hint = OffsetUnits(AS_GIVEN if options.offsets == "auto" else options.offsets), ""
    texts = None
    if options.offsets == "auto":
        finder, texts = _look_through(parse, issues, notes)
        units, hint = OffsetUnits(finder.best()), finder.hint()
        if units.name != AS_GIVEN:
            notes.append(
                f"{where}: offsets count {MEANINGS[units.name]}, found by {finder.fits[units.name]:,} of "
                f"{finder.checked:,} spans whose text stands beside them (`offsets` {units.name})"
            )
    maker = _RecordMaker(nlp, options.align, issues)
    for marked in parse(issues, notes) if texts is None else texts:
        units.translate(marked)
        record = maker.make(marked)
        if record is not None:
            yield record
    if maker.seen and not maker.read:
        raise UserError(
            Errors.E171.format(
                where=where, seen=maker.seen, example=maker.example, hint=hint and f" {hint}", shapes=shapes
            )
        )
    if hint:
        notes.append(f"{where}: {hint}")
    if note := maker.fit.note():
        notes.append(f"{where}: {note}")
    if maker.nested:
        notes.append(f"{where}: {maker.nested:,} {NESTED_NOTE}")
    if maker.unannotated:
        notes.append(
            f"{where}: {maker.unannotated:,} records have no annotation: their tokens are missing, not O"
        )


def _look_through(
    parse: Parse, issues: IssueLog, notes: list[str]
) -> tuple[UnitFinder, list[MarkedText] | None]:
    """Find out how a source counts its offsets.

    RETURNS (tuple[UnitFinder, list[MarkedText] | None]): What fits, and the texts of a small source, which needn't be
        read again: `issues` and `notes` have what is said of it then.
    """
    log, said, finder = IssueLog(), [], UnitFinder()
    kept: list[MarkedText] | None = []
    size = 0
    try:
        for marked in parse(log, said):
            finder.add(marked)
            size += len(marked.text)
            if kept is not None:
                kept.append(marked)
                kept = kept if len(kept) <= KEPT_TEXTS and size <= KEPT_CHARACTERS else None
    except UserError:
        # What was counted until then may explain it.
        issues.merge(log)
        raise
    if kept is not None:
        issues.merge(log)
        notes += said
    return finder, kept


def text_to_doc(text: str, nlp: Language, *, issues: IssueLog, where: str) -> Doc | None:
    """Tokenise a text as the pipeline would.

    text (str): The text. Lone surrogates, which JSON can carry and no encoding
        can, become U+FFFD and are counted; offsets stay.
    nlp (Language): Makes the Doc.
    issues (IssueLog): Where an empty text is counted.
    where (str): The place of the text.
    RETURNS (Doc | None): The Doc, None where the text has nothing but white space.
    RAISES (UserError): A text longer than nlp.max_length.
    """
    if not text.strip():
        issues.add("empty text", repr(text), where)
        return None
    if len(text) > nlp.max_length:
        raise UserError(Errors.E153.format(where=where, length=len(text), limit=nlp.max_length))
    return nlp.make_doc(mended(text, issues, where))


class _Laid(NamedTuple):
    """A span that has its place in the text."""

    start: int
    end: int
    marked: MarkedSpan


class _RecordMaker:
    """Makes Records of texts, and keeps count of the annotation that there was.

    seen (int): Spans and other pieces of annotation in the source.
    read (int): Those of them that are on the Docs.
    example (str): The first that isn't.
    nested (int): Spans that only the span group has.
    unannotated (int): Records without annotation.
    """

    def __init__(self, nlp: Language, align: Align, issues: IssueLog):
        self.nlp = nlp
        self.align = align
        self.issues = issues
        self.seen = self.read = self.nested = self.unannotated = 0
        self.example = ""
        self.fit = TokenizerFit(nlp.lang)

    def make(self, marked: MarkedText) -> Record | None:
        """RETURNS (Record | None): None for a text without anything but white space, which is counted."""
        doc = self._doc(marked)
        if doc is None:
            # Its annotation was counted with it, and says nothing about how the rest reads.
            return None
        meta = storable(marked.meta, self.issues, marked.where)
        name, annotator = (mended(text, self.issues, marked.where) for text in (marked.id, marked.annotator))
        record = Record(doc, marked.where, name, meta, annotator, LONE_SURROGATE.sub("\ufffd", marked.text))
        lost = list(marked.lost)
        self.seen += len(marked.unread) + len(marked.lost)
        for unread in (*marked.unread, *(marked.text[start:end] for start, end in marked.lost)):
            self.example = self.example or unread
        if not marked.spans and (marked.spans is None or marked.unread):
            # Annotation of which nothing can be read is missing, too.
            self.unannotated += not marked.unread
            return mark_record(record, None)
        self.seen += len(marked.spans)
        # Of these there was nothing to be read.
        lost += marked.missing
        placed = list(self._placed(marked, lost))
        if marked.words is None:
            self.fit.add(doc, [(span.start, span.end) for span in placed])
        spans: list[ScoredSpan] = []
        if placed:
            record.doc, spans = self._laid(doc, placed, lost, marked.where)
        self.read += len(spans)
        partly = marked.partial or bool(marked.unread)
        return mark_record(self._annotated(record, spans, lost, partly), spans)

    def _doc(self, marked: MarkedText) -> Doc | None:
        if marked.words is None:
            doc = text_to_doc(marked.text, self.nlp, issues=self.issues, where=marked.where)
        else:
            doc = self._doc_of_words(marked)
        if doc is not None and marked.sentence_starts:
            _set_sentences(doc, set(marked.sentence_starts))
        return doc

    def _doc_of_words(self, marked: MarkedText) -> Doc | None:
        words, spaces = list(marked.words or ()), list(marked.spaces or ())
        if not marked.text.isascii():
            words = [mended(word, self.issues, marked.where) for word in words]
        if marked.text.strip() and all(words) and len(words) == len(spaces):
            doc = Doc(self.nlp.vocab, words=words, spaces=spaces)
            if len(doc.text) == len(marked.text) and doc.text == LONE_SURROGATE.sub("\ufffd", marked.text):
                return doc
            # A space after the last token is no part of the text.
            if doc.text == f"{marked.text} ":
                return Doc(self.nlp.vocab, words=words, spaces=[*spaces[:-1], False])
        if marked.text.strip() and all(words):
            try:
                # The tokens may be right where the white space isn't, or isn't told.
                words, spaces = get_words_and_spaces(words, marked.text)
                return Doc(self.nlp.vocab, words=words, spaces=spaces)
            except ValueError:
                pass
        if marked.text.strip():
            self.issues.add("tokens that do not make up the text", marked.text[:60], marked.where)
        return text_to_doc(marked.text, self.nlp, issues=self.issues, where=marked.where)

    def _drop(self, kind: str, span: MarkedSpan, marked: MarkedText, lost: list[tuple[int, int]]) -> None:
        """Count a span that can't be kept; what it may have meant is missing: its place, and its text elsewhere.

        A place that holds nothing, outside of the text or with its end before its start, may mean any.
        """
        shown = f"{span.label} {span.text!r}" if span.text else span.label
        example = f"{shown} [{span.start}:{span.end}], dropped"
        self.issues.add(kind, example, marked.where)
        self.example = self.example or example
        mention = (span.text or "").strip()
        at = marked.text.find(mention) if mention else -1
        holds = marked.text[max(0, span.start) : max(0, span.end)].strip()
        lost.append((span.start, span.end) if holds or at >= 0 else (0, len(marked.text)))
        while at >= 0:
            lost.append((at, at + len(mention)))
            at = marked.text.find(mention, at + len(mention))

    def _placed(self, marked: MarkedText, lost: list[tuple[int, int]]) -> Iterator[_Laid]:
        """Check each span against the text, and take white space off its ends."""
        text = marked.text
        for span in marked.spans or ():
            if not 0 <= span.start < span.end <= len(text) or not text[span.start : span.end].strip():
                self._drop("misaligned span", span, marked, lost)
                continue
            if span.text is not None and span.text.strip() and not is_text_of(text, span):
                self._drop("span whose text isn't at its offsets", span, marked, lost)
                continue
            if not span.label.strip():
                self._drop("span without a label", span, marked, lost)
                continue
            mention = text[span.start : span.end]
            start = span.start + len(mention) - len(mention.lstrip())
            end = span.end - len(mention) + len(mention.rstrip())
            if end - start < len(mention):
                self.issues.add("white space trimmed from a span", f"{span.label} {mention!r}", marked.where)
            yield _Laid(start, end, span)

    def _laid(
        self, doc: Doc, placed: Sequence[_Laid], lost: list[tuple[int, int]], where: str
    ) -> tuple[Doc, list[ScoredSpan]]:
        if self.align == "split" and any(doc.char_span(start, end) is None for start, end, _ in placed):
            doc, split = _split_tokens(doc, placed)
            for word in split:
                self.issues.add("token split at a span's edge", word, where)
        mode = "strict" if self.align == "split" else self.align
        spans, seen = [], set()
        for start, end, marked in placed:
            label, name = (mended(text, self.issues, where) for text in (marked.label, marked.id))
            span = doc.char_span(start, end, label=label, span_id=name, alignment_mode=mode)
            if span is None or not len(span):
                self.issues.add(
                    "span within tokens", f"{marked.label} {doc.text[start:end]!r}, dropped", where
                )
                lost.append((start, end))
                continue
            if (span.start_char, span.end_char) != (start, end):
                moved = f"{marked.label} {doc.text[start:end]!r}: {span.text!r}"
                self.issues.add("span moved to the ends of tokens", moved, where)
            key = (span.start, span.end, marked.label, marked.id)
            if key in seen:
                self.issues.add("span given twice", f"{marked.label} {span.text!r}", where)
                self.read += 1
                continue
            seen.add(key)
            spans.append(ScoredSpan(span, marked.score))
        return doc, spans

    def _annotated(
        self, record: Record, spans: Sequence[ScoredSpan], lost: Iterable[tuple[int, int]], partly: bool
    ) -> Record:
        """Write a Doc's entities: the longest of the spans that overlap, and missing where annotation was lost."""
        doc = record.doc
        kept, others = without_overlaps(span for span, _ in spans)
        self.nested += len(others)
        taken = {i for span in kept for i in range(span.start, span.end)}
        missing = {i for span in others for i in range(span.start, span.end)} - taken
        for start, end in lost:
            missing |= _touched(doc, start, end) - taken
        if partly:
            missing = set(range(len(doc))) - taken
        doc.set_ents(kept, missing=[doc[i : i + 1] for i in sorted(missing)], default="outside")
        return record


def _set_sentences(doc: Doc, starts: set[int]) -> None:
    """Begin sentences where characters say so, at once: setting `Token.is_sent_start` looks through the whole Doc."""
    begins = np.array([token.i == 0 or token.idx in starts for token in doc])
    # spaCy's -1, of a token that begins no sentence, as its arrays have it.
    doc.from_array([SENT_START], np.where(begins, 1, -1).astype("uint64").reshape(-1, 1))


def _touched(doc: Doc, start: int, end: int) -> set[int]:
    """RETURNS (set[int]): The tokens of which a stretch of text holds a character."""
    start, end = max(0, min(start, end)), min(len(doc.text), max(start, end))
    if start >= end:
        return set()
    span = doc.char_span(start, end, alignment_mode="expand")
    return set() if span is None else set(range(span.start, span.end))


def _split_tokens(doc: Doc, spans: Iterable[_Laid]) -> tuple[Doc, list[str]]:
    """Cut tokens where a span begins or ends; the same Doc where there is nothing to cut."""
    edges = sorted({edge for span in spans for edge in span[:2]}, reverse=True)
    words, spaces, starts, split = [], [], [], []
    for token in doc:
        end = token.idx + len(token)
        while edges and edges[-1] <= token.idx:
            edges.pop()
        cuts = [token.idx]
        while edges and edges[-1] < end:
            cuts.append(edges.pop())
        if len(cuts) > 1:
            split.append(token.text)
        cuts.append(end)
        for number, (start, stop) in enumerate(pairwise(cuts)):
            words.append(token.text[start - token.idx : stop - token.idx])
            spaces.append(stop == end and bool(token.whitespace_))
            starts.append(bool(token.is_sent_start) and not number)
    if not split:
        return doc, split
    known = doc.has_annotation("SENT_START")
    return Doc(doc.vocab, words=words, spaces=spaces, sent_starts=starts if known else None), split
