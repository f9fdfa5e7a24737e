"""Long documents in stretches that fit a request, and what was found in them put together."""

import re
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import NamedTuple, Protocol, TypeVar

from spacy.tokens import Doc, Token

from spacy_ner_plus.issues import IssueLog

CUT = "sentence over the budget, cut between tokens"
TOO_LONG = "token over the budget"
# Sentence-final punctuation, also of Chinese, Japanese, Hindi and Arabic.
FINAL = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\u0964\u061f]+")
CLOSING = frozenset("\"')]}\u201d\u2019\u00bb\u300d\u300f\uff09")
# Most tokens of a piece of a sentence that is cut.
PIECE = 64
# Tokens that the halves of a sentence share at least.
LEAST_SHARED = 16

Stretch = tuple[int, int]


class ChunkSpan(Protocol):
    """What was found in a chunk: a labelled stretch of the Doc's tokens."""

    start: int
    end: int
    label: str


T = TypeVar("T", bound=ChunkSpan)


def chunk_doc(
    doc: Doc,
    *,
    budget: int,
    count_tokens: Callable[[str], int],
    overlap: int,
    issues: IssueLog | None = None,
) -> list[Stretch]:
    """Cut a Doc into chunks of whole sentences.

    doc (Doc): Where it has no sentence borders, its sentences end at line breaks and final punctuation.
    budget (int): Most tokens of a chunk, as the model counts them.
    count_tokens (Callable[[str], int]): Counts them.
    overlap (int): How many tokens a chunk may share with the one before it; whole sentences are shared.
    issues (IssueLog | None): Where sentences that are over the budget themselves, which are cut between
        tokens, and single tokens that are, which stay whole, are counted.
    RETURNS (list[tuple[int, int]]): Start and end of each chunk, by character, without white space
        around; none for a Doc without words.
    """
    issues = IssueLog() if issues is None else issues
    text = doc.text
    # Each part of the Doc is counted once, and a chunk when it is done.
    units = _units(doc, budget, count_tokens, overlap, issues)
    chunks: list[Stretch] = []
    first = after = 0
    while after < len(units):
        new = after
        first = _shared_from(units, first, new, overlap)
        size = sum(unit.size for unit in units[first:new])
        while after < len(units) and (after == new or size + units[after].size <= budget):
            size += units[after].size
            after += 1
        # Tokenizers may count a whole higher than its parts: then it gives up what is shared, or its end.
        while count_tokens(text[units[first].start : units[after - 1].end]) > budget:
            if first < new:
                first += 1
            elif after - 1 > new:
                after -= 1
            else:
                break
        chunks.append((units[first].start, units[after - 1].end))
    return chunks


