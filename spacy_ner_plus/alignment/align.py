"""Mentions to spans: each is found in the text, or reported as not found.

A mention is looked for as it is spelled, then in normalised form, then as several that it joins, such
as 'Ann Lee, Bo', then by similarity. Where a reply doesn't say which occurrence it means, the policy is one of

- 'listed': a mention that is listed k times takes k of its occurrences. Longer mentions choose
  first, so that 'China' doesn't take the one within 'Bank of China'. Where there are more
  occurrences than listings, the mentions of a label are taken to be listed in the order of the
  text, if those that are certain are: each takes the first occurrence between its neighbours.
- 'all': a mention takes every free occurrence, however often it is listed, also in other case.
- 'first': a mention takes its first free occurrence.

A mention without a free occurrence of its own takes one within another mention's, so that
nothing is lost before overlaps are resolved.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from spacy.tokens import Doc

from spacy_ner_plus.alignment.assignment import Placement, Request, assign, assign_all, assign_shared
from spacy_ner_plus.alignment.joined_mentions import split_mention, with_other_and
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.occurrences import ALIGNMENT_MODES, EXPAND, Occurrence, OccurrenceFinder
from spacy_ner_plus.errors import Errors, UserError

EXACT, NORMALISED, FUZZY = "exact", "normalised", "fuzzy"
# Why a mention isn't found that the text has within words alone.
INSIDE = "only as part of a longer word"
# And of one that the alignment mode drops.
WITHIN_TOKENS = "begins or ends within a token"
EMPTY = "empty"
LISTED_TOO_OFTEN = "listed more often than it occurs"
HAS_LABEL = "its tokens have this label already"
# Why a mention isn't found of which nothing is left without a span.
NOTHING_LEFT = frozenset({EMPTY, LISTED_TOO_OFTEN, HAS_LABEL})
# Holds, among the attrs of a group of mentions, those that were not found: text, label and reason.
UNALIGNED_ATTR = "unaligned"
POLICIES = ("listed", "all", "first")
# Between what is spelled as in the text and what is only similar.
NORMALISED_SCORE = 0.99
# How similar to a mention a part of the text must be at least.
MENTION_SIMILARITY = 0.85


class AlignedMention(NamedTuple):
    """A mention with its span.

    start (int): Index of its first token.
    end (int): Index after its last token.
    label (str): The label.
    how (str): 'exact', 'normalised' or 'fuzzy'.
    score (float): 1.0 where exact, 0.99 where normalised, else the similarity.
    mention (Mention): What the reply says.
    snapped (bool): Whether its ends were moved to those of tokens.
    ambiguous (bool): Whether the reply names the same words under another label too, and doesn't say
        which of their occurrences has which.
    chars (tuple[int, int]): Where the Doc's text has the mention, before its ends were moved.
    """

    start: int
    end: int
    label: str
    how: str
    score: float
    mention: Mention
    snapped: bool = False
    ambiguous: bool = False
    chars: tuple[int, int] = (-1, -1)


@dataclass
class Alignment:
    """What became of the mentions of a reply.

    spans (list[AlignedMention]): By position; they may overlap.
    unaligned (list[tuple[Mention, str]]): Mentions that were not found, with the reason.
    snapped (int): How many spans had their ends moved to those of tokens.
    alignment_mode (str): How: 'expand' widens and 'contract' narrows.
    split (list[tuple[Mention, tuple[Mention, ...]]]): Mentions that joined several, with these: spans and
        `unaligned` have these in their place.
    miscounted (list[Mention]): Those whose stated occurrence isn't there, and that took another.
    """

    spans: list[AlignedMention] = field(default_factory=list)
    unaligned: list[tuple[Mention, str]] = field(default_factory=list)
    snapped: int = 0
    alignment_mode: str = EXPAND
    split: list[tuple[Mention, tuple[Mention, ...]]] = field(default_factory=list)
    miscounted: list[Mention] = field(default_factory=list)


class Found(NamedTuple):
    """Where a mention may stand, and how that was found.

    how (str): 'exact', 'normalised' or 'fuzzy'.
    score (float): 1.0 where exact, 0.99 where normalised, else the similarity.
    spelling (str): How the text spells it, or what is most similar where there is no occurrence.
    occurrences (tuple[Occurrence, ...]): In order.
    """

    how: str
    score: float
    spelling: str
    occurrences: tuple[Occurrence, ...]


def align_mentions(
    doc: Doc,
    mentions: Sequence[Mention],
    *,
    start_char: int = 0,
    end_char: int | None = None,
    occurrences: str = "listed",
    similarity_threshold: float = MENTION_SIMILARITY,
    alignment_mode: str = EXPAND,
    text: str | None = None,
) -> Alignment:
    """Find the spans of a reply's mentions.

    mentions (Sequence[Mention]): In the order of the reply.
    start_char (int): Where the text that was sent begins in the Doc.
    end_char (int | None): Where it ends; None for the Doc's end.
    occurrences (str): 'listed', 'all' or 'first': which occurrences a mention takes where the
        reply doesn't say.
    similarity_threshold (float): The least similarity, above 0; 1 for none but exact and normalised.
    alignment_mode (str): What becomes of a mention that begins or ends inside a token, as in `Doc.char_span`:
        'strict' drops it, 'contract' narrows it to the tokens that lie in it, 'expand' widens it. One that would
        cut a word apart isn't found in any of them, unless the reply states its position.
    text (str | None): The Doc's text, where it is at hand: a Doc makes it of its tokens each time.
    RETURNS (Alignment): Spans, and what was not found.
    RAISES (UserError): Another policy, threshold or mode.
    """
    if occurrences not in POLICIES:
        raise UserError(Errors.E293.format(value=occurrences, policies=", ".join(POLICIES)))
    if not 0 < similarity_threshold <= 1:
        raise UserError(Errors.E294.format(value=similarity_threshold))
    if alignment_mode not in ALIGNMENT_MODES:
        raise UserError(Errors.E695.format(value=alignment_mode, modes=", ".join(ALIGNMENT_MODES)))
    finder = OccurrenceFinder.of_doc(doc, start_char, end_char, text=text, alignment_mode=alignment_mode)
    return _Aligner(finder, mentions, occurrences, similarity_threshold).align()


def find(finder: OccurrenceFinder, text: str, similarity_threshold: float) -> Found:
    """Find where a mention may stand, by the first way that finds it at all.

    text (str): The mention, without white space around it.
    similarity_threshold (float): The least similarity.
    """
    found = Found(EXACT, 1.0, text, tuple(finder.exact(text)))
    if not found.occurrences:
        found = _find_normalised(finder, text)
    if not found.occurrences and (other := with_other_and(text)):
        found = _find_normalised(finder, other)
    # What is dropped isn't let in by its likeness to the tokens that it is a part of.
    if not found.occurrences and not finder.drops(text):
        occurrences, score, spelling = finder.similar(text, similarity_threshold)
        found = Found(FUZZY, score, spelling, tuple(occurrences))
    return found


def find_other_spellings(finder: OccurrenceFinder, text: str) -> Found:
    """Find other spellings of a mention that is there as it is spelled."""
    if not finder.has_other_spelling(text):
        return Found(NORMALISED, NORMALISED_SCORE, text, ())
    found = _find_normalised(finder, text)
    return found._replace(occurrences=tuple(finder.without_lower_case(text, found.occurrences)))


def _find_normalised(finder: OccurrenceFinder, text: str) -> Found:
    return Found(NORMALISED, NORMALISED_SCORE, text, tuple(finder.normalised(text)))


class _Aligner:
    """Finds the spans of the mentions of one reply."""

    def __init__(
        self, finder: OccurrenceFinder, mentions: Sequence[Mention], policy: str, similarity_threshold: float
    ):
        self.finder = finder
        self.alignment = Alignment(alignment_mode=finder.alignment_mode)
        self.mentions = self._split(mentions)
        self.texts = [mention.text.strip() for mention in self.mentions]
        # What each says, a mention's text and its label.
        self.keys = [(text, mention.label) for text, mention in zip(self.texts, self.mentions, strict=True)]
        self.policy = policy
        self.similarity_threshold = similarity_threshold
        self.placed: list[Placement] = []
        self._found: dict[str, Found] = {}
        self._ambiguous: set[str] = set()

    def align(self) -> Alignment:
        pending = self._without_surplus(self._place_stated())
        # By what they say, the first mention that says it.
        distinct = {self.keys[number]: number for number in reversed(pending)}
        firsts = sorted(distinct.values())
        self._ambiguous = self._under_several_labels(firsts)
        self._place_unstated(firsts if self.policy == "first" else pending)
        placed = {placement.number for placement in self.placed}
        self.alignment.miscounted = [
            self.mentions[number]
            for number in pending
            if number in placed and self.mentions[number].occurrence > 0 > self.mentions[number].position
        ]
        if self.policy == "all":
            # What is said to stand at one place isn't meant at all of them, also where that one isn't there; but
            # what the text has in another spelling may have been counted in that.
            anywhere = {
                self.keys[number]
                for number in pending
                if self.mentions[number].occurrence <= 0 or self._may_be_counted_otherwise(self.texts[number])
            }
            self._place_all([number for number in firsts if self.keys[number] in anywhere])
        self.alignment.spans.sort(key=lambda span: (span.start, span.end))
        self.alignment.snapped = sum(span.snapped for span in self.alignment.spans)
        return self.alignment

    def _split(self, mentions: Sequence[Mention]) -> Sequence[Mention]:
        """Take mentions that join several apart, where the text has each of these and not the whole."""
        parts: dict[Mention, tuple[Mention, ...]] = {}
        for mention in set(mentions):
            if mention.position < 0 and (found := split_mention(self.finder, mention)):
                parts[mention] = found
        if not parts:
            return mentions
        self.alignment.split = [(mention, parts[mention]) for mention in mentions if mention in parts]
        return [part for mention in mentions for part in parts.get(mention, (mention,))]

    def _place_stated(self) -> list[int]:
        """Place the mentions that are where the reply states that they are.

        RETURNS (list[int]): The numbers of those that are left.
        """
        found: dict[int, Found] = {}
        dropped: set[int] = set()
        for number, mention in enumerate(self.mentions):
            if not self.texts[number]:
                self.alignment.unaligned.append((mention, EMPTY))
            elif mention.position >= 0:
                found[number] = self._find_at(number, mention)
            elif mention.occurrence > 0:
                found[number] = self._find_numbered(number, mention)
            # It is meant there, and nowhere else.
            if number in found and not found[number].occurrences and self._is_dropped(number, mention):
                dropped.add(number)
                self.alignment.unaligned.append((mention, WITHIN_TOKENS))
        if not found:
            return [number for number, text in enumerate(self.texts) if text]
        stated = [number for number, its in found.items() if its.occurrences]
        placed = assign_shared(self._requests(stated, found), self.placed)
        self._write(placed, found, ambiguous=_under_several_labels(placed))
        # An occurrence may be miscounted, and be another one; a position isn't.
        twice = [n for n in self._without_placement(stated) if self.mentions[n].position >= 0]
        done = {placement.number for placement in self.placed}.union(twice, dropped)
        self.alignment.unaligned += [(self.mentions[number], HAS_LABEL) for number in twice]
        return [number for number, text in enumerate(self.texts) if text and number not in done]

    def _is_dropped(self, number: int, mention: Mention) -> bool:
        text = self.texts[number]
        if mention.position < 0:
            return self.finder.drops_numbered(text, mention.occurrence)
        start = _start_of(mention)
        return self.finder.text.startswith(text, start) and self.finder.is_dropped(
            start, start + len(text), cut=True
        )

    def _find_at(self, number: int, mention: Mention) -> Found:
        text = self.texts[number]
        start = _start_of(mention)
        if self.finder.text.startswith(text, start):
            occurrence, score = self.finder.to_tokens(start, start + len(text), cut=True), 1.0
            return Found(EXACT, score, text, (occurrence,) if occurrence else ())
        occurrence, score = self.finder.near(text, start, self.similarity_threshold)
        how = FUZZY if score < 1.0 else NORMALISED
        return Found(how, min(score, NORMALISED_SCORE), text, (occurrence,) if occurrence else ())

    def _find_numbered(self, number: int, mention: Mention) -> Found:
        text = self.texts[number]
        occurrence, other_spelling = self.finder.numbered(text, mention.occurrence)
        how, score = (NORMALISED, NORMALISED_SCORE) if other_spelling else (EXACT, 1.0)
        return Found(how, score, text, (occurrence,) if occurrence else ())

    def _place_unstated(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        order = "none" if self.policy == "first" else "label"
        found = {number: self._find(self.texts[number]) for number in numbers}
        self._write(assign(self._requests(numbers, found), self.placed, order=order), found)
        left = self._without_placement(numbers)
        if not left:
            return
        # There may be more in another spelling: 'JAPAN' in the headline, 'Japan' below.
        others = {
            number: find_other_spellings(self.finder, self.texts[number])
            for number in left
            if found[number].how == EXACT
        }
        self._write(assign(self._requests(others, others), self.placed, order=order), others)
        self._place_shared(self._without_placement(left), found, others)

    def _place_shared(
        self, numbers: Sequence[int], found: Mapping[int, Found], others: Mapping[int, Found]
    ) -> None:
        """Place what has no free occurrence within other mentions; what can't be is reported."""
        if self.policy == "all":
            known = {self.keys[placement.number] for placement in self.placed}
            numbers = [number for number in numbers if self.keys[number] not in known]
        both = {
            number: found[number]._replace(
                occurrences=(
                    *found[number].occurrences,
                    *(others[number].occurrences if number in others else ()),
                )
            )
            for number in numbers
        }
        placed = assign_shared(self._requests(numbers, both), self.placed)
        held = {placement.occurrence[:2] for placement in self.placed} if placed else set()
        self._ambiguous |= {self.texts[p.number] for p in placed if p.occurrence[:2] in held}
        self._write([p for p in placed if p.occurrence in found[p.number].occurrences], found)
        self._write([p for p in placed if p.occurrence not in found[p.number].occurrences], others)
        for number in self._without_placement(numbers):
            reason = self._reason(self.texts[number], found[number])
            self.alignment.unaligned.append((self.mentions[number], reason))

    def _place_all(self, numbers: Sequence[int]) -> None:
        """Place mentions wherever they stand free, longer ones first; then in another spelling."""
        longest_first = sorted(numbers, key=lambda number: -len(self.texts[number]))
        found = {number: self._find(self.texts[number]) for number in longest_first}
        self._place_everywhere(found)
        others = {
            number: find_other_spellings(self.finder, self.texts[number])
            for number in longest_first
            if found[number].how == EXACT and self.finder.has_other_spelling(self.texts[number])
        }
        self._place_everywhere(others, snapped=False)

    def _may_be_counted_otherwise(self, text: str) -> bool:
        return self._find(text).how != EXACT or self.finder.has_other_spelling(text)

    def _place_everywhere(self, found: Mapping[int, Found], *, snapped: bool = True) -> None:
        """Place mentions where they are free and need no widening; if that is nowhere, and `snapped`, where they do."""
        there = {placement.occurrence[:2] for placement in self.placed}
        free = {}
        for number, its in found.items():
            whole = [occurrence for occurrence in its.occurrences if not occurrence.snapped]
            left = [
                occurrence
                for occurrence in whole or (its.occurrences if snapped else ())
                if occurrence[:2] not in there
            ]
            if left:
                free[number] = its._replace(occurrences=tuple(left))
        if free:
            self._write(assign_all(self._requests(free, free), self.placed), found)

    def _without_surplus(self, numbers: Sequence[int]) -> Sequence[int]:
        """Leave out, and report, mentions that are listed more often than they can stand in the text.

        A model that repeats itself lists one thousands of times.
        """
        listed = Counter(self.keys[number] for number in numbers)
        left = {key: self._most(key[0], times) for key, times in listed.items() if times > 1}
        left = {key: most for key, most in left.items() if most < listed[key]}
        if not left:
            return numbers
        kept = []
        for number in numbers:
            key = self.keys[number]
            if key not in left:
                kept.append(number)
            elif left[key]:
                left[key] -= 1
                kept.append(number)
            elif self.policy != "all" or not self._find(key[0]).occurrences:
                reason = self._reason(key[0], self._find(key[0]))
                self.alignment.unaligned.append((self.mentions[number], reason))
        return kept

    def _most(self, text: str, times: int) -> int:
        """How often a mention can stand in the text, if that is less often than it is listed."""
        found = len(self._find(text).occurrences)
        return found if found >= times else max(found, self.finder.most_occurrences(text), 1)

    def _under_several_labels(self, numbers: Iterable[int]) -> set[str]:
        """Find the texts of mentions that may stand where one of another label may."""
        labels: dict[tuple[int, int], str] = {}
        several: set[tuple[int, int]] = set()
        for number in numbers:
            text, label = self.keys[number]
            for occurrence in self._find(text).occurrences:
                if labels.setdefault(occurrence[:2], label) != label:
                    several.add(occurrence[:2])
        if not several:
            return set()
        texts = {self.texts[number] for number in numbers}
        return {text for text in texts if any(each[:2] in several for each in self._find(text).occurrences)}

    def _requests(self, numbers: Iterable[int], found: Mapping[int, Found]) -> list[Request]:
        requests = []
        for number in numbers:
            (text, label), its = self.keys[number], found[number]
            requests.append(Request(number, label, its.occurrences, len(text), its.score))
        return requests

    def _without_placement(self, numbers: Iterable[int]) -> list[int]:
        placed = {placement.number for placement in self.placed}
        return [number for number in numbers if number not in placed]

    def _find(self, text: str) -> Found:
        found = self._found.get(text)
        if found is None:
            found = self._found[text] = find(self.finder, text, self.similarity_threshold)
        return found

    def _write(
        self, placed: Iterable[Placement], found: Mapping[int, Found], ambiguous: Collection[int] = ()
    ) -> None:
        for placement in placed:
            self.placed.append(placement)
            number, label, occurrence = placement
            start, end = self.finder.token_indices(occurrence)
            how, score = found[number].how, found[number].score
            is_ambiguous = number in ambiguous or self.texts[number] in self._ambiguous
            first, after = occurrence.chars or occurrence[:2]
            chars = first + self.finder.offset, after + self.finder.offset
            span = AlignedMention(
                start, end, label, how, score, self.mentions[number], occurrence.snapped, is_ambiguous, chars
            )
            self.alignment.spans.append(span)

    def _reason(self, text: str, found: Found) -> str:
        if found.occurrences:
            return LISTED_TOO_OFTEN
        if self.finder.drops(text):
            return WITHIN_TOKENS
        if text in self.finder.text:
            return INSIDE
        if found.spelling:
            return f"not in the text; most similar is '{found.spelling}' ({found.score:.2f})"
        return "not in the text"


def _under_several_labels(placed: Iterable[Placement]) -> set[int]:
    """The numbers of mentions that the reply states where it states another label, too."""
    labels: dict[tuple[int, int], set[str]] = {}
    placed = list(placed)
    for _, label, occurrence in placed:
        labels.setdefault(occurrence[:2], set()).add(label)
    return {number for number, _, occurrence in placed if len(labels[occurrence[:2]]) > 1}


def _start_of(mention: Mention) -> int:
    """Where a mention begins by its position, white space aside."""
    return mention.position + len(mention.text) - len(mention.text.lstrip())
