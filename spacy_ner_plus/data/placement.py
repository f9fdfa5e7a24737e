"""Where labelled tokens lie in a text that was not tokenised by us."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import CharSpan, split_tag

# How the words of one entity may stand in the text, from the best case on: what
# is allowed between them, whether case may differ, and what the repair is called.
SPELLINGS = (
    (r"\s*", False, ""),
    (r"\s*", True, "token in another case"),
    (r"[^\w]{0,3}", False, "gap inside an entity"),
    (r"[^\w]{0,3}", True, "gap inside an entity"),
)


class Piece(NamedTuple):
    """Words that stand beside each other.

    words (tuple[str, ...]): The words.
    label (str): Their label, empty for words that are O and only mark a place.
    """

    words: tuple[str, ...]
    label: str


class Places(NamedTuple):
    """Everywhere a piece occurs, as starts and ends in order."""

    starts: list[int]
    ends: list[int]


def tags_to_pieces(pairs: Iterable[tuple[str, str]], issues: IssueLog, where: str) -> list[Piece]:
    """Join tagged tokens to pieces, in IOB2, BILUO or IOBES.

    pairs (Iterable[tuple[str, str]]): Token and tag; tokens that are O may be left out.
    issues (IssueLog): Where invalid tags and an I- that opens an entity are counted.
    where (str): The place of the record.
    RETURNS (list[Piece]): In order; a token whose tag is no tag counts as O.
    """
    pieces: list[Piece] = []
    is_open = False
    for token, tag in pairs:
        words = tuple(token.split())
        if not words:
            continue
        parts = split_tag(tag.strip())
        if parts is None:
            issues.add("invalid tag", f"{token!r}: {tag!r}, read as O", where)
        prefix, label = parts or ("O", "")
        if prefix in "ILEM" and is_open and pieces[-1].label == label:
            pieces[-1] = Piece(pieces[-1].words + words, label)
        else:
            if prefix in "ILEM":
                issues.add("I- that opens an entity", f"{token!r}: {tag}", where)
            pieces.append(Piece(words, label))
        is_open = prefix in "BIM"
    return pieces


def place(
    text: str,
    pieces: Sequence[Piece],
    *,
    issues: IssueLog,
    where: str,
    edges: tuple[set[int], set[int]] = (set(), set()),
) -> list[CharSpan]:
    """Find pieces in a text, in order, each at the nearest place after the one before it.

    A place is whole if it begins and ends at the edge of a word or of a token;
    other places count only where there is no whole one, or no order without.

    text (str): The text.
    pieces (Sequence[Piece]): The pieces in the order of the text.
    issues (IssueLog): Where everything is counted that was not found, not certain
        or not as written.
    where (str): The place of the record.
    edges (tuple[set[int], set[int]]): Offsets where tokens begin and where they end.
    RETURNS (list[CharSpan]): Of the pieces that have a label.
    """
    finder = _Finder(text, edges)
    exact = [finder.find(piece.words, *SPELLINGS[0][:2]) for piece in pieces]
    if sum(len(word) for piece in pieces for word in piece.words) == len("".join(text.split())):
        # All tokens of the text are listed: there is one order, whatever looks whole.
        order = _nearest(exact)
        if order is not None:
            listed = zip(order, pieces, strict=True)
            return [CharSpan(*found, piece.label) for found, piece in listed if piece.label]
    pieces, anywhere = finder.fit(pieces, issues, where)
    candidates = [finder.whole(places) or places for places in anywhere]
    order = _nearest(candidates)
    if order is None:
        order = _nearest(anywhere)
        candidates = candidates if order is None else anywhere
    chosen = dict(_longest(candidates) if order is None else enumerate(order))
    spans = _certain_or_counted(pieces, candidates, chosen, issues, where)
    taken = list(chosen.values())
    for i, piece in enumerate(pieces):
        if i in chosen or not piece.label:
            continue
        free = [
            found
            for found in zip(*anywhere[i], strict=True)
            if all(found[1] <= start or end <= found[0] for start, end in taken)
        ]
        if not free:
            issues.add("token not found", _show(piece), where)
            continue
        issues.add("token out of order", _show(piece), where)
        if len(free) > 1:
            issues.add("ambiguous place", _show(piece), where)
        taken.append(free[0])
        spans.append(CharSpan(*free[0], piece.label))
    return sorted(spans)


def is_certain(text: str, pieces: Sequence[Piece], spans: Sequence[CharSpan]) -> bool:
    """Tell whether any reader must find pieces where they are meant, however it tokenises.

    text (str): The text.
    pieces (Sequence[Piece]): The pieces.
    spans (Sequence[CharSpan]): Where they are meant.
    RETURNS (bool): Whether there is no other place for any of them.
    """
    finder = _Finder(text, (set(), set()))
    candidates = [finder.find(piece.words, *SPELLINGS[-1][:2]) for piece in pieces]
    meant = [(span.start, span.end) for span in spans]
    return _nearest(candidates) == meant and _farthest(candidates, len(text)) == meant


class _Finder:
    """Occurrences of words in one text."""

    def __init__(self, text: str, edges: tuple[set[int], set[int]]):
        self.text = text
        self.starts, self.ends = edges
        self.find = lru_cache(maxsize=None)(self._find)

    def _find(self, words: tuple[str, ...], between: str, ignore_case: bool) -> Places:
        pattern = between.join(re.escape(word) for word in words)
        found = Places([], [])
        compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
        match = compiled.search(self.text)
        while match:
            found.starts.append(match.start())
            found.ends.append(match.end())
            match = compiled.search(self.text, match.start() + 1)
        return found

    def whole(self, places: Places) -> Places | None:
        """Keep the places that cut no word; None if every one does."""
        kept = [
            (start, end)
            for start, end in zip(*places, strict=True)
            if (start in self.starts or not self._inside(start))
            and (end in self.ends or not self._inside(end))
        ]
        return Places([start for start, _ in kept], [end for _, end in kept]) if kept else None

    def _inside(self, offset: int) -> bool:
        return 0 < offset < len(self.text) and self.text[offset - 1].isalnum() and self.text[offset].isalnum()

    def fit(self, pieces: Iterable[Piece], issues: IssueLog, where: str) -> tuple[list[Piece], list[Places]]:
        """Find each piece as it is spelled, or in the parts of it that are found."""
        fitting, found = [], []
        todo = list(pieces)[::-1]
        while todo:
            piece = todo.pop()
            spelled = [(self.find(piece.words, *spelling[:2]), spelling[2]) for spelling in SPELLINGS]
            spelled = [(places, repair) for places, repair in spelled if places.starts]
            spelled.sort(key=lambda found: self.whole(found[0]) is None)
            if spelled:
                places, repair = spelled[0]
                if repair:
                    issues.add(repair, _show(piece), where)
                fitting.append(piece)
                found.append(places)
                continue
            if len(piece.words) == 1:
                if piece.label:
                    issues.add("token not found", _show(piece), where)
                continue
            cut = self._longest_prefix(piece.words)
            issues.add("I- that opens an entity", f"{piece.words[cut]!r}: I-{piece.label}", where)
            todo.append(Piece(piece.words[cut:], piece.label))
            todo.append(Piece(piece.words[:cut], piece.label))
        return fitting, found

    def _longest_prefix(self, words: tuple[str, ...]) -> int:
        for cut in range(len(words) - 1, 1, -1):
            if self.find(words[:cut], *SPELLINGS[0][:2]).starts:
                return cut
        return 1


def _nearest(candidates: Sequence[Places]) -> list[tuple[int, int]] | None:
    """Take the first place of each that begins after the one before; None where one has none."""
    chosen, end = [], 0
    for places in candidates:
        i = bisect_left(places.starts, end)
        if i == len(places.starts):
            return None
        end = places.ends[i]
        chosen.append((places.starts[i], end))
    return chosen


def _farthest(candidates: Sequence[Places], length: int) -> list[tuple[int, int]]:
    """Take the last place of each that ends before the next; there is an order."""
    chosen, start = [], length
    for places in reversed(candidates):
        i = bisect_left(places.ends, start + 1) - 1
        start = places.starts[i]
        chosen.append((start, places.ends[i]))
    return chosen[::-1]


def _longest(candidates: Sequence[Places]) -> list[tuple[int, tuple[int, int]]]:
    """Take the largest number of pieces whose places follow each other, by patience sorting."""
    # For each number of pieces, the smallest end they can have, and the pieces as a linked list.
    best: list[tuple[int, tuple | None]] = [(0, None)]
    for i, places in enumerate(candidates):
        for count in range(len(best) - 1, -1, -1):
            end, before = best[count]
            j = bisect_left(places.starts, end)
            if j == len(places.starts):
                continue
            longer = (places.ends[j], ((i, (places.starts[j], places.ends[j])), before))
            if count + 1 == len(best):
                best.append(longer)
            elif longer[0] < best[count + 1][0]:
                best[count + 1] = longer
    link, chosen = best[-1][1], []
    while link is not None:
        chosen.append(link[0])
        link = link[1]
    return chosen[::-1]


def _certain_or_counted(
    pieces: Sequence[Piece],
    candidates: Sequence[Places],
    chosen: dict[int, tuple[int, int]],
    issues: IssueLog,
    where: str,
) -> list[CharSpan]:
    """Make spans of chosen places, and count those that could as well lie elsewhere."""
    indices = sorted(chosen)
    subset = [candidates[i] for i in indices]
    length = max((places.ends[-1] for places in subset), default=0)
    spans = []
    for i, last in zip(indices, _farthest(subset, length), strict=True):
        if not pieces[i].label:
            continue
        if chosen[i] != last:
            issues.add("ambiguous place", _show(pieces[i]), where)
        spans.append(CharSpan(*chosen[i], pieces[i].label))
    return spans


def _show(piece: Piece) -> str:
    return f"{piece.label} {' '.join(piece.words)!r}"
