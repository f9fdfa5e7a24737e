"""Tagged words to spans: words that were given one by one in the order of the text.

Words of one entity are looked for beside each other, whatever white space the text has between
them; then in another spelling, then with up to three characters of no word between them, and at
last by similarity. Ends of words and tokens count first: what lies inside of a longer word is taken
only where there is no other occurrence, or no order without it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from spacy_ner_plus.alignment.align import EXACT, FUZZY, MENTION_SIMILARITY, NORMALISED
from spacy_ner_plus.alignment.assignment import Placement, Request, assign, assign_first
from spacy_ner_plus.alignment.mentions import TaggedWords
from spacy_ner_plus.alignment.occurrences import GAP, Occurrence, OccurrenceFinder

GAPPED = "gapped"
# From the best case on: how words may stand in the text, and what that is called.
WAYS = ((0, False, EXACT), (0, True, NORMALISED), (GAP, False, GAPPED), (GAP, True, GAPPED))


class PlacedWords(NamedTuple):
    """Tagged words with their place.

    number (int): The number of the tagged words that they are, or are a part of.
    start (int): Offset of the first character, in code points.
    end (int): Offset after the last.
    how (str): 'exact', 'normalised', 'gapped' or 'fuzzy'.
    in_order (bool): Whether they stand in the text in the order in which they were given.
    is_certain (bool): Whether there is no other place where they could stand.
    """

    number: int
    words: tuple[str, ...]
    label: str
    start: int
    end: int
    how: str
    in_order: bool
    is_certain: bool


@dataclass
class WordsAlignment:
    """What became of tagged words.

    placed (list[PlacedWords]): By position; they don't overlap.
    lost (list[TaggedWords]): What was not found, or has no place left.
    parted (list[TaggedWords]): Words that don't stand beside those before them in their entity, so
        that they begin one of their own.
    """

    placed: list[PlacedWords] = field(default_factory=list)
    lost: list[TaggedWords] = field(default_factory=list)
    parted: list[TaggedWords] = field(default_factory=list)


def align_words(
    finder: OccurrenceFinder,
    tagged: Sequence[TaggedWords],
    *,
    can_split: bool = True,
    similarity_threshold: float = MENTION_SIMILARITY,
) -> WordsAlignment:
    """Find tagged words in a text, each at the first place after those before them.

    finder (OccurrenceFinder): Of the text.
    tagged (Sequence[TaggedWords]): In the order of the text, those without a label among them.
    can_split (bool): Whether the caller can split what doesn't fit: tokens, where there is an order
        inside of longer words alone, and entities, whose words are then looked for in parts.
    similarity_threshold (float): The least similarity to a stretch of whole tokens, above 0; none is
        looked for where the text has no tokens yet.
    RETURNS (WordsAlignment): What was found, with and without a label, and what was not.
    """
    everything = _place_everything(finder, tagged)
    if everything is not None:
        return WordsAlignment(everything)
    alignment = WordsAlignment()
    candidates = _find_candidates(finder, tagged, alignment, can_split, similarity_threshold)
    requests, placed = _place_in_order(finder, candidates, can_split)
    chosen = {placement.number for placement in placed}
    latest = assign([requests[placement.number] for placement in placed], order="text", latest=True)
    alignment.placed += [
        candidates[first.number].place(first.occurrence, in_order=True, is_certain=first == last)
        for first, last in zip(placed, latest, strict=True)
    ]
    best_first = _Choices(_best_and_inside if can_split else _best, finder)
    left = [
        Request(i, candidate.tagged.label, best_first(candidate))
        for i, candidate in enumerate(candidates)
        if candidate.tagged.label and i not in chosen
    ]
    for placement, is_only in assign_first(left, placed):
        chosen.add(placement.number)
        candidate = candidates[placement.number]
        alignment.placed.append(candidate.place(placement.occurrence, in_order=False, is_certain=is_only))
    alignment.lost += [candidates[request.number].tagged for request in left if request.number not in chosen]
    alignment.placed.sort(key=attrgetter("start"))
    return alignment


def is_certain(text: str, tagged: Sequence[TaggedWords], meant: Sequence[tuple[int, int]]) -> bool:
    """Check that any reader must find tagged words where they are meant, however it tokenises.

    meant (Sequence[tuple[int, int]]): Start and end of each, by character.
    RETURNS (bool): Whether there is no other place for any of them.
    """
    finder = OccurrenceFinder(text)
    requests = [
        Request(
            i,
            each.label,
            tuple(
                occurrence
                for gap, other_spelling, _ in _ways(each.words)
                for occurrence in finder.words(each.words, gap=gap, other_spelling=other_spelling)
            ),
        )
        for i, each in enumerate(tagged)
    ]
    return all(
        [placement.occurrence[:2] for placement in assign(requests, order="text", latest=latest)] == meant
        for latest in (False, True)
    )


class _Candidates(NamedTuple):
    """Where tagged words may stand.

    number (int): Their number.
    best (tuple[Occurrence, ...]): Whole ones, by the first way that finds any; else what the first way finds.
    ways (dict[Occurrence, str]): How each was found; inside of longer words, too.
    """

    number: int
    tagged: TaggedWords
    best: tuple[Occurrence, ...]
    ways: dict[Occurrence, str]

    def place(self, occurrence: Occurrence, *, in_order: bool, is_certain: bool) -> PlacedWords:
        how = self.ways[occurrence]
        return PlacedWords(self.number, *self.tagged, *occurrence[:2], how, in_order, is_certain)


def _place_everything(finder: OccurrenceFinder, tagged: Sequence[TaggedWords]) -> list[PlacedWords] | None:
    """Where all words of a text are given there is one order, whatever looks whole; None where they aren't."""
    if sum(len(word) for words, _ in tagged for word in words) != len("".join(finder.text.split())):
        return None
    requests = [Request(i, label, finder.words(words)) for i, (words, label) in enumerate(tagged)]
    placed = assign(requests, order="text")
    if len(placed) < len(requests):
        return None
    return [
        PlacedWords(number, *tagged[number], *occurrence[:2], EXACT, True, True)
        for number, _, occurrence in placed
    ]


