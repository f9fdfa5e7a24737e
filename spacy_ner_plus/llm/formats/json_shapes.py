"""A reply's JSON value in the shape of its format's schema: what is close to it is repaired and counted.

Keys that weren't asked for are left out, what is spelled otherwise gets the spelling of the schema, and a
string, an object or a null in place of what was meant is read where it can have one meaning alone. A key
that is required and missing is never repaired: a reply without it says nothing about it, which isn't "none".
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.json_replies import read_json, read_json_in
from spacy_ner_plus.llm.formats.names import find_name, fold
from spacy_ner_plus.llm.formats.reading import (
    EXTRA_KEY,
    NULL_AMONG_STRINGS,
    NUMBER_IN_STRING,
    OBJECT_FOR_STRING,
    STRING_FOR_LIST,
    WRAPPER,
)
from spacy_ner_plus.llm.requests import InvalidReply

Schema = Mapping[str, Any]

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}(?:\.0+)?")
# Characters that may part several mentions in one string.
_PARTS = re.compile(r"[,;|/\n\u3001\uff0c]")
# Under which keys an object in place of a string may name its label, or which of its occurrences it is.
_LABEL_KEYS = frozenset({"label", "type", "category", "entity", "entitytype", "tag"})
_MOST_WRAPPERS = 3


def read_shaped(content: str, schema: Schema, text: str, repairs: IssueLog) -> Any:
    """Read a reply's JSON value, in the shape of a schema.

    content (str): A reply as the server sent it.
    schema (Schema): With `type`, `properties`, `required`, `items` and `enum`; what it says otherwise isn't checked.
    text (str): The text that was asked about: a string in place of a list must be in it.
    repairs (IssueLog): Where repairs are counted.
    RAISES (InvalidReply): Where it isn't in this shape, even with repairs.
    """
    return shape_value(read_json(content, repairs), schema, text, repairs)


def shape_value(value: Any, schema: Schema, text: str, repairs: IssueLog) -> Any:
    """Bring a JSON value into the shape of a schema, as `read_shaped` does with that of a reply."""
    return _Shaper(text, repairs).shape(_unwrap(value, schema, repairs), schema)


def _unwrap(value: Any, schema: Schema, repairs: IssueLog) -> Any:
    """Take an answer out of what a model put around it."""
    if schema.get("type") != "object":
        return value
    for _ in range(_MOST_WRAPPERS):
        inner = _inside(value, schema)
        if inner is None:
            break
        repairs.add(WRAPPER, _shown(value))
        value = inner
    return value


def _inside(value: Any, schema: Schema) -> Any:
    properties = schema.get("properties", {})
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict) and _has_required(value[0], schema):
            return value[0]
        lists = [key for key, inner in properties.items() if inner.get("type") == "array"]
        # A list of objects, without the object around it that names it.
        is_it = len(lists) == len(properties) == 1 and properties[lists[0]]["items"].get("type") == "object"
        is_it = is_it and bool(value) and all(isinstance(item, dict) for item in value)
        return {lists[0]: value} if is_it else None
    if not isinstance(value, dict) or any(find_name(key, properties) for key in value):
        return None
    answers = []
    for inner in value.values():
        if isinstance(inner, str) and inner.lstrip().startswith("{"):
            inner = _read_quietly(inner)
        if isinstance(inner, dict) and (_has_required(inner, schema) or len(value) == 1):
            answers.append(inner)
    return answers[0] if len(answers) == 1 else None


def _read_quietly(string: str) -> Any:
    try:
        return read_json_in(string, IssueLog())
    except InvalidReply:
        return None


def _has_required(value: Mapping[str, Any], schema: Schema) -> bool:
    there = {fold(key) for key in value}
    return all(fold(key) in there for key in schema.get("required", ()))


class _Shaper:
    """Brings values into the shape of schemas, with repairs."""

    def __init__(self, text: str, repairs: IssueLog):
        self.text = text
        self.repairs = repairs

    def shape(self, value: Any, schema: Schema, key: str = "") -> Any:
        """RETURNS (Any): A value in the shape of a schema.

        key (str): The key that holds it; '' for the reply itself.
        """
        kind = schema.get("type")
        if kind == "object":
            return self._object(value, schema, key)
        if kind == "array":
            return self._list(value, schema, key)
        if kind == "string":
            return self._string(value, schema, key)
        return self._integer(value, key) if kind == "integer" else value

    def _object(self, value: Any, schema: Schema, key: str) -> dict[str, Any]:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = read_json_in(value, self.repairs)
        properties = schema.get("properties", {})
        required = list(schema.get("required", ()))
        if not isinstance(value, dict):
            keys = ", ".join(f"'{name}'" for name in required[:10])
            where = f"each item of '{key}'" if key else "the reply"
            raise InvalidReply(f"{where} should be an object with {keys}, not {_shown(value)}")
        found: dict[str, Any] = {}
        for name, inner in value.items():
            known = find_name(name, properties, self.repairs)
            if known is None:
                self.repairs.add(EXTRA_KEY, f"{_shown(name)}: {_shown(inner)}")
            elif known in found:
                raise InvalidReply(f"the key '{known}' is there twice, once as '{name[:60]}'")
            else:
                found[known] = self.shape(inner, properties[known], known)
        missing = [f"'{name}'" for name in required if name not in found]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            raise InvalidReply(f"{', '.join(missing[:10])} {verb} missing in {_shown(value)}")
        return found

    def _list(self, value: Any, schema: Schema, key: str) -> list[Any]:
        items = schema.get("items", {})
        of_strings = items.get("type") == "string"
        if isinstance(value, str):
            if value.strip().startswith("[") and value not in self.text:
                value = read_json_in(value, self.repairs)
            elif of_strings and self._is_one_mention(value):
                self.repairs.add(STRING_FOR_LIST, f"'{key}': {_shown(value)}")
                value = [value]
        if not isinstance(value, list):
            what = "strings" if of_strings else "objects"
            raise InvalidReply(f"'{key}' should hold a list of {what}, not {_shown(value)}")
        if not of_strings:
            return [self.shape(item, items, key) for item in value]
        if nulls := sum(item is None for item in value):
            self.repairs.add(NULL_AMONG_STRINGS, f"'{key}': {_shown(value)}", count=nulls)
        return [
            self._string(self._text_of(item, key) if isinstance(item, dict) else item, items, key)
            for item in value
            if item is not None
        ]

    def _is_one_mention(self, string: str) -> bool:
        # "Ann, Bo" may be two, and "none" is no mention at all.
        return bool(string.strip()) and string in self.text and not _PARTS.search(string)

    def _text_of(self, item: Mapping[str, Any], label: str) -> Any:
        """The string of an object that stands in its place, under a label."""
        text = item.get("text")
        if not isinstance(text, str):
            raise InvalidReply(f"'{label}' should hold a list of strings, not {_shown(item)}")
        for key, value in item.items():
            if key == "text":
                continue
            named = isinstance(value, str) and fold(key) in _LABEL_KEYS
            if (named and fold(value) != fold(label)) or fold(key) == "occurrence":
                # Left out, it would be another entity.
                raise InvalidReply(f"'{label}' should hold a list of strings, not {_shown(item)}")
            if not named:
                self.repairs.add(EXTRA_KEY, f"{_shown(key)}: {_shown(value)}")
        self.repairs.add(OBJECT_FOR_STRING, f"'{label}': {_shown(item)}")
        return text

    def _string(self, value: Any, schema: Schema, key: str) -> str:
        if not isinstance(value, str):
            raise InvalidReply(f"'{key}' should hold a string, not {_shown(value)}")
        if "enum" in schema:
            known = find_name(value, schema["enum"], self.repairs)
            if known is None:
                names = ", ".join(map(str, schema["enum"]))
                raise InvalidReply(f"'{value[:60]}' is none of the labels; use only: {names}")
            return known
        # Half of a surrogate pair, which JSON can hold and a Doc and a file can't.
        return value.encode("utf8", "replace").decode("utf8")

    def _integer(self, value: Any, key: str) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
            self.repairs.add(NUMBER_IN_STRING, f"'{key}': {_shown(value)}")
            return int(float(value)) if "." in value else int(value)
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidReply(f"'{key}' should be an integer, not {_shown(value)}")
        return value


def _shown(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:60]
    except RecursionError:
        return "what is nested too deeply"
