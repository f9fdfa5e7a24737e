"""JSON as chat models write it: read as it is, or with repairs that are listed here and counted.

Repaired are a trailing comma, control characters within a string, and Python's quotes and names. All
else that is no JSON is an error: what was meant can't be known, and a guess may lose a part.
"""

import json
import re
from typing import Any

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.reading import LITERAL_NEWLINE, PYTHON_LITERAL, TRAILING_COMMA
from spacy_ner_plus.llm.requests import InvalidReply

_SPACE = re.compile(r"[ \t\r\n]*+")
_STRINGS = {
    '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL),
}
_CONTROL = re.compile(r"[\x00-\x1f]")
_ESCAPE = re.compile(r"\\(.)|(\")", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?(?![\w.])")
_NAME = re.compile(r"[A-Za-z]++")
_NAMES = {"true": True, "false": False, "null": None}
_PYTHON_NAMES = {"True": True, "False": False, "None": None}
# No schema of ours is nested more than four times.
_DEEPEST = 50


def read_json_text(text: str, start: int, repairs: IssueLog) -> tuple[Any, int]:
    """Read the JSON value that begins at an offset.

    repairs (IssueLog): Where repairs are counted.
    RETURNS (tuple[Any, int]): The value, and the offset after it.
    RAISES (InvalidReply): Where it is no JSON, breaks off, is nested too deeply, or has a key twice.
    """
    try:
        return _STRICT.raw_decode(text, start)
    except InvalidReply:
        raise
    except RecursionError:
        raise InvalidReply("the reply's JSON is nested too deeply") from None
    except ValueError:  # no JSON, or an integer with thousands of digits
        reader = _Reader(text, start)
        value = reader.value(0)
        repairs.merge(reader.repairs)
        return value, reader.at


def close_json(text: str, start: int) -> str:
    """Close the JSON value that begins at an offset and breaks off, after the last item that a list holds completely.

    RETURNS (str): The text up to there, and closing brackets; '' where no list has a whole item.
    """
    opened: list[str] = []
    closed, at = "", start
    while at < len(text):
        sign = text[at]
        at += 1
        if sign in _STRINGS:
            match = _STRINGS[sign].match(text, at - 1)
            if match is None:
                break
            at = match.end()
        elif sign in "{[":
            opened.append("}" if sign == "{" else "]")
            continue
        elif sign in "}]":
            if not opened or opened.pop() != sign:
                break
        else:
            continue
        # A string among others, an object in a list, or a list.
        if opened and (opened[-1] == "]" or sign == "]"):
            closed = text[:at] + "".join(reversed(opened))
    return closed


# Said to the model with these words since the first stores: the reply to it is found by them.
NOT_CLOSED = "the reply's JSON object isn't closed"


class _Reader:
    """Reads one value, from `at` on."""

    def __init__(self, text: str, at: int):
        self.text = text
        self.at = at
        self.repairs = IssueLog()

    def value(self, depth: int) -> Any:
        if depth > _DEEPEST:
            raise InvalidReply("the reply's JSON is nested too deeply")
        self._skip_space()
        first = self.text[self.at : self.at + 1]
        if first == "{":
            return self._object(depth)
        if first == "[":
            return self._list(depth)
        if first in _STRINGS:
            return self._string(first)
        return self._number_or_name()

    def _object(self, depth: int) -> dict[str, Any]:
        pairs: list[tuple[str, Any]] = []
        while self._has_next("}", is_first=not pairs):
            if self.text[self.at : self.at + 1] not in _STRINGS:
                self._fail("a key in quotes")
            key = self._string(self.text[self.at])
            self._skip_space()
            if not self._takes(":"):
                self._fail("':'")
            pairs.append((key, self.value(depth + 1)))
        return _unique_keys(pairs)

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while self._has_next("]", is_first=not items):
            items.append(self.value(depth + 1))
        return items

    def _has_next(self, closing: str, *, is_first: bool) -> bool:
        """Go to the next member, or behind the end."""
        if is_first:
            self.at += 1
        self._skip_space()
        if self._takes(closing):
            return False
        if not is_first:
            if not self._takes(","):
                self._fail(f"',' or '{closing}'")
            self._skip_space()
            if self._takes(closing):
                self.repairs.add(TRAILING_COMMA, self._shown(self.at - 20))
                return False
        return True

    def _string(self, quote: str) -> str:
        match = _STRINGS[quote].match(self.text, self.at)
        if match is None:
            raise InvalidReply(NOT_CLOSED)
        inner = match[1]
        if quote == "'":
            self.repairs.add(PYTHON_LITERAL, self._shown(self.at))
            inner = _ESCAPE.sub(_as_json, inner)
        if _CONTROL.search(inner):
            self.repairs.add(LITERAL_NEWLINE, self._shown(self.at))
        try:
            value = json.loads(f'"{inner}"', strict=False)
        except ValueError:
            raise InvalidReply(f"the reply has an escape that JSON doesn't know in {match[0][:60]}") from None
        self.at = match.end()
        return value

    def _number_or_name(self) -> Any:
        if match := _NUMBER.match(self.text, self.at):
            self.at = match.end()
            try:
                return json.loads(match[0])
            except ValueError as error:
                raise InvalidReply(f"the reply is no valid JSON: {error}") from None
        match = _NAME.match(self.text, self.at)
        name = match[0] if match else ""
        if name not in _NAMES and name not in _PYTHON_NAMES:
            self._fail("a value")
        if name in _PYTHON_NAMES:
            self.repairs.add(PYTHON_LITERAL, name)
        self.at += len(name)
        return _NAMES[name] if name in _NAMES else _PYTHON_NAMES[name]

    def _skip_space(self) -> None:
        self.at = _SPACE.match(self.text, self.at).end()

    def _takes(self, character: str) -> bool:
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        return True

    def _fail(self, wanted: str) -> None:
        if self.at >= len(self.text):
            raise InvalidReply(NOT_CLOSED)
        raise InvalidReply(f"the reply is no valid JSON: {wanted} is expected at {self._shown(self.at)}")

    def _shown(self, at: int) -> str:
        at = max(at, 0)
        return f"'{' '.join(self.text[at : at + 60].split())}'"


def _as_json(match: re.Match[str]) -> str:
    """An escape or a quote of a string in single quotes, as a string in double quotes has it."""
    if match[2]:
        return '\\"'
    return "'" if match[1] == "'" else match[0]


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python's reader keeps the last of equal keys and drops what the others held.
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise InvalidReply(f"the key '{twice[:60]}' is in one JSON object twice")
    return found


def _no_constant(name: str) -> Any:
    raise InvalidReply(f"{name} is no JSON value")


_STRICT = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_constant)
