"""Where a mention may lie in a text: by its exact spelling, by its normalised form, or by similarity.

Offsets of characters are within the stretch of text that is looked at; places are in tokens of the
Doc. A mention that ends inside a token, such as 'U.S.' in 'U.S.-based', takes the whole token; one
that would cut letters or digits apart, such as 'Iran' in 'Iranian', has no place there.
"""

from bisect import bisect_left, bisect_right
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from spacy_ner_plus.alignment.normalization import Normalised, normalise

# How much worse than the threshold a stretch of characters may be before it is laid on tokens.
SLACK = 0.2


class Place(NamedTuple):
    """A stretch of tokens.

    start (int): Index of the first token.
    end (int): Index after the last token.
    snapped (bool): Whether it takes in characters that the mention doesn't have.
    """

    start: int
    end: int
    snapped: bool


def occurrences(text: str, mention: str) -> list[int]:
    """Find a mention in a text, in the order in which replies count occurrences.

    text (str): The text.
    mention (str): Any string; nothing is found for an empty one.
    RETURNS (list[int]): Where it begins: first wherever it stands as a word or words of its own, then
        wherever it is part of longer words, such as 'Iran' in 'Iranian'.
    """
    alone, inside = [], []
    at = text.find(mention) if mention else -1
    while at >= 0:
        cut = cuts_word(text, at) or cuts_word(text, at + len(mention))
        (inside if cut else alone).append(at)
        at = text.find(mention, at + 1)
    return alone + inside


def cuts_word(text: str, offset: int) -> bool:
    """RETURNS (bool): Whether an offset lies between two letters or digits."""
    return 0 < offset < len(text) and text[offset - 1].isalnum() and text[offset].isalnum()


