"""Where a mention may stand in a text: by its exact spelling, by its normalised form, or by similarity.

An occurrence that ends inside a token, such as 'U.S.' in 'U.S.-based', is widened to the whole
token, unless another alignment mode is asked for; one that would cut letters or digits apart, such
as 'Iran' in 'Iranian', is none. For callers that can split tokens, occurrences of words are left as
they are.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from spacy.attrs import IDX, LENGTH
from spacy.tokens import Doc

from spacy_ner_plus.alignment.copying_slips import may_be_slip
from spacy_ner_plus.alignment.normalization import Normalised, normalise, squeeze
from spacy_ner_plus.extras import from_extra

# What becomes of a mention that begins or ends inside a token, in the words of `Doc.char_span`.
STRICT, CONTRACT, EXPAND = "strict", "contract", "expand"
ALIGNMENT_MODES = (STRICT, CONTRACT, EXPAND)
# How much worse than the threshold a stretch of characters may be before it is laid on tokens.
SLACK = 0.2
# How many characters of no word may lie between words where some were left out.
GAP = 3
# Steps for each character of a text that are taken to find words in it: more are only needed where both repeat
# themselves without end, as replies of a model do that has lost its way.
_MOST_STEPS = 40


class Occurrence(NamedTuple):
    """A stretch of a text where a mention may stand.

    start (int): Offset of its first character, in code points.
    end (int): Offset after its last character.
    snapped (bool): Whether its ends were moved to those of tokens.
    chars (tuple[int, int] | None): Where they were before; None where they weren't moved.
    """

    start: int
    end: int
    snapped: bool = False
    chars: tuple[int, int] | None = None


def occurrences(text: str, mention: str) -> list[int]:
    """Find a mention in a text, in the order in which replies count occurrences.

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


