"""`guidelines`: labels as Python classes with their guidelines, entities as a list of objects.

    result = [
        Person(span="Ann Lee"),
        Location(span="Rome"),
    ]

As GoLLIE was trained (Sainz et al. 2024, arXiv:2310.03668), for any chat model that reads code. The list is
read by Python's parser and never run. Its entities are in the order of the text, each as often as it occurs.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.base import CharMention, shipped_template
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.formats.names import find_name, fold
from spacy_ner_plus.llm.formats.python_calls import Argument, Call, close_calls, read_calls
from spacy_ner_plus.llm.formats.python_source import class_names, python_string
from spacy_ner_plus.llm.formats.reading import (
    EXTRA_KEY,
    NULL_AMONG_STRINGS,
    OTHER_SPELLING,
    TEXT_AROUND,
    Reading,
)
from spacy_ner_plus.llm.formats.refusals import find_refusal
from spacy_ner_plus.llm.formats.text_grammars.string_lists import string_grammar
from spacy_ner_plus.llm.formats.text_grammars.text_walk import Piece, TextWalk, any_of, literal
from spacy_ner_plus.llm.requests import InvalidReply

RESULT = "result"
# The field that holds the mention; GoLLIE's own classes of other tasks call it so, too.
_SPAN, _SPAN_NAMES = "span", ("span", "mention", "text")
# Fields that name the label once more, or which occurrence is meant.
_LABEL_NAMES = frozenset({"label", "type", "category", "entity", "entitytype", "tag", "class"})
# A list under its name; or one without, that begins as one of objects does.
_NAMED = re.compile(
    r"^[ \t>]*(?P<name>[^\W\d]\w*)[ \t]*(?::[^=\n]{0,80})?=[ \t]*(?:\\\n\s*)?(?=\[)", re.MULTILINE
)
_BARE = re.compile(r"(?=\[\s*+(?:\]|\#|None\b|[^\W\d]\w*+\s*+\())")
# A reply that goes on after "result = [", which the prompt ends with.
_WHOLE = re.compile(r"(?=\[)")
_CONTINUED = re.compile(r"\s*+(?:\]|(?!class\b|def\b|print\b)[^\W\d]\w*+\s*+\()")
# After a list: what belongs to it, or would, had it not been closed too early.
_GOES_ON = re.compile(r"[ \t]*+(?:[+*\-,)\]}(\[|]|\.[^\W\d]|(?:for|if|or|and)\b)")
_CHANGED = re.compile(rf"\b{RESULT}\s*(?:=|\+=|\.\w|\[|:)")
_BRACKETS = re.compile(r"""[\[\](){}"`]|(?<!\w)'|'(?!\w)""")


def guidelines_v1() -> "Guidelines":
    """Make the format, which configs name 'spacy_ner_plus.guidelines.v1' or 'guidelines'."""
    return Guidelines()