class Places:
    """Finds places in a Doc or a stretch of it.

    doc (Doc): The Doc.
    start_char (int): Where the stretch begins.
    end_char (int | None): Where it ends; None for the Doc's end.
    """

    def __init__(self, doc: Doc, start_char: int = 0, end_char: int | None = None):
        if start_char <= 0 and end_char is None:
            self.first, tokens, self.text = 0, doc, doc.text
        else:
            self.first = max(bisect_right(doc, start_char, key=attrgetter("idx")) - 1, 0)
            last = len(doc) if end_char is None else bisect_left(doc, end_char, key=attrgetter("idx"))
            tokens = doc[self.first : max(last, self.first)]
            cut = start_char - tokens.start_char if len(tokens) else 0
            length = None if end_char is None else max(end_char - start_char, 0)
            self.text = tokens.text_with_ws[cut:][:length]
        # No Token is made for it.
        bounds = doc.to_array([IDX, LENGTH])[self.first : self.first + len(tokens)].astype("int64")
        self.starts = (bounds[:, 0] - start_char).tolist()
        self.ends = (bounds[:, 0] - start_char + bounds[:, 1]).tolist()
        self._index_by_start = {start: i for i, start in enumerate(self.starts)}
        self._index_by_end = {end: i for i, end in enumerate(self.ends, start=1)}

    @cached_property
    def normalised(self) -> Normalised:
        """RETURNS (Normalised): The text in normalised form; made once it is needed."""
        return Normalised(self.text)

    def exact(self, mention: str) -> list[Place]:
        """RETURNS (list[Place]): Where the text has a mention as it is spelled, in order."""
        found, seen = [], set()
        at = self.text.find(mention)
        while at >= 0:
            place = self.lay(at, at + len(mention))
            if place and place[:2] not in seen:
                seen.add(place[:2])
                found.append(place)
            at = self.text.find(mention, at + 1)
        return found

    def alike(self, mention: str) -> list[Place]:
        """RETURNS (list[Place]): Where the text has a mention in another spelling of the same normalised form."""
        form, text = normalise(mention), self.normalised.text
        found, seen = [], set()
        at = text.find(form) if form else -1
        while at >= 0:
            place = self.lay(*self.normalised.original(at, at + len(form)))
            if place and place[:2] not in seen:
                seen.add(place[:2])
                found.append(place)
            at = text.find(form, at + 1)
        return found

    def similar(self, mention: str, threshold: float) -> tuple[list[Place], float, str]:
        """Find the spelling in the text that is most similar to a mention.

        Numbers must be the same: 'Windows 98' is not 'Windows 95'.

        mention (str): The mention.
        threshold (float): The least similarity, from 0 to 1.
        RETURNS (tuple[list[Place], float, str]): Where the text has that spelling, how similar it is,
            and the spelling; no places where it is below the threshold.
        """
        from rapidfuzz import fuzz

        form, text = normalise(mention), self.normalised.text
        if not form or not text:
            return [], 0.0, ""
        found = fuzz.partial_ratio_alignment(form, text, score_cutoff=100 * max(threshold - SLACK, 0))
        if not found or found.dest_start == found.dest_end:
            return [], 0.0, ""
        start, end = self.normalised.original(found.dest_start, found.dest_end)
        first, last = self._token_at(start), self._token_before(end)
        best, score = None, 0.0
        for i in range(max(first - 1, 0), first + 2):
            for j in range(max(last - 1, i), min(last + 2, len(self.starts))):
                similarity = self._similarity(form, i, j + 1)
                if similarity > score:
                    best, score = (i, j + 1), similarity
        if best is None:
            return [], 0.0, ""
        spelling = self.spelling(*best)
        if score < threshold or _digits(spelling) != _digits(mention):
            return [], score, spelling
        return self.exact(spelling), score, spelling

    def numbered(self, mention: str, number: int) -> tuple[Place | None, bool]:
        """Find the occurrence of a mention that a reply counts as the n-th.

        mention (str): The mention.
        number (int): From 1.
        RETURNS (tuple[Place | None, bool]): Its place, None where there are fewer or it would cut a
            word; and whether the mention is spelled otherwise there.
        """
        place = self._nth(occurrences(self.text, mention), number, len(mention))
        if place:
            return place, False
        form = normalise(mention)
        starts = occurrences(self.normalised.text, form)
        if not form or number > len(starts):
            return None, True
        at = starts[number - 1]
        return self.lay(*self.normalised.original(at, at + len(form))), True

    def _nth(self, starts: list[int], number: int, length: int) -> Place | None:
        return self.lay(starts[number - 1], starts[number - 1] + length) if number <= len(starts) else None

    def near(self, mention: str, position: int, threshold: float) -> tuple[Place | None, float]:
        """Find a mention that was copied with slips, where it is known to begin.

        mention (str): The mention.
        position (int): Where it begins in the text.
        threshold (float): The least similarity, from 0 to 1.
        RETURNS (tuple[Place | None, float]): Its place and similarity; None where it is below.
        """
        form, first = normalise(mention), self._token_at(position)
        best, score = None, 0.0
        for j in range(first, len(self.starts)):
            similarity = self._similarity(form, first, j + 1)
            if similarity > score:
                best, score = j + 1, similarity
            if self.ends[j] - self.starts[first] > 2 * len(mention) + 20:
                break
        if best is None or score < threshold:
            return None, score
        return Place(first, best, score < 1.0), score

    def lay(self, start: int, end: int, *, cut: bool = False) -> Place | None:
        """Lay a stretch of characters on tokens.

        start (int): Offset of the first character.
        end (int): Offset after the last.
        cut (bool): Whether letters and digits may be cut apart; the place takes the whole token, then.
        RETURNS (Place | None): The place; None where it would cut a word, or there is no token.
        """
        first, after = self._index_by_start.get(start), self._index_by_end.get(end)
        if first is not None and after is not None:
            return Place(first, after, False)
        if not cut and (
            (first is None and cuts_word(self.text, start)) or (after is None and cuts_word(self.text, end))
        ):
            return None
        first, after = self._token_at(start), self._token_before(end) + 1
        if first >= after:
            return None
        return Place(first, after, self.starts[first] != start or self.ends[after - 1] != end)

    def spelling(self, start: int, end: int) -> str:
        """RETURNS (str): The text of some tokens."""
        return self.text[self.starts[start] : self.ends[end - 1]]

    def _token_at(self, offset: int) -> int:
        """The token that holds an offset, or the next one."""
        return bisect_right(self.ends, offset)

    def _token_before(self, offset: int) -> int:
        """The token that holds what is before an offset, or the one before that."""
        return bisect_left(self.starts, offset) - 1

    def _similarity(self, form: str, start: int, end: int) -> float:
        from rapidfuzz import fuzz

        return fuzz.ratio(form, normalise(self.spelling(start, end))) / 100


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