def halve(doc: Doc, stretch: Stretch, *, overlap: int) -> list[Stretch]:
    """Cut a part of a Doc into two: between sentences, if one ends within its middle half, else between tokens.

    stretch (tuple[int, int]): Start and end, by character.
    overlap (int): How many of the Doc's tokens the halves may share: whole sentences, up to an eighth of the part;
        or, where one is cut, some tokens in any case, so that an entity there is whole in one of them.
    RETURNS (list[tuple[int, int]]): The two, without white space around; the part alone where it has one word.
    """
    start, end = stretch
    words: list[Token] = []
    begins: list[int] = []  # words that begin a sentence, by index
    for tokens in _sentences(doc):
        if tokens[-1].idx < start or tokens[0].idx >= end:
            continue
        begins.append(len(words))
        words += [token for token in tokens if start <= token.idx < end and not token.is_space]
    count = len(words)
    if count < 2:
        return [stretch]
    overlap = min(overlap, count // 8)
    middle = [begin for begin in begins if count <= 4 * begin <= 3 * count]
    if middle:
        cut = min(middle, key=lambda begin: abs(2 * begin - count))
        second = min(begin for begin in begins if cut - overlap <= begin <= cut)
    else:
        shared = max(overlap, min(LEAST_SHARED, count // 4))
        cut = (count + shared + 1) // 2
        second = cut - shared
    last = words[cut - 1]
    return [(words[0].idx, last.idx + len(last)), (words[second].idx, words[-1].idx + len(words[-1]))]


def merge_chunks(
    doc: Doc,
    chunks: Sequence[Stretch],
    found: Sequence[Sequence[T] | None],
    unread: Sequence[Sequence[Stretch]] = (),
) -> list[T]:
    """Put together what was found in chunks that overlap, without doubles.

    About tokens that lie in several chunks, the one decides in which they are farthest from an end
    where text was cut off: it has most of what is around them.

    chunks (Sequence[tuple[int, int]]): What `chunk_doc` gave.
    found (Sequence[Sequence[T] | None]): What was found in each chunk, by token; None for a chunk
        that nothing is known of, which decides nothing.
    unread (Sequence[Sequence[tuple[int, int]]]): By character, of what in each chunk nothing is known
        either; it decides nothing there.
    RETURNS (list[T]): By position.
    """
    kept: list[T] = []
    for own, spans in enumerate(found):
        for span in spans or ():
            last = doc[span.end - 1]
            start, end = doc[span.start].idx, last.idx + len(last)
            context = _context(chunks, own, start, end)
            others = [
                number
                for number in _others(chunks, own, start, end)
                if found[number] is not None and not (unread and _overlaps(unread[number], start, end))
            ]
            # Where it is equally far from the ends, the first decides.
            if all((context, -own) > (_context(chunks, other, start, end), -other) for other in others):
                kept.append(span)
    return sorted(kept, key=lambda span: (span.start, span.end))


def _others(chunks: Sequence[Stretch], own: int, start: int, end: int) -> Iterator[int]:
    """The other chunks that hold a whole stretch; they lie around the one it was found in."""
    for number in range(own - 1, -1, -1):
        if chunks[number][1] < end:
            break
        yield number
    for number in range(own + 1, len(chunks)):
        if chunks[number][0] > start:
            break
        yield number


def _overlaps(stretches: Sequence[Stretch], start: int, end: int) -> bool:
    return any(first < end and start < last for first, last in stretches)


def _context(chunks: Sequence[Stretch], number: int, start: int, end: int) -> float:
    """How far a stretch is from the nearest end where a chunk was cut off; the Doc's own ends are none."""
    before = start - chunks[number][0] if number else inf
    after = chunks[number][1] - end if number < len(chunks) - 1 else inf
    return min(before, after)


class _Unit(NamedTuple):
    """What isn't cut: a sentence, or a piece of one that is over the budget."""

    start: int
    end: int
    size: int


def _units(
    doc: Doc, budget: int, count_tokens: Callable[[str], int], overlap: int, issues: IssueLog
) -> list[_Unit]:
    units: list[_Unit] = []
    text = doc.text
    for tokens in _sentences(doc):
        words = [token for token in tokens if not token.is_space]
        if not words:
            continue
        start, end = words[0].idx, words[-1].idx + len(words[-1])
        size = count_tokens(text[start:end])
        if size <= budget:
            units.append(_Unit(start, end, size))
            continue
        if len(words) > 1:
            issues.add(CUT, text[start : start + 60])
        # Pieces are small, so that some of them can be shared.
        limit = max(min(budget, overlap or PIECE, PIECE) // 2, 1)
        for piece in _pieces(text, words, limit, count_tokens):
            units.append(piece)
            if piece.size > budget:
                issues.add(TOO_LONG, text[piece.start : piece.start + 60])
    return units


def _pieces(
    text: str, words: Sequence[Token], limit: int, count_tokens: Callable[[str], int]
) -> Iterator[_Unit]:
    """Cut a sentence between tokens."""
    piece: _Unit | None = None
    for word in words:
        end = word.idx + len(word)
        if piece:
            size = count_tokens(text[piece.start : end])
            if size <= limit:
                piece = _Unit(piece.start, end, size)
                continue
            yield piece
        piece = _Unit(word.idx, end, count_tokens(word.text))
    if piece:
        yield piece


def _shared_from(units: Sequence[_Unit], first: int, new: int, overlap: int) -> int:
    """Where a chunk begins whose first new unit is given: it shares whole units with the one before."""
    shared, size = new, 0
    while shared - 1 > first and size + units[shared - 1].size <= overlap:
        shared -= 1
        size += units[shared].size
    return shared


def _sentences(doc: Doc) -> Iterator[Sequence[Token]]:
    if doc.has_annotation("SENT_START"):
        for sent in doc.sents:
            yield list(sent)
        return
    tokens: list[Token] = []
    ended = False
    for token in doc:
        is_final = FINAL.fullmatch(token.text) is not None
        # Closing quotes and brackets belong to the sentence before; after a space a quote opens.
        closes = is_final or (token.text in CLOSING and not tokens[-1].whitespace_) if tokens else False
        if ended and not closes:
            yield tokens
            tokens = []
            ended = False
        tokens.append(token)
        ended = ended or is_final or "\n" in token.text
    if tokens:
        yield tokens
