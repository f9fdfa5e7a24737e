"""`bio_lines`: a line for each word of an entity, with its IOB2 tag; other words are left out.

    Ann: B-PER
    Lee: I-PER
    Rome: B-LOC

Words are what stands between white space. A text without entities gives the line NONE. Lines with
the tag O may be there; they help to find the place of the others. Where the lines are a copy of the
text, what it leaves out is unread: nothing is known of it. The lines are in the order of the text,
and each entity is looked for after the one before it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from spacy_ner_plus.alignment.align import EXACT
from spacy_ner_plus.alignment.align_words import GAPPED, PlacedWords, align_words
from spacy_ner_plus.alignment.mentions import Mention, TaggedWords
from spacy_ner_plus.alignment.occurrences import OccurrenceFinder
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.base import CharMention, find_label, shipped_template
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.formats.names import spellings
from spacy_ner_plus.llm.formats.reading import LIST_MARK, OTHER_SEPARATOR, OTHER_SPELLING, Reading
from spacy_ner_plus.llm.formats.text_grammars.text_walk import (
    MOST_IN_LISTS,
    Piece,
    TextWalk,
    any_of,
    literal,
    reply_grammar,
)
from spacy_ner_plus.llm.formats.text_grammars.ways import OPAQUE
from spacy_ner_plus.llm.requests import InvalidReply
from spacy_ner_plus.spans import join_tags, split_tag

NOTHING = "NONE"
_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"\w+|[^\w\s]")
# Terminals of the tags of a text's grammar.
_TAGS = {"FIRST": "B", "INNER": "I"}
_TAG = re.compile(r"O|[BIbi]-\S+")
# How many lines more than words and signs a reply may have.
_MORE_LINES = 20
# From so many words of no entity on, and so large a share of the words between the first and the last, a
# reply is a copy of the text; from the text's first word on, one such word is enough.
_LEAST_OUTSIDE, _LEAST_DENSE = 3, 0.6
# What models put in front of a word, or around it: "- Ann", "1. Ann", "**Ann**". No entity begins with the first.
_BULLET = re.compile(r"[-*+>\u2022\u00b7\u2013\u2014]\s+(?=\S)")
_MARK = re.compile(r"(?:[-*+>\u2022\u00b7\u2013\u2014]|\(?\d{1,4}[.)])\s*(?=\S)")
_QUOTES = ("`", '"', "'", "**", "__", "*", "_", "\u201c\u201d", "\u2018\u2019", "\u00ab\u00bb", "[]", "()")
# Tags of reasoning, and a line of an answer.
_THINK = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)
_TAGGED_LINE = re.compile(r":[ \t]*(?:O|[BIbi][-_]\S.*)[ \t\r]*$", re.MULTILINE)


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

    def text_grammar(self, labels: Sequence[str], text: str, pieces: Sequence[Piece]) -> str | None:
        walk = TextWalk(text, pieces)
        if len(walk) > MOST_IN_LISTS:
            return None
        if not len(walk):
            return reply_grammar(literal(NOTHING), ())

        def write(part: str, tag: str) -> str:
            """Write a part of a mention after words that get a tag at their end."""
            expressions = []
            for i, word in enumerate(part.split()):
                if i or part[0].isspace():
                    expressions += [tag, literal("\n")]
                    tag = "INNER"
                expressions.append(literal(word))
            return " ".join(expressions)

        def tag(k: int, length: int) -> str:
            return "FIRST" if len(walk.run(k, length).split()) == 1 else "INNER"

        lines = walk.terminals(
            begin=lambda k: write(walk.word(k), "FIRST"),
            go_on=lambda k, length: write(walk.gap(k) + walk.word(k), tag(k, length)),
            close=tag,
            between=literal("\n"),
            end=literal(""),
        )
        # The walk has tags of any label, and this those that belong together.
        entities = any_of(
            [
                f"WORD {literal(f': B-{each}')} ({literal(chr(10))} WORD {literal(f': I-{each}')})*"
                for each in labels
            ]
        )
        tags = [
            f"{name}: {any_of([literal(f': {p}-{each}') for each in labels])} & {OPAQUE}"
            for name, p in _TAGS.items()
        ]
        return reply_grammar(
            f"{walk.backwards()} | {literal(NOTHING)} | LINES",
            [
                "LINES: RUN_0_0 & ENTITIES",
                f"ENTITIES: ENTITY ({literal(chr(10))} ENTITY)*",
                f"ENTITY: {entities}",
                r"WORD: /[^\n ]+/",
                *tags,
                *lines,
            ],
        )

    def parse(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = _strip(content, text)
        if not answer:
            raise InvalidReply(f"the reply is empty; write {NOTHING} where there are no entities")
        return self._read(answer, content.rfind(answer), labels, text)

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = _strip(content, text)
        whole = answer[: answer.rfind("\n") + 1].rstrip()
        if not whole:
            raise InvalidReply("the reply was cut before its first line was whole")
        return self._read(whole, content.rfind(answer), labels, text, is_cut=True)

    def _read(
        self, answer: str, base: int, labels: Sequence[str], text: str, *, is_cut: bool = False
    ) -> Reading:
        repairs = IssueLog()
        entities = _read_entities(answer, base, labels, text, repairs)
        # The next line may be of the same entity.
        entities = entities[:-1] if is_cut else entities
        most = len(_PIECE.findall(text)) + _MORE_LINES
        if len(entities) > most:
            raise InvalidReply(f"the reply has {len(entities):,} entities and words, and the text fewer")
        tagged = [TaggedWords(entity.words, entity.label) for entity in entities]
        placed = align_words(OccurrenceFinder(text), tagged, can_split=False).placed
        found = {words.number: words for words in placed if words.in_order}
        mentions = [
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
        outside = sum(not entity.label for entity in entities)
        unread = _unread(list(found.values()), text) if outside else []
        if is_cut:
            end = max((words.end for words in found.values()), default=0)
            unread = [*(stretch for stretch in unread if stretch[1] <= end), (end, len(text))]
        return Reading(mentions, repairs, unread)

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


def _strip(content: str, text: str) -> str:
    """Take off what is around the lines.

    RAISES (InvalidReply): What would be taken for reasoning has lines of an answer, about a text with such tags itself.
    """
    answer = strip_reply(content)
    if _THINK.search(text) and _TAGGED_LINE.search(content[: content.rfind(answer)]):
        raise InvalidReply(
            "the text has tags as those of reasoning, and the reply has lines before such a tag; "
            "give the lines alone, without reasoning"
        )
    return answer


def _unread(placed: Sequence[PlacedWords], text: str) -> list[tuple[int, int]]:
    """Find what a reply leaves out that copies the text as lines, words of no entity among them.

    Where only some such words are there, they were written to lead to entities: then nothing is left out.
    """
    listed = sorted((words.start, words.end) for words in placed)
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)]
    read = [_is_in(listed, start, end) for start, end in words]
    ends = [i for i, is_read in enumerate(read) if is_read]
    has_enough = sum(not words.label for words in placed) >= _LEAST_OUTSIDE
    first = ends[0] if ends and has_enough else 0
    if not ends or sum(read) < _LEAST_DENSE * (ends[-1] - first + 1):
        return []
    stretches: list[tuple[int, int]] = []
    for i, (start, end) in enumerate(words):
        if read[i]:
            continue
        if i and not read[i - 1]:
            start = stretches.pop()[0]
        stretches.append((start, end))
    return stretches


def _is_in(listed: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a word has a character in one of the stretches, which don't overlap."""
    i = bisect_left(listed, (end, 0)) - 1
    return i >= 0 and listed[i][1] > start


