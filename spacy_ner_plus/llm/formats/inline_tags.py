"""`inline_tags`: the text copied, with tags around its entities.

    <PER>Ann Lee</PER> left <LOC>Rome</LOC>.

Tags are those of the labels that were asked for; any other '<' is text. Where the text itself has
such a tag, the copy has '&lt;' in place of its '<', and '&amp;lt;' where the text has '&lt;' before
one, so that every reply has one meaning; nothing else is escaped. A model that copies such a tag
as it is gets the benefit of the doubt: what matches the text is text.

A copy may have slips. It is aligned with the text by edit operations, so that they don't shift
what comes after them. What the copy leaves out is unread: nothing is known of it.

A reply without tags says that nothing is an entity. For that it has to be a copy and nothing else: a
refusal, a list of entities or other markup may hold the whole text, too.
"""

import html
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from spacy_ner_plus.alignment.copied_words import CopiedWords
from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.normalization import normalise
from spacy_ner_plus.alignment.offset_mapping import OffsetMapping
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.base import CharMention, find_label, shipped_template
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.formats.names import fold, spellings
from spacy_ner_plus.llm.formats.reading import TEXT_AROUND, Reading
from spacy_ner_plus.llm.formats.refusals import find_refusal
from spacy_ner_plus.llm.formats.text_grammars.text_walk import (
    MOST_IN_COPIES,
    Piece,
    TextWalk,
    any_of,
    has_surrogate,
    literal,
    reply_grammar,
)
from spacy_ner_plus.llm.requests import InvalidReply

