"""Mentions to spans: each is found in the text, or reported as not found.

A mention is looked for as it is spelled, then in normalised form, then by similarity. Where a
reply doesn't say which occurrence it means, the policy is one of

- 'listed': a mention that is listed k times takes k of its occurrences. Longer mentions choose
  first, so that 'China' doesn't take the place within 'Bank of China'. Where there are more
  occurrences than listings, the mentions of a label are taken to be listed in the order of the
  text, if those whose place is certain are: each takes the first place between its neighbours.
- 'all': a mention takes every free occurrence, however often it is listed, also in other case.
- 'first': a mention takes its first free occurrence.

What a reply lists without a free place for it takes one within another mention's, so that
nothing is lost before `select_ents` chooses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from spacy.tokens import Doc

from spacy_ner_plus.alignment.assignment import Claims, Request
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.occurrences import Place, Places
from spacy_ner_plus.errors import Errors, UserError

EXACT, NORMALISED, FUZZY = "exact", "normalised", "fuzzy"
POLICIES = ("listed", "all", "first")
# Between what is spelled as in the text and what is only similar.
NORMALISED_SCORE = 0.99


@dataclass(frozen=True, slots=True)
class AlignedMention:
    """A mention with its place.

    start (int): Index of its first token.
    end (int): Index after its last token.
    label (str): The label.
    how (str): 'exact', 'normalised' or 'fuzzy'.
    score (float): 1.0 where exact, 0.99 where normalised, else the similarity.
    mention (Mention): What the reply says.
    snapped (bool): Whether the place was widened to whole tokens.
    """

    start: int
    end: int
    label: str
    how: str
    score: float
    mention: Mention
    snapped: bool = False


@dataclass
class Alignment:
    """What became of the mentions of a reply.

    spans (list[AlignedMention]): By position; they may overlap.
    unaligned (list[tuple[Mention, str]]): Mentions without a place, with the reason.
    snapped (int): How many spans were widened to whole tokens.
    """

    spans: list[AlignedMention] = field(default_factory=list)
    unaligned: list[tuple[Mention, str]] = field(default_factory=list)
    snapped: int = 0


def align_mentions(
    doc: Doc,
    mentions: Sequence[Mention],
    *,
    start_char: int = 0,
    end_char: int | None = None,
    occurrences: str = "listed",
    fuzzy_threshold: float = 0.85,
) -> Alignment:
    """Find the places of a reply's mentions.

    doc (Doc): The Doc.
    mentions (Sequence[Mention]): In the order of the reply.
    start_char (int): Where the text that was sent begins in the Doc.
    end_char (int | None): Where it ends; None for the Doc's end.
    occurrences (str): 'listed', 'all' or 'first': which occurrences a mention takes where the
        reply doesn't say.
    fuzzy_threshold (float): The least similarity, above 0; 1 for none but exact and normalised.
    RETURNS (Alignment): Spans, and what was not found.
    RAISES (UserError): Another policy or threshold.
    """
    if occurrences not in POLICIES:
        raise UserError(Errors.E293.format(value=occurrences, policies=", ".join(POLICIES)))
    if not 0 < fuzzy_threshold <= 1:
        raise UserError(Errors.E294.format(value=fuzzy_threshold))
    aligner = _Aligner(Places(doc, start_char, end_char), mentions, occurrences, fuzzy_threshold)
    return aligner.align()


def select_ents(aligned: Alignment | Sequence[AlignedMention]) -> list[AlignedMention]:
    """Choose spans that don't overlap: the longest first, of equally long ones the better aligned.

    aligned (Alignment | Sequence[AlignedMention]): Any spans of one Doc.
    RETURNS (list[AlignedMention]): By position.
    """
    spans = aligned.spans if isinstance(aligned, Alignment) else aligned
    kept: list[AlignedMention] = []
    taken: set[int] = set()
    for span in sorted(spans, key=lambda s: (s.start - s.end, -s.score, s.start)):
        places = range(span.start, span.end)
        if taken.isdisjoint(places):
            taken.update(places)
            kept.append(span)
    return sorted(kept, key=lambda s: s.start)


class _Aligner:
    """Finds places for the mentions of one reply."""

    def __init__(self, places: Places, mentions: Sequence[Mention], policy: str, threshold: float):
        self.places = places
        self.mentions = mentions
        self.policy = policy
        self.threshold = threshold
        labels = [mention.label for mention in mentions]
        self.claims = Claims(labels, len(places.starts), use_order=policy != "first")
        self.alignment = Alignment()
        self._found: dict[str, _Found] = {}

    def align(self) -> Alignment:
        pending = []
        for number, mention in enumerate(self.mentions):
            if not mention.text.strip():
                self.alignment.unaligned.append((mention, "empty"))
            elif not self._take_stated(number, mention):
                pending.append(number)
        # By what they say, the first mention that says it.
        distinct = {self._name(number): number for number in reversed(pending)}
        firsts = sorted(distinct.values())
        self._take_unstated(firsts if self.policy == "first" else pending)
        if self.policy == "all":
            self._take_all(firsts)
        self.alignment.spans.sort(key=lambda span: (span.start, span.end))
        self.alignment.snapped = sum(span.snapped for span in self.alignment.spans)
        return self.alignment

    def _take_stated(self, number: int, mention: Mention) -> bool:
        """Take the place that the reply states, if it does and the mention is there.

        RETURNS (bool): Whether the mention is done with.
        """
        place, score, how = None, 1.0, EXACT
        if mention.position >= 0:
            lead = len(mention.text) - len(mention.text.lstrip())
            text, start = mention.text.strip(), mention.position + lead
            if self.places.text.startswith(text, start):
                place = self.places.lay(start, start + len(text), cut=True)
            else:
                place, score = self.places.near(text, start, self.threshold)
                how = FUZZY if score < 1.0 else NORMALISED
                score = min(score, NORMALISED_SCORE)
        elif mention.occurrence > 0:
            place, other_spelling = self.places.numbered(mention.text.strip(), mention.occurrence)
            how, score = (NORMALISED, NORMALISED_SCORE) if other_spelling else (EXACT, 1.0)
        if place is None:
            return False
        taken = self._take(number, place, how, score)
        # An occurrence may be miscounted, and be another one; a position isn't.
        if not taken and mention.position >= 0:
            self.alignment.unaligned.append((mention, "its tokens have this label already"))
            return True
        return taken

    def _take_unstated(self, numbers: Sequence[int]) -> None:
        claims = self.claims
        found = {number: self._find(self.mentions[number].text.strip()) for number in numbers}
        claims.claim([self._request(number, found[number]) for number in numbers])
        left = self._write_placed(numbers, found)
        # There may be more in another spelling: 'JAPAN' in the headline, 'Japan' below.
        others = {n: self._find_others(self.mentions[n].text.strip()) for n in left if found[n].how == EXACT}
        claims.claim([self._request(number, other) for number, other in others.items()])
        left = self._write_placed(left, others)
        placed = {self._name(number) for number in claims.placed}
        for number in left:
            if self.policy == "all" and self._name(number) in placed:
                continue
            mention = self.mentions[number]
            ways = [found[number], *([others[number]] if number in others else [])]
            if not any(self._take(number, place, way.how, way.score) for way in ways for place in way.places):
                self.alignment.unaligned.append((mention, self._reason(mention.text.strip(), ways[0])))

    def _name(self, number: int) -> tuple[str, str]:
        return self.mentions[number].text.strip(), self.mentions[number].label

    def _request(self, number: int, found: "_Found") -> Request:
        return Request(number, tuple(found.places), len(self.mentions[number].text.strip()), found.score)

    def _take_all(self, numbers: Sequence[int]) -> None:
        """Take all places that are still free, longer mentions first; then those in another spelling."""
        longest_first = sorted(numbers, key=lambda n: -len(self.mentions[n].text.strip()))
        texts = {number: self.mentions[number].text.strip() for number in longest_first}
        for number, text in texts.items():
            found = self._find(text)
            whole = [place for place in found.places if not place.snapped] or found.places
            self._take_free(number, found, whole)
        for number, text in texts.items():
            if self._find(text).how == EXACT:
                others = self._find_others(text)
                self._take_free(number, others, [place for place in others.places if not place.snapped])

    def _take_free(self, number: int, found: "_Found", places: Sequence[Place]) -> None:
        for place in places:
            if self.claims.is_free(place):
                self._take(number, place, found.how, found.score)

    def _write_placed(self, numbers: Sequence[int], found: Mapping[int, "_Found"]) -> list[int]:
        """Write what the claims gave a place, and give back the others."""
        left = []
        for number in numbers:
            if number in self.claims.placed and number in found:
                self._write(number, self.claims.placed[number], found[number].how, found[number].score)
            else:
                left.append(number)
        return left

    def _take(self, number: int, place: Place, how: str, score: float) -> bool:
        """Take a place, unless a mention of the same label has it."""
        if not self.claims.hold(number, place):
            return False
        self._write(number, place, how, score)
        return True

    def _write(self, number: int, place: Place, how: str, score: float) -> None:
        mention, first = self.mentions[number], self.places.first
        span = AlignedMention(
            first + place.start, first + place.end, mention.label, how, score, mention, place.snapped
        )
        self.alignment.spans.append(span)

    def _find(self, text: str) -> "_Found":
        """Find where a mention may lie, by the first way that finds it at all."""
        found = self._found.get(text)
        if found is None:
            found = _Found(EXACT, 1.0, text, self.places.exact(text))
            if not found.places:
                found = self._find_alike(text)
            if not found.places:
                places, score, spelling = self.places.similar(text, self.threshold)
                found = _Found(FUZZY, score, spelling, places)
            self._found[text] = found
        return found

    def _find_alike(self, text: str) -> "_Found":
        return _Found(NORMALISED, NORMALISED_SCORE, text, self.places.alike(text))

    def _find_others(self, text: str) -> "_Found":
        """Find other spellings of a mention that is there as it is spelled: 'JAPAN', but not 'us' for 'US'."""
        alike = self._find_alike(text)
        if not text.islower():
            named = [place for place in alike.places if not self.places.spelling(*place[:2]).islower()]
            return alike._replace(places=named)
        return alike

    def _reason(self, text: str, found: "_Found") -> str:
        if found.places:
            return "listed more often than it occurs"
        if text in self.places.text:
            return "only as part of a longer word"
        if found.spelling:
            return f"not in the text; most similar is '{found.spelling}' ({found.score:.2f})"
        return "not in the text"


class _Found(NamedTuple):
    """Where a mention may lie, how that was found, and the spelling that it has there."""

    how: str
    score: float
    spelling: str
    places: list[Place]
