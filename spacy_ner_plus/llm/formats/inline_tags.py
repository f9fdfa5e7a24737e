"""`inline_tags`: the text copied, with tags around its entities.

    <PER>Ann Lee</PER> left <LOC>Rome</LOC>.

Tags are those of the labels that were asked for; any other '<' is text. Where the text itself has
such a tag, the copy has '&lt;' in place of its '<', and '&amp;lt;' where the text has '&lt;' before
one, so that every reply has one meaning; nothing else is escaped. A model that copies such a tag
as it is gets the benefit of the doubt: what matches the text is text.

A copy may have slips. It is aligned with the text by edit operations, so that they don't shift
what comes after them. What the copy leaves out is unread: nothing is known of it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.offset_mapping import OffsetMapping
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.base import CharMention, find_label, shipped_template
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.formats.names import spellings
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.requests import InvalidReply

# A reply with less of the text than this is no copy. What a copy leaves out is unread.
LEAST_COPIED = 0.5
LEAST_WITHOUT_TAGS = 0.8
# Of a copy that was cut: the beginning of a tag at its end, and how long a word there may be.
_HALF_TAG = re.compile(r"<[^<>\n]{0,60}\Z")
_LONGEST_WORD = 40
# By how much the text may be longer than the part of it that was copied, where a copy has slips.
_SLIPS, _LEAST_SLIPS = 0.05, 20
# Tags of any sort; "a < b" has none.
_MARKUP = re.compile(r"</?([A-Za-z][\w:.-]*)[^<>]{0,200}>")
_BROKEN_TAG = re.compile(r"</?([^<>]{0,100})\Z")


def inline_tags_v1() -> "InlineTags":
    """Make the format, which configs name 'spacy_ner_plus.inline_tags.v1' or 'inline_tags'."""
    return InlineTags()


class InlineTags:
    """The text with tags in it."""

    name = "inline_tags"

    @property
    def instructions(self) -> str:
        return shipped_template("inline_tags.v1")

    def skeleton(self, labels: Sequence[str]) -> str:
        return " ".join(f"... <{label}>...</{label}>" for label in labels[:2]) + " ..."

    def schema(self, labels: Sequence[str]) -> None:
        return None

    def grammar(self, labels: Sequence[str]) -> str:
        rules = " | ".join(f"entity-{i}" for i in range(len(labels)))
        # Where a tag may begin, '<' begins one; elsewhere it is text.
        initials = "".join(sorted({_escape_class(label[0]) for label in labels}))
        lines = ["root ::= (plain | entity)+", f"entity ::= {rules}"]
        for i, label in enumerate(labels):
            name = _escape_string(label)
            lines.append(f'entity-{i} ::= "<{name}>" (plain | entity)+ "</{name}>"')
        lines.append(f'plain ::= [^<] | "<" [^</{initials}]')
        return "\n".join(lines) + "\n"

    def parse(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = strip_reply(content)
        return self._read(answer, content.rfind(answer), labels, text)

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = strip_reply(content)
        whole = _until_cut(answer, labels)
        if not whole:
            raise InvalidReply("the reply was cut before its first word was whole")
        length = len(_tags(tuple(labels)).sub("", whole))
        end = min(len(text), length + max(round(_SLIPS * length), _LEAST_SLIPS))
        read = self._read(whole, content.rfind(answer), labels, text[:end])
        read.unread = [*read.unread, (end, len(text))] if end < len(text) else read.unread
        return read

    def _read(self, answer: str, base: int, labels: Sequence[str], text: str) -> Reading:
        if len(answer) > 3 * len(text) + 40 * text.count(" ") + 1000:
            raise InvalidReply(f"the reply has {len(answer):,} characters for a text of {len(text):,}")
        repairs = IssueLog()
        copy = _read_copy(answer, labels, text, repairs)
        _check_markup(copy.text, labels, text)
        mapping = OffsetMapping(copy.text, text)
        # Without a tag, nothing shows that a part of the text is meant as a copy.
        if mapping.share < (LEAST_COPIED if copy.entities else LEAST_WITHOUT_TAGS):
            raise InvalidReply(
                f"the reply holds {mapping.share:.0%} of the text; copy the whole text and add tags to it"
            )
        mentions = [
            Mention(
                copy.text[tagged.start : tagged.end],
                tagged.label,
                reply_start=base + tagged.reply_start,
                reply_end=base + tagged.reply_end,
                position=mapping.original(tagged.start) if tagged.start < tagged.end else -1,
            )
            for tagged in copy.entities
        ]
        return Reading(mentions, repairs, mapping.unread())

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        escape = _tags(tuple(labels))
        pieces, at = [], 0
        for start, end, label in sorted(mentions):
            pieces.append(escape.sub(_escape, text[at:start]))
            pieces.append(f"<{label}>{escape.sub(_escape, text[start:end])}</{label}>")
            at = end
        pieces.append(escape.sub(_escape, text[at:]))
        return "".join(pieces)


class _Tagged(NamedTuple):
    """An entity in a copy: where it lies in the copy without tags, and in the reply."""

    label: str
    start: int
    end: int
    reply_start: int
    reply_end: int


class _Copy(NamedTuple):
    """A reply without its tags, and what they were around."""

    text: str
    entities: list[_Tagged]


@lru_cache(maxsize=16)
def _tags(labels: tuple[str, ...]) -> re.Pattern[str]:
    # Case may differ, too.
    names = "|".join(spellings(label) for label in sorted(labels, key=len, reverse=True))
    return re.compile(rf"(<|&(?:amp;)*lt;)(/?)({names})>", re.IGNORECASE)


def _escape(match: re.Match[str]) -> str:
    sign = "&lt;" if match[1] == "<" else f"&amp;{match[1][1:]}"
    return f"{sign}{match[2]}{match[3]}>"


def _unescape(match: re.Match[str]) -> str:
    sign = "<" if match[1].lower() == "&lt;" else f"&{match[1][5:]}"
    return f"{sign}{match[2]}{match[3]}>"


def _until_cut(answer: str, labels: Sequence[str]) -> str:
    """RETURNS (str): A copy that was cut, up to the last word or entity that is whole."""
    answer = _HALF_TAG.sub("", answer)
    opened: list[re.Match[str]] = []
    last = 0
    for match in _tags(tuple(labels)).finditer(answer):
        if match[1] != "<":
            continue
        if not match[2]:
            opened.append(match)
        elif opened:
            opened.pop()
            last = match.end()
    if opened:
        return answer[: opened[0].start()].rstrip()
    # The word at the end may go on.
    at = len(answer)
    while at > last and not answer[at - 1].isspace() and len(answer) - at < _LONGEST_WORD:
        at -= 1
    return answer[:at].rstrip()


def _check_markup(copy: str, labels: Sequence[str], text: str) -> None:
    """Refuse a copy that marks entities otherwise than by tags of the labels: they would pass for text.

    RAISES (InvalidReply): Tags that aren't the text's own, or labels beside the words.
    """
    own = text.casefold()
    for match in _MARKUP.finditer(copy):
        if match[0].casefold() not in own:
            raise InvalidReply(
                f"'{match[0][:60]}' is no tag of the labels; use only: "
                f"{', '.join(f'<{label}>' for label in labels)}"
            )
    for label in labels:
        name = re.compile(rf"(?<!\w){re.escape(label)}(?!\w)")
        if len(name.findall(copy)) > len(name.findall(text)):
            raise InvalidReply(
                f"the reply names '{label}' outside of a tag; write <{label}>...</{label}> around the words"
            )


def _read_copy(answer: str, labels: Sequence[str], text: str, repairs: IssueLog) -> _Copy:
    """Take the tags out of a reply.

    RAISES (InvalidReply): A tag that isn't closed or wasn't opened.
    """
    matches = list(_tags(tuple(labels)).finditer(answer))
    copied = _copied_tags(answer, matches, labels, text)
    pieces: list[str] = []
    length, at = 0, 0
    opened: dict[str, list[tuple[int, int]]] = {}
    entities = []
    for match in matches:
        piece = answer[at : match.start()]
        at = match.end()
        is_tag = match[1] == "<" and match.start() not in copied
        if not is_tag:
            piece += match[0] if match[1] == "<" else _unescape(match)
        pieces.append(piece)
        length += len(piece)
        if not is_tag:
            continue
        label = find_label(match[3], labels, repairs)
        if not match[2]:
            opened.setdefault(label, []).append((length, match.end()))
        elif not opened.get(label):
            raise InvalidReply(f"</{label}> closes nothing")
        else:
            start, reply_start = opened[label].pop()
            entities.append(_Tagged(label, start, length, reply_start, match.start()))
    pieces.append(_without_broken_tag(answer[at:], labels, text))
    unclosed = next((label for label, starts in opened.items() if starts), None)
    if unclosed is not None:
        raise InvalidReply(f"<{unclosed}> is never closed")
    return _Copy("".join(pieces), sorted(entities, key=lambda tagged: (tagged.start, -tagged.end)))


def _without_broken_tag(end: str, labels: Sequence[str], text: str) -> str:
    """Leave out a tag that a reply breaks off in: what its letters are taken for wouldn't be missing."""
    tag = _BROKEN_TAG.search(end)
    if tag is None or text.rstrip().endswith(tag[0]):
        return end
    begins_one = any(label.casefold().startswith(tag[1].casefold()) for label in labels)
    return end[: tag.start()] if begins_one else end


def _copied_tags(answer: str, matches: Sequence[re.Match[str]], labels: Sequence[str], text: str) -> set[int]:
    """Find where the reply has tags that it copied from the text as they are."""
    own = sum(match[1] == "<" for match in _tags(tuple(labels)).finditer(text))
    escaped = sum(match[1].lower() == "&lt;" for match in matches)
    if own <= escaped:
        return set()
    with from_extra("llm"):
        from rapidfuzz.distance import Levenshtein

    same = [op for op in Levenshtein.opcodes(answer, text) if op.tag == "equal"]
    return {
        match.start()
        for match in matches
        if any(op.src_start <= match.start() and match.end() <= op.src_end for op in same)
    }


def _escape_class(character: str) -> str:
    """Write a character for a GBNF character class, in upper and lower case."""
    return "".join(
        f"\\{c}" if c in "\\]^-[" else c
        for c in sorted({character.lower(), character.upper()})
        if len(c) == 1
    )


def _escape_string(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
