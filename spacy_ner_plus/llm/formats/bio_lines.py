"""`bio_lines`: a line for each word of an entity, with its IOB2 tag; other words are left out.

    Ann: B-PER
    Lee: I-PER
    Rome: B-LOC

Words are what stands between white space. A text without entities gives the line NONE. Lines with
the tag O may be there; they help to find the place of the others. The lines are in the order of
the text, and each entity is looked for after the one before it.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from spacy_ner_plus.alignment.mentions import InvalidReply, Mention
from spacy_ner_plus.alignment.occurrences import cuts_word
from spacy_ner_plus.llm.formats.base import CharMention, find_label, shipped_template
from spacy_ner_plus.llm.formats.json_replies import strip_reply

NOTHING = "NONE"
TAG = re.compile(r"O|([BI])-(\S+)")

Stretch = tuple[int, int]


def bio_lines_v1() -> "BioLines":
    """RETURNS (BioLines): The format."""
    return BioLines()


class BioLines:
    """Lines of words and tags."""

    name = "bio_lines"

    @property
    def instructions(self) -> str:
        return shipped_template("bio_lines.v1")

    def skeleton(self, labels: Sequence[str]) -> str:
        return "\n".join(f"...: B-{label}\n...: I-{label}" for label in labels)

    def schema(self, labels: Sequence[str]) -> None:
        return None

    def grammar(self, labels: Sequence[str]) -> str:
        names = [label.replace("\\", "\\\\").replace('"', '\\"') for label in labels]
        tags = " | ".join(f'"{prefix}-{name}"' for name in names for prefix in "BI")
        return (
            f'root ::= "{NOTHING}" | line ("\\n" line)*\n'
            'line ::= word ": " tag\n'
            "word ::= [^ \\t\\r\\n]+\n"
            f"tag ::= {tags}\n"
        )

    def parse(self, content: str, labels: Sequence[str], text: str) -> list[Mention]:
        answer = strip_reply(content)
        if not answer:
            raise InvalidReply(f"the reply is empty; write {NOTHING} where there are no entities")
        entities = _read_lines(answer, content.rfind(answer), labels)
        places = _in_order([_find(entity.words, text) for entity in entities])
        return [
            Mention(
                _spelling(entity, place, text),
                entity.label,
                reply_start=entity.reply_start,
                reply_end=entity.reply_end,
                position=place[0] if place else -1,
            )
            for entity, place in zip(entities, places, strict=True)
            if entity.label
        ]

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        lines = [
            f"{word}: {'I' if i else 'B'}-{label}"
            for start, end, label in sorted(mentions)
            for i, word in enumerate(text[start:end].split())
        ]
        return "\n".join(lines) or NOTHING


@dataclass
class _Entity:
    """Words of one entity, or a word that is none, whose label is empty."""

    label: str
    words: list[str] = field(default_factory=list)
    reply_start: int = -1
    reply_end: int = -1


def _read_lines(answer: str, base: int, labels: Sequence[str]) -> list[_Entity]:
    entities: list[_Entity] = []
    at = base
    for line in answer.split("\n"):
        bare = line.strip()
        start = at + len(line) - len(line.lstrip())
        at += len(line) + 1
        if not bare or bare == NOTHING:
            continue
        word, tag = _split(bare)
        match = TAG.fullmatch(tag)
        if not match or not word:
            raise InvalidReply(f"'{bare[:60]}' is no line such as 'word: B-{labels[0] if labels else 'PER'}'")
        prefix, name = match.groups()
        label = find_label(name, labels) if prefix else ""
        if not (prefix == "I" and entities and entities[-1].label == label):
            entities.append(_Entity(label, reply_start=start))
        entities[-1].words += word.split()
        entities[-1].reply_end = start + len(word)
    return entities


def _split(line: str) -> tuple[str, str]:
    """Part a line's word from its tag, both of which may hold colons."""
    parts = line.split()
    if len(parts) == 2 and parts[0].endswith(":"):
        return parts[0][:-1], parts[1]
    # A model may write several words on one line, or leave out the space.
    word, _, tag = line.rpartition(":")
    return word.strip(), tag.strip()


def _spelling(entity: _Entity, place: Stretch | None, text: str) -> str:
    """The words of an entity, with the white space of the text where it has them."""
    in_text = text[place[0] : place[1]] if place else ""
    same = "".join(in_text.split()) == "".join(entity.words)
    return in_text if same else " ".join(entity.words)


def _find(words: Sequence[str], text: str) -> list[Stretch]:
    """Find words in a text: where they stand alone, in this case or else in any; else within longer words."""
    pattern = r"\s*".join(re.escape(word) for word in words)
    inside: list[Stretch] = []
    for flags in (0, re.IGNORECASE):
        # Looking ahead also finds places that overlap.
        places = [match.span(1) for match in re.finditer(f"(?=({pattern}))", text, flags)]
        alone = [p for p in places if not cuts_word(text, p[0]) and not cuts_word(text, p[1])]
        if alone:
            return alone
        inside = inside or places
    return inside


def _in_order(candidates: Sequence[Sequence[Stretch]]) -> list[Stretch | None]:
    """Give as many as possible a place after the one before, and each the first that it can have."""
    placed: list[Stretch | None] = []
    end = 0
    for places in candidates:
        place = next((place for place in places if place[0] >= end), None)
        if places and not place:
            return _longest_chain(candidates)
        placed.append(place)
        end = place[1] if place else end
    return placed


def _longest_chain(candidates: Sequence[Sequence[Stretch]]) -> list[Stretch | None]:
    """Like patience sorting: for each number of placed entities, the smallest end that they can have."""
    best: list[tuple[int, tuple | None]] = [(0, None)]
    for i, places in enumerate(candidates):
        starts = [start for start, _ in places]
        for count in range(len(best) - 1, -1, -1):
            end, chain = best[count]
            j = bisect_left(starts, end)
            if j == len(places):
                continue
            longer = (places[j][1], (i, places[j], chain))
            if count + 1 == len(best):
                best.append(longer)
            elif longer[0] < best[count + 1][0]:
                best[count + 1] = longer
    placed: list[Stretch | None] = [None] * len(candidates)
    chain = best[-1][1]
    while chain is not None:
        i, place, chain = chain
        placed[i] = place
    return placed