# A reply with less of the text than this is no copy. What a copy leaves out is unread.
LEAST_COPIED = 0.5
LEAST_WITHOUT_TAGS = 0.8
# Without tags: how much of the reply is in the text, how many words may be added, and how many side by side.
_LEAST_KEPT, _MOST_ADDED, _LONGEST_ADDED = 0.8, 0.2, 2
# Before a copy without tags; anything else may be what the model says of the text.
_LEAD_IN = re.compile(
    r"\s*(?:(?:sure|okay|ok|certainly|of course)[,.!]?\s+)?(?:here(?:'s|\u2019s| is)\s+)?(?:(?:the|your)\s+)?"
    r"(?:(?:same|whole|full|copied|tagged|marked|annotated|original)\s+){0,2}(?:text|copy|output|answer|reply)"
    r"(?:\s+with\s+(?:the\s+)?(?:named\s+)?(?:entities|entity tags|tags)(?:\s+(?:tagged|marked|added|in it))?)?:\s+",
    re.IGNORECASE,
)
# Signs that a tag is written in once more, as "**<PER>Ann</PER>**".
_SIGNS = "*_`[](){}@#"
_EMPHASIS = "*_`"
_THOUGHT_ENDS = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
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

    def text_grammar(self, labels: Sequence[str], text: str, pieces: Sequence[Piece]) -> str | None:
        escape = _tags(tuple(labels))
        walk = TextWalk(text, _join_pieces(pieces, [match.span() for match in escape.finditer(text)]))
        # Where the text has a '<' of its own, it isn't as easy to tell which tags belong together.
        has_sign = "<" in escape.sub(_escape, text) and len(labels) > 1
        groups = [[label] for label in labels] if has_sign else [list(labels)]
        is_too_long = len(walk) * len(groups) > MOST_IN_COPIES
        if is_too_long or has_surrogate(text):
            return None
        words = [literal(escape.sub(_escape, walk.word(k))) for k in range(len(walk))]
        lines = [
            f"{name}_{number}: {any_of([literal(f'<{sign}{label}>') for label in group])}"
            for number, group in enumerate(groups)
            for name, sign in (("OPEN", ""), ("CLOSE", "/"))
        ]
        for k in range(len(walk)):
            opened = [f"OPEN_{number} {words[k]} IN{number}_{k + 1}_1" for number in range(len(groups))]
            lines.append(f"OUT_{k}: {literal(walk.gap(k))} {any_of([f'{words[k]} OUT_{k + 1}', *opened])}")
            for number in range(len(groups)):
                lines += walk.inner_terminals(
                    k + 1,
                    go_on=lambda k, length: f"{literal(walk.gap(k))} {words[k]}",
                    close=lambda k, length, number=number: f"CLOSE_{number}",
                    after=f"OUT_{k + 1}",
                    name=f"IN{number}",
                )
        lines.append(f"OUT_{len(walk)}: {literal(walk.gap(len(walk)))}")
        if has_sign or len(labels) == 1:
            return reply_grammar(f"{walk.backwards('OUT_')} | OUT_0", lines)
        # The walk has tags of any label, and this those that belong together.
        pairs = [f"{literal(f'<{label}>')} /[^<]*/ {literal(f'</{label}>')}" for label in labels]
        paired = f"PAIRED: {any_of(['/[^<]+/', *pairs])}*"
        return reply_grammar(f"{walk.backwards('OUT_')} | COPY", ["COPY: OUT_0 & PAIRED", paired, *lines])

    def parse(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = _find_copy(content, labels, text)
        return self._read(answer, content.rfind(answer), labels, text)

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = _find_copy(content, labels, text)
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
        _check_empty_tags(copy)
        if not copy.entities:
            copy = _without_lead_in(copy, text, repairs)
        mapping = OffsetMapping(copy.text, text)
        # Without a tag, nothing shows that a part of the text is meant as a copy.
        if mapping.share < (LEAST_COPIED if copy.entities else LEAST_WITHOUT_TAGS):
            raise InvalidReply(
                f"the reply holds {mapping.share:.0%} of the text; copy the whole text and add tags to it"
            )
        _check_what_is_added(copy, mapping, labels, text)
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


def _join_pieces(pieces: Sequence[Piece], tags: Sequence[Piece]) -> list[Piece]:
    """RETURNS (list[tuple[int, int]]): The pieces, of which those that share a tag of the text are one."""
    joined: list[Piece] = []
    at = 0
    for start, end in pieces:
        while at < len(tags) and tags[at][1] <= start:
            at += 1
        if joined and at < len(tags) and tags[at][0] < joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


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
        if _count(re.escape(label), copy) > _count(re.escape(label), text):
            raise InvalidReply(_named_outside(label))


def _count(name: str, text: str, flags: int = 0) -> int:
    return len(re.findall(rf"(?<![^\W_]){name}(?![^\W_])", text, flags))


def _named_outside(label: str) -> str:
    return f"the reply names '{label}' outside of a tag; write <{label}>...</{label}> around the words"


def _check_empty_tags(copy: _Copy) -> None:
    """Refuse tags around nothing that stand for tags around something. At the end of a copy they say nothing.

    RAISES (InvalidReply): Where there are no others, or words follow them.
    """
    empty = [tagged for tagged in copy.entities if not copy.text[tagged.start : tagged.end].strip()]
    for tagged in empty:
        follows = any(character.isalnum() for character in copy.text[tagged.end :])
        if follows or len(empty) == len(copy.entities):
            label = tagged.label
            raise InvalidReply(
                f"<{label}></{label}> is around nothing; write <{label}>...</{label}> around the words"
            )


def _without_lead_in(copy: _Copy, text: str, repairs: IssueLog) -> _Copy:
    lead_in = _LEAD_IN.match(copy.text)
    if lead_in is None or _LEAD_IN.match(text):
        return copy
    repairs.add(TEXT_AROUND, " ".join(lead_in[0].split()))
    return _Copy(copy.text[lead_in.end() :], [])


def _check_what_is_added(copy: _Copy, mapping: OffsetMapping, labels: Sequence[str], text: str) -> None:
    """Refuse a copy with more in it than slips: it may say by that what it should say by tags.

    RAISES (InvalidReply): A refusal; labels or signs beside words; of a copy without tags, anything that isn't
        the text's.
    """
    if copy.text.strip() == text.strip():
        return
    # Some models write '&amp;' for each '&'.
    text = html.unescape(text)
    words = CopiedWords(html.unescape(_without_signs_of_tags(copy)), text)
    refusal = find_refusal(words.before, text) or find_refusal(words.after, text)
    if refusal:
        raise InvalidReply(refusal)
    middle, whole = normalise(words.middle), normalise(text)
    for label in labels:
        name = spellings(normalise(label))
        is_word = any(character.isalnum() for character in label)
        if is_word and _count(name, middle, re.IGNORECASE) > _count(name, whole, re.IGNORECASE):
            raise InvalidReply(_named_outside(label))
        if any(_is_glued(label, written, word) for written, word in words.replaced):
            raise InvalidReply(_named_outside(label))
    # Beside tags, a single one is a slip.
    marks = words.marks() if copy.entities else words.all_marks()
    if len(marks) > bool(copy.entities):
        raise InvalidReply(
            f"the reply has '{marks[:20]}' where the text doesn't; mark entities by tags alone, "
            f"such as <{labels[0]}>...</{labels[0]}>"
        )
    if not copy.entities:
        _check_copy_without_tags(words, mapping)


def _check_copy_without_tags(words: CopiedWords, mapping: OffsetMapping) -> None:
    """RAISES (InvalidReply): More in it than a copy with slips has."""
    others = [part for part in (words.before, words.after) if any(map(str.isalnum, part))]
    added = [" ".join(run) for run in words.added]
    count = sum(map(len, words.added))
    if (
        others
        or count > _MOST_ADDED * words.size
        or any(len(run) > _LONGEST_ADDED for run in words.added)
        or (words.replaced and mapping.kept < _LEAST_KEPT)
    ):
        shown = " ".join(" ".join([*others, *added]).split())[:60]
        raise InvalidReply(
            f"the reply has no tags, and more than the text{shown and f', such as {shown!r}'}; "
            "copy the text, add tags where there are entities, and nothing else"
        )


def _is_glued(label: str, written: str, word: str) -> bool:
    """Whether a word is written together with a label, as 'AnnPER'."""
    name = fold(label)
    return written != word and name in written and written.replace(name, "") == word.replace(name, "")


def _without_signs_of_tags(copy: _Copy) -> str:
    """RETURNS (str): A copy without the signs beside what is tagged in it, which mark nothing else, or at its end."""
    if not copy.entities:
        return copy.text
    text = list(copy.text)
    for tagged in copy.entities:
        edges = (tagged.start - 1, -1), (tagged.start, 1), (tagged.end - 1, -1), (tagged.end, 1)
        for edge, step in edges:
            at = edge
            while 0 <= at < len(text) and copy.text[at] in _SIGNS:
                text[at] = ""
                at += step
    return "".join(text).rstrip().rstrip(_EMPHASIS)


def _find_copy(content: str, labels: Sequence[str], text: str) -> str:
    """Take off what is around a copy, but not what the text has itself: '</think>' and fences, for instance."""
    answer = strip_reply(content)
    if strip_reply(text) == text.strip().removeprefix("\ufeff"):
        return answer
    whole = content.strip()
    ends = [whole[match.end() :].strip() for match in _THOUGHT_ENDS.finditer(whole)]
    candidates = [answer, *ends, whole]
    with from_extra("llm"):
        from rapidfuzz.distance import Levenshtein

    tags, own = _tags(tuple(labels)), normalise(_tags(tuple(labels)).sub("", text))
    return min(candidates, key=lambda each: Levenshtein.distance(normalise(tags.sub("", each)), own))


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