def _read_entities(
    answer: str, base: int, labels: Sequence[str], text: str, repairs: IssueLog
) -> list[_Entity]:
    squeezed = _squeeze(text)
    lines = [_undecorated(line, squeezed, repairs) for line in _read_lines(answer, base, labels, repairs)]
    entities = []
    for start, end, label in join_tags(line.tag for line in lines):
        some = lines[start:end]
        words = tuple(word for line in some for word in line.word.split())
        entities.append(_Entity(label, words, some[0].start, some[-1].start + len(some[-1].word)))
    return entities


def _read_lines(answer: str, base: int, labels: Sequence[str], repairs: IssueLog) -> Iterator[_Line]:
    at = base
    says_nothing = False
    for number, line in enumerate(answer.split("\n")):
        bare = line.strip()
        start = at + len(line) - len(line.lstrip())
        at += len(line) + 1
        if says_nothing and bare:
            raise InvalidReply(f"the reply says {NOTHING}, and more: '{bare[:60]}'")
        if bare == NOTHING:
            says_nothing = True
            if number and answer[: answer.rfind(NOTHING)].strip():
                raise InvalidReply(f"the reply says {NOTHING} beside other lines")
        if not bare or bare == NOTHING:
            continue
        word, tag = _split(bare, labels, repairs)
        if tag[:1].islower() and _TAG.fullmatch(tag.replace("o", "O", 1)):
            repairs.add(OTHER_SPELLING, bare[:60])
            tag = tag[0].upper() + tag[1:]
        prefix, name = split_tag(tag) or ("", "")
        if prefix not in ("B", "I", "O") or not word:
            raise InvalidReply(f"'{bare[:60]}' is no line such as 'word: B-{labels[0] if labels else 'PER'}'")
        yield _Line(word, (prefix, find_label(name, labels, repairs) if name else ""), start)


