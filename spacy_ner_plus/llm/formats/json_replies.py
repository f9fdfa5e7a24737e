"""Reply texts: what models put around an answer, and the JSON object in it."""

import json
import re
import warnings
from typing import Any

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.llm.requests import InvalidReply

# Reasoning stands before the answer. The opening tag is missing where the chat template ends with it.
_THOUGHT = re.compile(r"\s*<(think|thinking)>.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
_THOUGHT_END = re.compile(r"</think(?:ing)?>[ \t]*(?:\r?\n|\Z|(?=[{`]))", re.IGNORECASE)
_FENCE = re.compile(r"(`{3,}|~{3,})[^\n`]*\n")
# What can begin a JSON object or a list of them; brackets in prose, such as "{name}" and "[1]", can't.
_JSON_START = re.compile(r'\{\s*["}]|\[\s*\{')
_BRACKET_OR_STRING = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"?', re.DOTALL)


def strip_reply(content: str) -> str:
    """Take off what is around the answer: reasoning in <think> tags, and a Markdown fence around all of it.

    Reasoning is only looked for in front of the answer, also where its end or its beginning is
    missing; a fence within the answer stays, since it can be part of a text that was copied.

    content (str): A reply as the server sent it.
    RETURNS (str): The answer, without white space around it. Empty where all is reasoning.
    """
    while thought := _THOUGHT.match(content):
        content = content[thought.end() :]
    content = content.strip()
    if not content.startswith(("{", "[", "`", "~")) and (end := _THOUGHT_END.search(content)):
        content = content[end.end() :].strip()
    if fence := _FENCE.match(content):
        content = content[fence.end() :].rstrip()
        content = content.removesuffix(fence[1]).strip()
    return content


def read_json(content: str, *, repair: bool = False) -> Any:
    """Read the first JSON object of a reply, whatever stands around it.

    content (str): A reply as the server sent it.
    repair (bool): Whether to mend what is no JSON, with a warning; `read_or_repair_json` says it of
        each reply instead.
    RETURNS (Any): The object; a list, where the reply has a list of objects in its place.
    RAISES (InvalidReply): Where there is none, it breaks off, it is no JSON, or it has a key twice.
    """
    if not repair:
        return _first_object(strip_reply(content))
    value, repaired = read_or_repair_json(content)
    if repaired:
        warnings.warn(Warnings.W250.format(reply=_shown(content)), stacklevel=2)
    return value


def read_or_repair_json(content: str) -> tuple[Any, bool]:
    """Read the first JSON object of a reply, and mend it where it is no JSON.

    content (str): A reply as the server sent it.
    RETURNS (tuple[Any, bool]): The object, and whether it was mended, so that part of it may be lost.
    RAISES (InvalidReply): Where nothing can be made of it.
    """
    answer = strip_reply(content)
    try:
        return _first_object(answer), False
    except InvalidReply as error:
        with from_extra("llm"):
            from json_repair import repair_json

        start = answer.find("{")
        if start < 0:
            raise
        try:
            value = repair_json(answer[start:], return_objects=True)
        except (ValueError, RecursionError):
            raise error from None
        if isinstance(value, list):  # prose or a second object came after it
            value = next((item for item in value if isinstance(item, dict)), None)
        if not isinstance(value, dict) or not value:
            raise
        return value, True


def _first_object(answer: str) -> Any:
    if not answer:
        raise InvalidReply("the reply is empty")
    failure: InvalidReply | None = None
    at = _JSON_START.search(answer)
    while at:
        start = at.start()
        try:
            return _DECODER.raw_decode(answer, start)[0]
        except InvalidReply as error:
            failure = error
        except json.JSONDecodeError as error:
            failure = InvalidReply(
                f"the reply is no valid JSON: {error.msg} at '{_shown(answer[error.pos :])}'"
            )
        except RecursionError:
            raise InvalidReply("the reply's JSON is nested too deeply") from None
        except ValueError as error:  # an integer with thousands of digits
            failure = InvalidReply(f"the reply is no valid JSON: {error}")
        # Not into the broken object: one within it would pass for the whole reply.
        end = _balanced_end(answer, start)
        if end is None:
            raise InvalidReply("the reply's JSON object isn't closed")
        at = _JSON_START.search(answer, end)
    raise failure or InvalidReply(f"the reply holds no JSON object: '{_shown(answer)}'")


def _balanced_end(answer: str, start: int) -> int | None:
    depth = 0
    for part in _BRACKET_OR_STRING.finditer(answer, start):
        if part[0] in "{[":
            depth += 1
        elif part[0] in "}]":
            depth -= 1
            if not depth:
                return part.end()
    return None


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python's reader keeps the last of equal keys and drops what the others held.
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidReply(f"the key '{twice}' is in one JSON object twice")
    return found


def _no_constant(name: str) -> Any:
    raise InvalidReply(f"{name} is no JSON value")


def _shown(text: str, length: int = 60) -> str:
    line = " ".join(text[: 2 * length].split())
    return line if len(line) <= length else f"{line[:length]}..."


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_constant)