class OccurrenceFinder:
    """Finds where mentions may stand in one text.

    text (str): The text.
    starts (Sequence[int]): Offsets where its tokens begin; none where it has no tokens yet.
    ends (Sequence[int]): Offsets where they end.
    first (int): Index of the first of these tokens in its Doc.
    offset (int): Where the text begins in its Doc.
    alignment_mode (str): What becomes of a mention that begins or ends inside a token: 'strict' leaves it out,
        'contract' narrows it to the tokens that lie in it, 'expand' widens it.
    """

    def __init__(
        self,
        text: str,
        starts: Sequence[int] = (),
        ends: Sequence[int] = (),
        first: int = 0,
        *,
        offset: int = 0,
        alignment_mode: str = EXPAND,
    ):
        self.text = text
        self.starts, self.ends, self.first = starts, ends, first
        self.offset = offset
        self.alignment_mode = alignment_mode
        # Where replies count the occurrences of a mention: as it is spelled, and of its normalised form.
        self._numbered: dict[str, list[int]] = {}
        self._numbered_forms: dict[str, list[int]] = {}
        # How often the text has a mention as it is spelled, and at most in any spelling.
        self._counts: dict[str, int] = {}
        self._most: dict[str, int] = {}
        self._words: dict[tuple[Sequence[str], int, bool], tuple[Occurrence, ...]] = {}

    @classmethod
    def of_doc(
        cls,
        doc: Doc,
        start_char: int = 0,
        end_char: int | None = None,
        *,
        text: str | None = None,
        alignment_mode: str = EXPAND,
    ) -> "OccurrenceFinder":
        """Look at a Doc, or at a stretch of it; offsets are within the stretch.

        start_char (int): Where the stretch begins.
        end_char (int | None): Where it ends; None for the Doc's end.
        text (str | None): The Doc's text, where it is at hand.
        """
        text = doc.text if text is None else text
        bounds = doc.to_array([IDX, LENGTH]).astype("int64").reshape(-1, 2)
        first, last = 0, len(bounds)
        if start_char > 0 or (end_char is not None and end_char < len(text)):
            first = max(int(bounds[:, 0].searchsorted(start_char, side="right")) - 1, 0)
            last = last if end_char is None else int(bounds[:, 0].searchsorted(end_char))
            bounds = bounds[first : max(last, first)]
            text = text[start_char:end_char]
        # No Token is made for it.
        starts = (bounds[:, 0] - start_char).tolist()
        ends = (bounds[:, 0] - start_char + bounds[:, 1]).tolist()
        return cls(text, starts, ends, first, offset=start_char, alignment_mode=alignment_mode)

    @cached_property
    def _normalised(self) -> Normalised:
        return Normalised(self.text)

    @cached_property
    def _squeezed(self) -> str:
        return squeeze(self.text)

    def has_other_spelling(self, mention: str) -> bool:
        """RETURNS (bool): Whether the text may have a mention otherwise than as it is spelled; False is certain.

        It costs much less than to look for other spellings, which needs the text's normalised form.
        """
        if mention not in self._counts:
            self._counts[mention] = _count(self.text, mention)
        return self.most_occurrences(mention) > self._counts[mention]

    def most_occurrences(self, mention: str) -> int:
        """RETURNS (int): How often the text may have a mention at most, in any spelling."""
        if mention not in self._most:
            self._most[mention] = _count(self._squeezed, squeeze(mention))
        return self._most[mention]

    def exact(self, mention: str) -> list[Occurrence]:
        """RETURNS (list[Occurrence]): Where the text has a mention as it is spelled, in order."""
        found, count, length, find = [], 0, len(mention), self.text.find
        at = find(mention)
        while at >= 0:
            count += 1
            occurrence = self.to_tokens(at, at + length)
            # Two may be widened to the same tokens.
            if occurrence and not (found and found[-1][:2] == occurrence[:2]):
                found.append(occurrence)
            at = find(mention, at + 1)
        self._counts[mention] = count
        return found

    def normalised(self, mention: str) -> list[Occurrence]:
        """RETURNS (list[Occurrence]): Where the text has the normalised form of a mention, in order."""
        form, text = normalise(mention), self._normalised.text
        found = []
        at = text.find(form) if form else -1
        while at >= 0:
            occurrence = self.to_tokens(*self._normalised.original(at, at + len(form)))
            if occurrence and not (found and found[-1][:2] == occurrence[:2]):
                found.append(occurrence)
            at = text.find(form, at + 1)
        return found

    def similar(self, mention: str, threshold: float) -> tuple[list[Occurrence], float, str]:
        """Find the spelling in the text that is most similar to a mention.

        Numbers must be the same: 'Windows 98' is not 'Windows 95'. So must be the words, slips aside: 'Mr. Smith' is
        not 'Dr. Smith', and 'Ann and Bo' not 'Ann met Bo'.

        threshold (float): The least similarity, from 0 to 1.
        RETURNS (tuple[list[Occurrence], float, str]): Where the text has that spelling, how similar it
            is, and the spelling; no occurrences where it is below the threshold.
        """
        with from_extra("llm"):
            from rapidfuzz import fuzz

        if not self.starts:
            return [], 0.0, ""
        form, text = normalise(mention), self._normalised.text
        if not form or not text:
            return [], 0.0, ""
        found = fuzz.partial_ratio_alignment(form, text, score_cutoff=100 * max(threshold - SLACK, 0))
        if not found or found.dest_start == found.dest_end:
            return [], 0.0, ""
        start, end = self._normalised.original(found.dest_start, found.dest_end)
        first, last = self._token_at(start), self._token_before(end)
        stretches = [
            (self._similarity(form, i, j), (i, j))
            for i in range(max(first - 1, 0), min(first + 2, len(self.starts)))
            for j in range(max(last - 1, i), min(last + 2, len(self.starts)))
        ]
        # Of equally similar ones the first.
        stretches.sort(key=lambda stretch: -stretch[0])
        for score, bounds in stretches:
            if score < threshold:
                break
            spelling = self._spelling(*bounds)
            if may_be_slip(mention, spelling, threshold):
                return self.exact(spelling), score, spelling
        if not stretches or not stretches[0][0]:
            return [], 0.0, ""
        return [], stretches[0][0], self._spelling(*stretches[0][1])

    def words(
        self, words: Sequence[str], *, gap: int = 0, other_spelling: bool = False
    ) -> tuple[Occurrence, ...]:
        """Find words that were given one by one, whatever white space the text has between them.

        They are found inside of longer words and tokens, too, and not widened.

        gap (int): How many characters of no word may lie between any two of them.
        other_spelling (bool): Whether they are looked for in normalised form.
        RETURNS (tuple[Occurrence, ...]): In order; the same object for the same words.
        """
        key = (tuple(words), gap, other_spelling)
        if key not in self._words:
            if other_spelling:
                forms = [form for form in map(normalise, words) if form]
                found = [
                    self._normalised.original(*bounds)
                    for bounds in _find_words(self._normalised.text, forms, gap)
                ]
            else:
                found = _find_words(self.text, words, gap)
            self._words[key] = tuple(Occurrence(*bounds) for bounds in found)
        return self._words[key]

    def without_lower_case(self, mention: str, found: Iterable[Occurrence]) -> list[Occurrence]:
        """Leave out what is all in lower case unless the mention is: 'JAPAN' may be 'Japan', but 'us' is not 'US'.

        found (Iterable[Occurrence]): Where the text has the mention in another spelling.
        RETURNS (list[Occurrence]): What is left of them, in the same order.
        """
        if mention.islower():
            return list(found)
        return [each for each in found if not self.text[each.start : each.end].islower()]

    def numbered(self, mention: str, number: int) -> tuple[Occurrence | None, bool]:
        """Find the occurrence of a mention that a reply counts as the n-th.

        number (int): From 1.
        RETURNS (tuple[Occurrence | None, bool]): The occurrence, None where there are fewer or it would
            cut a word; and whether the mention is spelled otherwise there.
        """
        if mention not in self._numbered:
            self._numbered[mention] = occurrences(self.text, mention)
        starts = self._numbered[mention]
        if number <= len(starts):
            at = starts[number - 1]
            occurrence = self.to_tokens(at, at + len(mention))
            if occurrence or self.is_dropped(at, at + len(mention)):
                return occurrence, False
        form = normalise(mention)
        if form not in self._numbered_forms:
            self._numbered_forms[form] = occurrences(self._normalised.text, form)
        starts = self._numbered_forms[form]
        if number > len(starts):
            return None, True
        at = starts[number - 1]
        return self.to_tokens(*self._normalised.original(at, at + len(form))), True

    def near(self, mention: str, position: int, threshold: float) -> tuple[Occurrence | None, float]:
        """Find a mention that was copied with slips, where it is known to begin.

        position (int): Where it begins in the text.
        threshold (float): The least similarity, from 0 to 1.
        RETURNS (tuple[Occurrence | None, float]): Where it is and how similar; None where it is below.
        """
        form, first = normalise(mention), self._token_at(position)
        best, score = None, 0.0
        for j in range(first, len(self.starts)):
            similarity = self._similarity(form, first, j)
            if similarity > score:
                best, score = j, similarity
            if self.ends[j] - self.starts[first] > 2 * len(mention) + 20:
                break
        if best is None or score < threshold:
            return None, score
        return Occurrence(self.starts[first], self.ends[best]), score

    def to_tokens(self, start: int, end: int, *, cut: bool = False) -> Occurrence | None:
        """Move the ends of a stretch of characters to those of tokens, as the alignment mode says.

        start (int): Offset of the first character.
        end (int): Offset after the last.
        cut (bool): Whether letters and digits may be cut apart.
        RETURNS (Occurrence | None): None where it would cut a word, or there is no token.
        """
        is_start, is_end = self._is_start(start), self._is_end(end)
        if is_start and is_end:
            return Occurrence(start, end)
        if not cut and (
            (not is_start and cuts_word(self.text, start)) or (not is_end and cuts_word(self.text, end))
        ):
            return None
        if self.alignment_mode == EXPAND:
            first, last = self._token_at(start), self._token_before(end)
        elif self.alignment_mode == CONTRACT:
            first, last = bisect_left(self.starts, start), bisect_right(self.ends, end) - 1
        else:
            return None
        if first > last:
            return None
        moved = self.starts[first], self.ends[last]
        return Occurrence(*moved) if moved == (start, end) else Occurrence(*moved, True, (start, end))

    def is_dropped(self, start: int, end: int, *, cut: bool = False) -> bool:
        """RETURNS (bool): Whether `to_tokens` finds nothing, and would widen the stretch in the mode 'expand'."""
        if self.alignment_mode == EXPAND or self.to_tokens(start, end, cut=cut):
            return False
        return cut or not (cuts_word(self.text, start) or cuts_word(self.text, end))

    def drops(self, mention: str) -> bool:
        """RETURNS (bool): Whether an occurrence of a mention is dropped, in whichever spelling."""
        if self.alignment_mode == EXPAND:
            return False
        if any(self.is_dropped(at, at + len(mention)) for at in occurrences(self.text, mention)):
            return True
        form = normalise(mention)
        return any(
            self.is_dropped(*self._normalised.original(at, at + len(form)))
            for at in occurrences(self._normalised.text, form)
        )

    def drops_numbered(self, mention: str, number: int) -> bool:
        """RETURNS (bool): Whether the occurrence that a reply counts as the n-th is dropped."""
        starts = self._numbered.get(mention, [])
        return number <= len(starts) and self.is_dropped(
            starts[number - 1], starts[number - 1] + len(mention)
        )

    def is_whole(self, occurrence: Occurrence) -> bool:
        """RETURNS (bool): Whether an occurrence begins and ends with a token, or at least cuts no word."""
        start, end = occurrence.start, occurrence.end
        return (self._is_start(start) or not cuts_word(self.text, start)) and (
            self._is_end(end) or not cuts_word(self.text, end)
        )

    def token_indices(self, occurrence: Occurrence) -> tuple[int, int]:
        """RETURNS (tuple[int, int]): Of an occurrence that was widened, the Doc's first token and the one after."""
        start, end, *_ = occurrence
        return self.first + bisect_left(self.starts, start), self.first + bisect_left(self.ends, end) + 1

    def _is_start(self, offset: int) -> bool:
        i = bisect_left(self.starts, offset)
        return i < len(self.starts) and self.starts[i] == offset

    def _is_end(self, offset: int) -> bool:
        i = bisect_left(self.ends, offset)
        return i < len(self.ends) and self.ends[i] == offset

    def _token_at(self, offset: int) -> int:
        """The token that holds an offset, or the next one."""
        return bisect_right(self.ends, offset)

    def _token_before(self, offset: int) -> int:
        """The token that holds what is before an offset, or the one before that."""
        return bisect_left(self.starts, offset) - 1

    def _similarity(self, form: str, first: int, last: int) -> float:
        with from_extra("llm"):
            from rapidfuzz import fuzz

        return fuzz.ratio(form, normalise(self._spelling(first, last))) / 100

    def _spelling(self, first: int, last: int) -> str:
        return self.text[self.starts[first] : self.ends[last]]