def _undecorated(line: _Line, squeezed: str, repairs: IssueLog) -> _Line:
    """Take list marks and quotes off a line's word, unless the text has it with them, as '1. FC'.

    squeezed (str): The text, as `_squeeze` gives it.
    """
    word = plain = line.word[bullet.end() :] if (bullet := _BULLET.match(line.word)) else line.word
    plain = _unquoted(plain)
    if mark := _MARK.match(plain):
        plain = _unquoted(plain[mark.end() :])
    if plain != word and _squeeze(word) not in squeezed:
        word = plain
    if word == line.word:
        return line
    repairs.add(LIST_MARK, line.word[:60])
    return line._replace(word=word, start=line.start + line.word.find(word))


def _unquoted(word: str) -> str:
    for quotes in _QUOTES:
        left, right = (quotes[0], quotes[-1]) if quotes[0] != quotes[-1] else (quotes, quotes)
        if len(word) > len(left + right) and word.startswith(left) and word.endswith(right):
            word = word[len(left) : -len(right)].strip() or word
    return word


def _squeeze(text: str) -> str:
    """RETURNS (str): A text without white space and case."""
    return "".join(text.split()).casefold()


def _split(line: str, labels: Sequence[str], repairs: IssueLog) -> tuple[str, str]:
    """Part a line's word from its tag. Both may hold colons, and labels white space."""
    parts = line.split()
    if len(parts) == 2 and parts[0].endswith(":") and len(parts[0]) > 1:
        return parts[0][:-1], parts[1]
    if known := _known_line(tuple(labels)).fullmatch(line):
        if known["column"]:
            # As in CoNLL's columns.
            repairs.add(OTHER_SEPARATOR, line[:60])
        return known["word"] or known["column"], known["tag"]
    # A model may write several words on one line, or leave out the space.
    word, _, tag = line.rpartition(":")
    return word.strip(), tag.strip()


@lru_cache(maxsize=16)
def _known_line(labels: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(spellings(label) for label in sorted(labels, key=len, reverse=True))
    tag = rf"O|[BIbi][-_](?:{names})"
    word = r"(?P<word>\S(?:.*?\S)??)\s*+:\s*+|(?P<column>\S++)\s++"
    return re.compile(rf"(?:{word})(?P<tag>{tag})", re.IGNORECASE)


def _spelling(entity: _Entity, found: PlacedWords | None, text: str) -> str:
    """The words of an entity; where the text has them so, with what it has between them."""
    if found and found.how in (EXACT, GAPPED):
        return text[found.start : found.end]
    return " ".join(entity.words)
