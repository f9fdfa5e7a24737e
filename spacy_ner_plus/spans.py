"""Characters, tokens and tags: the one place where spans change their measure."""

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE, IS_SPACE
from spacy.tokens import Doc, Span

from spacy_ner_plus.issues import IssueLog

# Prefixes that continue an entity of their label, and those after which it may go on.
CONTINUING = frozenset("ILEM")
OPEN = frozenset("BIM")
# spaCy's own sign for a token whose annotation is missing, which is not O.
MISSING = "-"
# spaCy's numbers for a token's part in an entity (ENT_IOB), in the order of spacy.attrs.IOB_STRINGS.
IOB_MISSING, IOB_INSIDE, IOB_OUTSIDE, IOB_BEGIN = range(4)
# Marks, among the attrs of a span group, that it goes with doc.ents.
ENTS_GROUP = "ents"


class AnySpan(Protocol):
    """A stretch of tokens, from the first to the one after the last."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


S = TypeVar("S", bound=AnySpan)


class TokenSpan(NamedTuple):
    """A labelled stretch of tokens.

    start (int): Index of the first token.
    end (int): Index after the last token.
    label (str): The label.
    """

    start: int
    end: int
    label: str


class CharSpan(NamedTuple):
    """A labelled stretch of text.

    start (int): Offset of the first character, in code points.
    end (int): Offset after the last character.
    label (str): The label.
    """

    start: int
    end: int
    label: str


def spans_to_tags(spans: Iterable[TokenSpan | Span], length: int) -> list[str]:
    """Write spans that do not overlap as IOB2 tags.

    spans (Iterable[TokenSpan | Span]): Spans by token; of a spaCy Span, its label_ counts.
    length (int): The number of tokens.
    RETURNS (list[str]): One tag a token, O where no span is.
    """
    tags = ["O"] * length
    for span in spans:
        label = span.label_ if isinstance(span, Span) else span.label
        tags[span.start] = f"B-{label}"
        for i in range(span.start + 1, span.end):
            tags[i] = f"I-{label}"
    return tags


def doc_to_tags(doc: Doc) -> list[str]:
    """RETURNS (list[str]): A Doc's entities as IOB2 tags, one a token; MISSING where the annotation is missing."""
    tags = []
    for token in doc:
        iob, label = token.ent_iob_, token.ent_type_
        # A blocked token is a B without a label.
        tags.append((f"{iob}-{label}" if label else "O") if iob in ("B", "I") else iob or MISSING)
    return tags


def missing_ranges(doc: Doc) -> list[list[int]]:
    """Find the stretches of a text whose tokens are missing annotation; white space between them belongs to them.

    RETURNS (list[list[int]]): First character of each, and the one after its last.
    """
    ranges: list[list[int]] = []
    goes_on = False
    for token, (iob, is_space) in zip(doc, doc.to_array([ENT_IOB, IS_SPACE]).reshape(-1, 2), strict=True):
        if is_space:
            continue
        if iob == IOB_MISSING:
            end = token.idx + len(token)
            if goes_on:
                ranges[-1][1] = end
            else:
                ranges.append([token.idx, end])
        goes_on = iob == IOB_MISSING
    return ranges


def is_blocked(doc: Doc) -> np.ndarray:
    """RETURNS (ndarray[bool]): Whether each token must be in no entity, by `doc.set_ents(blocked=...)`."""
    if not doc.has_annotation("ENT_IOB"):  # which is found out much sooner than the annotation
        return np.zeros(len(doc), dtype=bool)
    iob, label = doc.to_array([ENT_IOB, ENT_TYPE]).reshape(-1, 2).T
    return (iob == IOB_BEGIN) & (label == 0)


def tags_to_spans(tags: Sequence[str], issues: IssueLog | None = None, where: str = "") -> list[TokenSpan]:
    """Read IOB2 tags as spans; an I- that continues nothing opens a span and is counted.

    A tag that is none, such as 'B-' or 'PER', ends a span and is counted, too.

    tags (Sequence[str]): IOB2 tags; MISSING and the empty string end a span as O does.
    issues (IssueLog): Where an I- that opens an entity and an invalid tag are counted.
    where (str): The place of these tags, for the count.
    RETURNS (list[TokenSpan]): The spans in order.
    """
    spans = []
    start, label = 0, ""
    for i, tag in enumerate(tags):
        prefix, _, tag_label = tag.partition("-") if tag != MISSING else ("", "", "")
        continues = prefix == "I" and label and tag_label == label
        if continues:
            continue
        if label:
            spans.append(TokenSpan(start, i, label))
            label = ""
        if prefix in ("B", "I"):
            if prefix == "I" and tag_label and issues is not None:
                issues.add("I- that opens an entity", tag, where)
            start, label = i, tag_label
        if issues is not None and (not tag_label if prefix in ("B", "I") else prefix not in ("O", "")):
            issues.add("invalid tag", tag, where)
    if label:
        spans.append(TokenSpan(start, len(tags), label))
    return spans