class Guidelines:
    """Python code in which each label is a class."""

    name = "guidelines"

    @property
    def instructions(self) -> str:
        return shipped_template("guidelines.v1")

    def skeleton(self, labels: Sequence[str]) -> str:
        calls = "".join(f'    {name}({_SPAN}="..."),\n' for name in class_names(labels).values())
        return f"{RESULT} = [\n{calls}]"

    def schema(self, labels: Sequence[str]) -> None:
        return None

    def grammar(self, labels: Sequence[str]) -> str:
        names = " | ".join(f'"{name}"' for name in class_names(labels).values())
        return (
            f'root ::= "{RESULT} = []" | "{RESULT} = [\\n" entity+ "]"\n'
            f'entity ::= "    " name "({_SPAN}=" string "),\\n"\n'
            'string ::= "\\"" character* "\\""\n'
            'character ::= [^"\\\\\\x00-\\x1F] | "\\\\" (["\\\\bfnrt] | "u" hex hex hex hex)\n'
            "hex ::= [0-9a-fA-F]\n"
            f"name ::= {names}\n"
        )

    def text_grammar(self, labels: Sequence[str], text: str, pieces: Sequence[Piece]) -> str | None:
        opening = any_of([literal(f'    {name}({_SPAN}="') for name in class_names(labels).values()])
        # JSON's escapes are Python's, too.
        return string_grammar(
            TextWalk(text, pieces),
            nothing=literal(f"{RESULT} = []"),
            opening=f"{literal(f'{RESULT} = [{chr(10)}')} OPENING",
            close=lambda k, length: literal('"),\n'),
            between="OPENING",
            end=literal("]"),
            terminals=[f"OPENING: {opening}"],
        )

    def parse(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = strip_reply(content)
        if not answer:
            raise InvalidReply(f"the reply is empty; write {RESULT} = [] where there are no entities")
        repairs = IssueLog()
        classes = {name: label for label, name in class_names(labels).items()}
        found = _find_list(answer, repairs)
        _check_around(answer, found, classes, repairs)
        base = content.rfind(answer)
        mentions = []
        for call in found.calls:
            span = None if call is None else _span_of(call, _find_label(call.name, classes, repairs), repairs)
            if span is None:
                repairs.add(NULL_AMONG_STRINGS, "None" if call is None else call.source[:60])
                continue
            label, argument = span
            start, end = (argument.start, argument.end) if argument.start >= 0 else (-1, -1)
            if start >= 0:
                start, end = base + start - found.shift, base + end - found.shift
            mentions.append(Mention(argument.value, label, reply_start=start, reply_end=end))
        return Reading(mentions, repairs)

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        answer = strip_reply(content)
        named = next((match for match in _NAMED.finditer(answer) if match["name"] == RESULT), None)
        closed = close_calls(answer, named.end() if named else 0)
        if not closed:
            raise InvalidReply("the reply was cut before its first item")
        read = self.parse(content[: content.rfind(answer)] + closed, labels, text)
        # The list may not be in the order of the text.
        read.unread = [(0, len(text))]
        return read

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        names = class_names(labels)
        calls = "".join(
            f"    {names[label]}({_SPAN}={python_string(text[start:end])}),\n"
            for start, end, label in sorted(mentions)
        )
        return f"{RESULT} = [\n{calls}]" if calls else f"{RESULT} = []"


class _Found(NamedTuple):
    """The one list of a reply.

    before (str): What stands in front of it, without its name.
    after (str): What stands behind it.
    shift (int): By how many characters offsets of its strings are too large.
    """

    name: str
    calls: list[Call | None]
    before: str
    after: str
    shift: int = 0


def _find_list(answer: str, repairs: IssueLog) -> _Found:
    """Find the list that is the answer, and read it.

    RAISES (InvalidReply): Where there is none, or more than one.
    """
    if _CONTINUED.match(answer):
        calls, end = read_calls(f"[{answer}", 0, repairs)
        return _Found(RESULT, calls, "", answer[end - 1 :], shift=1)
    named = [match for match in _NAMED.finditer(answer) if match["name"] == RESULT]
    # Never into a list that is broken: one within it would pass for the whole.
    bare = _WHOLE.match(answer)
    starts = named or ([bare] if bare else [*_NAMED.finditer(answer)] or [*_BARE.finditer(answer)])
    if not starts or (not named and answer.startswith("{")):
        refusal = find_refusal(answer)
        raise InvalidReply(refusal or f"the reply holds no list '{RESULT} = [...]': {_shown(answer)}")
    first = starts[0]
    calls, end = read_calls(answer, first.end(), repairs)
    others = starts[1:] if not bare or named else _BARE.finditer(answer)
    if any(match.end() >= end for match in others):
        raise InvalidReply("the reply holds several lists, and which is the answer isn't said; give one")
    return _Found(first.groupdict().get("name", ""), calls, answer[: first.start()], answer[end:])


def _check_around(answer: str, found: _Found, classes: dict[str, str], repairs: IssueLog) -> None:
    """Refuse a reply in which what stands around the list says more than the list.

    RAISES (InvalidReply): It goes on, changes the list, names entities itself, or declines.
    """
    before, after = found.before.strip(), found.after.strip()
    around = " ".join(filter(None, (before, after)))
    if _GOES_ON.match(found.after) or _CHANGED.search(after):
        raise InvalidReply(f"the reply goes on after its list is closed, with {_shown(after)}")
    if refusal := find_refusal(before) or find_refusal(after):
        raise InvalidReply(refusal)
    names = "|".join(map(re.escape, {*classes, *classes.values()}))
    outside = re.search(rf"(?<!class )(?<!\w)(?:{names})\(\s*(?:\w+\s*=\s*)?[\"']", around)
    if outside:
        raise InvalidReply(
            f"the reply names entities outside of its list, at {_shown(around[outside.start() :])}"
        )
    if found.name != RESULT:
        # One list of several, each for a label, isn't the answer.
        if found.name and any(fold(found.name) == fold(name) for name in (*classes, *classes.values())):
            raise InvalidReply(
                f"the list should be '{RESULT}', with the entities of all labels, not '{found.name}'"
            )
        if not found.calls and (_BRACKETS.search(around) or re.search(rf"(?<!\w)(?:{names})(?!\w)", around)):
            raise InvalidReply(f"the reply holds no list '{RESULT} = [...]': {_shown(answer)}")
        if found.name:
            repairs.add(OTHER_SPELLING, f"'{found.name[:60]}' for '{RESULT}'")
    if around.strip("`~ \n"):
        repairs.add(TEXT_AROUND, _shown(around))


def _find_label(name: str, classes: dict[str, str], repairs: IssueLog) -> str:
    known = find_name(name, classes, repairs)
    if known is not None:
        return classes[known]
    label = find_name(name, [*classes.values()], repairs)
    if label is None:
        raise InvalidReply(f"'{name[:60]}' is none of the classes; use only: {', '.join(classes)}")
    return label


def _span_of(call: Call, label: str, repairs: IssueLog) -> tuple[str, Argument] | None:
    """RETURNS (tuple[str, Argument] | None): The label of a call, and its span; None where that is None.

    RAISES (InvalidReply): Where it has none, or says something that can't be left out.
    """
    span = None
    for argument in call.arguments:
        name = argument.name
        if not name or name.casefold() in _SPAN_NAMES:
            if span is not None:
                raise InvalidReply(f"one span is expected in {_shown(call.source)}")
            if name and name != _SPAN:
                repairs.add(OTHER_SPELLING, f"'{name}' for '{_SPAN}'")
            span = argument
        elif fold(name) == "occurrence" or (
            fold(name) in _LABEL_NAMES and fold(str(argument.value)) not in (fold(call.name), fold(label))
        ):
            # Left out, it would be another entity.
            raise InvalidReply(f"only '{_SPAN}' is expected in {_shown(call.source)}")
        elif fold(name) not in _LABEL_NAMES:
            repairs.add(EXTRA_KEY, f"{name[:60]}={argument.value!r:.60}")
    if span is None:
        raise InvalidReply(f"'{_SPAN}' is missing in {_shown(call.source)}")
    if span.value is None:
        return None
    if not isinstance(span.value, str):
        raise InvalidReply(f"'{_SPAN}' should be a string in {_shown(call.source)}")
    return label, span


def _shown(text: str) -> str:
    return f"'{' '.join(text[:120].split())[:60]}'"