def _find_words(text: str, words: Sequence[str], gap: int) -> Iterator[tuple[int, int]]:
    """All stretches that begin with the first word and end with the last, those that overlap among them."""
    if not words:
        return
    search = _WordSearch(text, words, gap)
    at = text.find(words[0])
    while at >= 0:
        end = search.end_after(at + len(words[0]))
        if end >= 0:
            yield at, end
        at = text.find(words[0], at + 1)


class _WordSearch:
    """Finds where words end that follow their first one.

    gap (int): How many characters of no word may lie between any two of them; 0 for white space alone.
    """

    def __init__(self, text: str, words: Sequence[str], gap: int):
        self._text, self._words, self._gap = text, words, gap
        self._steps = _MOST_STEPS * (len(text) + len(words))
        # After which words and where the others were looked for in vain.
        self._in_vain: set[tuple[int, int]] = set()

    def end_after(self, at: int) -> int:
        """RETURNS (int): Where the last word ends; -1 where they don't follow, or that takes too many steps."""
        if len(self._words) == 1:
            return at
        return self._gapped_end(at) if self._gap else self._plain_end(at)

    def _plain_end(self, at: int) -> int:
        text = self._text
        for number in range(1, len(self._words)):
            while at < len(text) and text[at].isspace():
                at += 1
            self._steps -= 1
            if self._steps < 0 or not text.startswith(self._words[number], at):
                return -1
            at += len(self._words[number])
        return at

    def _gapped_end(self, at: int) -> int:
        """Of each word the first place is taken from which the others follow."""
        path = [(at, self._ends(1, at))]
        while path:
            end = next(path[-1][1], -1)
            if end < 0:
                self._in_vain.add((len(path), path.pop()[0]))
            elif len(path) == len(self._words) - 1:
                return end
            elif (len(path) + 1, end) not in self._in_vain:
                path.append((end, self._ends(len(path) + 1, end)))
        return -1

    def _ends(self, number: int, at: int) -> Iterator[int]:
        """Where a word may end that follows an offset."""
        text, word = self._text, self._words[number]
        for start in range(at, at + self._gap + 1):
            self._steps -= 1
            if self._steps < 0:
                return
            if text.startswith(word, start):
                yield start + len(word)
            if start >= len(text) or text[start].isalnum() or text[start] == "_":
                return


def _count(text: str, part: str) -> int:
    """How often a text has a part, overlapping ones too."""
    count, at = 0, text.find(part) if part else -1
    while at >= 0:
        count += 1
        at = text.find(part, at + 1)
    return count