def align(doc: Doc, spans: Iterable[CharSpan], mode: str = "strict") -> tuple[list[Span], list[CharSpan]]:
    """Lay character spans on a Doc's tokens.

    spans (Iterable[CharSpan]): Spans by character.
    mode (str): 'strict' takes only spans that begin and end with a token;
        'contract' and 'expand' move the ends as Doc.char_span does.
    RETURNS (tuple[list[Span], list[CharSpan]]): What fits, and what does not.
    """
    fitting, misaligned = [], []
    for char_span in spans:
        span = None
        if 0 <= char_span.start < char_span.end <= len(doc.text):
            span = doc.char_span(char_span.start, char_span.end, label=char_span.label, alignment_mode=mode)
        if span is None or not len(span):
            misaligned.append(char_span)
        else:
            fitting.append(span)
    return fitting, misaligned


def longest_first(span: AnySpan) -> tuple[int, int]:
    """Rank spans by length, and equally long ones by position."""
    return span.start - span.end, span.start


def without_overlaps(
    spans: Iterable[S], first: Iterable[S] = (), *, rank: Callable[[S], Any] = longest_first
) -> tuple[list[S], list[S]]:
    """Keep spans that share no token: one by one, by rank, unless it overlaps one that is kept already.

    spans (Iterable[S]): Anything of one Doc with a start and an end by token.
    first (Iterable[S]): Spans that are kept whatever overlaps them; they
        must not overlap each other.
    rank (Callable[[S], Any]): What spans are sorted by; the longest come first, and of equally long
        ones the earlier, as for spaCy's `filter_spans`.
    RETURNS (tuple[list[S], list[S]]): What is kept, by position and with
        `first` among it, and what is dropped.
    """
    spans, kept = list(spans), list(first)
    if not kept:
        in_order = sorted(spans, key=attrgetter("start"))
        if all(one.start < one.end <= other.start for one, other in pairwise(in_order)):
            return in_order, []
    taken = {i for span in kept for i in range(span.start, span.end)}
    dropped = []
    for span in sorted(spans, key=rank):
        tokens = range(span.start, span.end)
        if taken.isdisjoint(tokens):
            kept.append(span)
            taken.update(tokens)
        else:
            dropped.append(span)
    return sorted(kept, key=attrgetter("start")), dropped


def span_scores(doc: Doc) -> dict[tuple[int, int, int], float]:
    """Collect the scores that stand in a Doc's span groups, by spaCy's convention.

    RETURNS (dict[tuple[int, int, int], float]): Scores by start, end and label's number; where
        several groups hold a span, that of a group which goes with doc.ents.
    """
    known: dict[tuple[int, int, int], float] = {}
    for group in sorted(doc.spans.values(), key=lambda group: bool(group.attrs.get(ENTS_GROUP))):
        scores = group.attrs.get("scores")
        if scores is None or len(scores) != len(group):
            continue
        # A group is broken where tokens were merged after it was written.
        with suppress(IndexError):
            bounds = [(span.start, span.end, span.label) for span in group]
            known |= {bound: float(score) for bound, score in zip(bounds, scores, strict=True)}
    return known


def split_tag(tag: str) -> tuple[str, str] | None:
    """Take a tag apart.

    tag (str): Such as 'B-PER', 'S-LOC' or 'O'.
    RETURNS (tuple[str, str] | None): Prefix and label, ('O', '') for O, None
        where this is no tag of IOB, BILUO or IOBES.
    """
    if tag == "O":
        return "O", ""
    match = re.fullmatch(r"([BILUESM])[-_](\S.*)", tag)
    return (match[1], match[2]) if match else None


def tag_label(tag: str) -> str:
    """RETURNS (str): The label of an IOB2 tag; '' for O and where the annotation is missing."""
    return "" if tag == MISSING else tag.partition("-")[2]


def join_tags(tags: Iterable[tuple[str, str]]) -> list[TokenSpan]:
    """Join words to entities by their tags, in IOB, BILUO or IOBES.

    tags (Iterable[tuple[str, str]]): Prefix and label of each word, as `split_tag` gives them.
    RETURNS (list[TokenSpan]): In order, and all words together: those that are O stand alone, with the
        label ''. An I- that continues nothing opens an entity.
    """
    joined: list[TokenSpan] = []
    is_open = False
    for i, (prefix, label) in enumerate(tags):
        if prefix in CONTINUING and is_open and joined[-1].label == label:
            joined[-1] = joined[-1]._replace(end=i + 1)
        else:
            joined.append(TokenSpan(i, i + 1, label))
        is_open = prefix in OPEN
    return joined
