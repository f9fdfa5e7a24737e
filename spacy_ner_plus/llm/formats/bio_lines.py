"""`bio_lines`: a line for each word of an entity, with its IOB2 tag; other words are left out.

    Ann: B-PER
    Lee: I-PER
    Rome: B-LOC

Words are what stands between white space. A text without entities gives the line NONE. Lines with
the tag O may be there; they help to find the place of the others. The lines are in the order of
the text, and each entity is looked for after the one before it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spacy_ner_plus.alignment.align import EXACT
from spacy_ner_plus.alignment.align_words import GAPPED, PlacedWords, align_words
from spacy_ner_plus.alignment.mentions import Mention, TaggedWords
from spacy_ner_plus.alignment.occurrences import OccurrenceFinder
from spacy_ner_plus.llm.formats.base import CharMention, find_label, shipped_template
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.requests import InvalidReply
from spacy_ner_plus.spans import join_tags, split_tag

NOTHING = "NONE"


def bio_lines_v1() -> "BioLines":
    """Make the format, which configs name 'spacy_ner_plus.bio_lines.v1' or 'bio_lines'."""
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
        entities = _read_entities(answer, content.rfind(answer), labels)
        tagged = [TaggedWords(entity.words, entity.label) for entity in entities]
        placed = align_words(OccurrenceFinder(text), tagged, can_split=False).placed
        found = {words.number: words for words in placed if words.in_order}
        return [
            Mention(
                _spelling(entity, found.get(number), text),
                entity.label,
                reply_start=entity.reply_start,
                reply_end=entity.reply_end,
                position=found[number].start if number in found else -1,
            )
            for number, entity in enumerate(entities)
            if entity.label
        ]

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        lines = [
            f"{word}: {'I' if i else 'B'}-{label}"
            for start, end, label in sorted(mentions)
            for i, word in enumerate(text[start:end].split())
        ]
        return "\n".join(lines) or NOTHING


class _Entity(NamedTuple):
    """Words of one entity, or a word that is none, whose label is empty."""

    label: str
    words: tuple[str, ...]
    reply_start: int
    reply_end: int


class _Line(NamedTuple):
    """A word with its tag, and where the word stands in the reply."""

    word: str
    tag: tuple[str, str]
    start: int


def _read_entities(answer: str, base: int, labels: Sequence[str]) -> list[_Entity]:
    lines = list(_read_lines(answer, base, labels))
    entities = []
    for start, end, label in join_tags(line.tag for line in lines):
        some = lines[start:end]
        words = tuple(word for line in some for word in line.word.split())
        entities.append(_Entity(label, words, some[0].start, some[-1].start + len(some[-1].word)))
    return entities


def _read_lines(answer: str, base: int, labels: Sequence[str]) -> Iterator[_Line]:
    at = base
    for line in answer.split("\n"):
        bare = line.strip()
        start = at + len(line) - len(line.lstrip())
        at += len(line) + 1
        if not bare or bare == NOTHING:
            continue
        word, tag = _split(bare)
        prefix, name = split_tag(tag) or ("", "")
        if prefix not in ("B", "I", "O") or not word:
            raise InvalidReply(f"'{bare[:60]}' is no line such as 'word: B-{labels[0] if labels else 'PER'}'")
        yield _Line(word, (prefix, find_label(name, labels) if name else ""), start)


def _split(line: str) -> tuple[str, str]:
    """Part a line's word from its tag, both of which may hold colons."""
    parts = line.split()
    if len(parts) == 2 and parts[0].endswith(":"):
        return parts[0][:-1], parts[1]
    # A model may write several words on one line, or leave out the space.
    word, _, tag = line.rpartition(":")
    return word.strip(), tag.strip()


def _spelling(entity: _Entity, found: PlacedWords | None, text: str) -> str:
    """The words of an entity; where the text has them so, with what it has between them."""
    if found and found.how in (EXACT, GAPPED):
        return text[found.start : found.end]
    return " ".join(entity.words)