def _find_candidates(
    finder: OccurrenceFinder,
    tagged: Sequence[TaggedWords],
    alignment: WordsAlignment,
    can_split: bool,
    similarity_threshold: float,
) -> list[_Candidates]:
    """Find where all words of an entity may stand, or else the parts of it that are found."""
    found: list[_Candidates] = []
    known: dict[tuple[str, ...], tuple[tuple[Occurrence, ...], dict[Occurrence, str]]] = {}
    todo = list(enumerate(tagged))[::-1]
    while todo:
        number, each = todo.pop()
        words, label = each
        if words not in known:
            known[words] = _find(finder, words, similarity_threshold if label else 1.0)
        best, ways = known[words]
        if ways:
            found.append(_Candidates(number, each, best, ways))
        elif can_split and len(words) > 1:
            cut = _longest_prefix(finder, words)
            alignment.parted.append(TaggedWords(words[cut:], label))
            todo.append((number, TaggedWords(words[cut:], label)))
            todo.append((number, TaggedWords(words[:cut], label)))
        elif label:
            alignment.lost.append(each)
    return found


def _find(
    finder: OccurrenceFinder, words: tuple[str, ...], similarity_threshold: float
) -> tuple[tuple[Occurrence, ...], dict[Occurrence, str]]:
    """Find the best occurrences of words, and how each occurrence was found, up to these."""
    ways: dict[Occurrence, str] = {}
    first: dict[Occurrence, str] = {}
    for gap, other_spelling, how in _ways(words):
        for occurrence in finder.words(words, gap=gap, other_spelling=other_spelling):
            ways.setdefault(occurrence, how)
        whole = tuple(occurrence for occurrence in ways if finder.is_whole(occurrence))
        if whole:
            return whole, ways
        first = first or dict(ways)
    if not first and similarity_threshold < 1:
        similar, _, _ = finder.similar(" ".join(words), similarity_threshold)
        first = dict.fromkeys(similar, FUZZY)
    return tuple(first), first


def _ways(words: tuple[str, ...]) -> tuple[tuple[int, bool, str], ...]:
    return WAYS if len(words) > 1 else WAYS[:2]


def _longest_prefix(finder: OccurrenceFinder, words: tuple[str, ...]) -> int:
    # Where some words stand beside each other, fewer of them do.
    found, missing = 1, len(words)
    while missing - found > 1:
        cut = (found + missing) // 2
        if finder.words(words[:cut]):
            found = cut
        else:
            missing = cut
    return found


def _place_in_order(
    finder: OccurrenceFinder, candidates: Sequence[_Candidates], can_split: bool
) -> tuple[list[Request], list[Placement]]:
    """Place as many as possible in order, with the best candidates for which there is one."""
    tried = []
    for choose in (_best, _with_other_spellings, _anywhere)[: 3 if can_split else 2]:
        choices = _Choices(choose, finder)
        requests = [
            Request(i, candidate.tagged.label, choices(candidate)) for i, candidate in enumerate(candidates)
        ]
        placed = assign(requests, order="text")
        if len(placed) == len(requests):
            return requests, placed
        tried.append((requests, placed))
    return tried[0]


class _Choices:
    """Chooses among candidates, once for all that have the same words.

    choose (Callable): Makes the choice.
    """

    def __init__(
        self,
        choose: Callable[[OccurrenceFinder, _Candidates], Iterable[Occurrence]],
        finder: OccurrenceFinder,
    ):
        self._choose, self._finder = choose, finder
        self._chosen: dict[int, tuple[Occurrence, ...]] = {}

    def __call__(self, candidate: _Candidates) -> tuple[Occurrence, ...]:
        key = id(candidate.ways)
        if key not in self._chosen:
            self._chosen[key] = tuple(self._choose(self._finder, candidate))
        return self._chosen[key]


def _best(finder: OccurrenceFinder, candidate: _Candidates) -> Iterable[Occurrence]:
    return candidate.best


def _best_and_inside(finder: OccurrenceFinder, candidate: _Candidates) -> Iterable[Occurrence]:
    return dict.fromkeys((*candidate.best, *candidate.ways))


def _with_other_spellings(finder: OccurrenceFinder, candidate: _Candidates) -> Iterable[Occurrence]:
    """There may be more in another spelling."""
    if candidate.ways[candidate.best[0]] != EXACT:
        return candidate.best
    words = candidate.tagged.words
    others = finder.without_lower_case(" ".join(words), finder.words(words, other_spelling=True))
    others = [occurrence for occurrence in others if finder.is_whole(occurrence)]
    for occurrence in others:
        candidate.ways.setdefault(occurrence, NORMALISED)
    return [*candidate.best, *others]


def _anywhere(finder: OccurrenceFinder, candidate: _Candidates) -> Iterable[Occurrence]:
    return candidate.ways
