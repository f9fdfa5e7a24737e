"""JSON values out of a file's lines: an array, single objects, or JSON lines.

A value is decoded as soon as its last bracket has been read, so that each keeps
the number of the line it begins on and a file of many records is never held whole.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.json_keys import unique_keys

JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
BRACKET = re.compile(r"[][{}]")
# One object that wraps the records, as models write it when told to answer with an object.
WRAPPERS = ("records", "examples", "data", "items", "results", "samples", "sentences")


class JsonObject(dict):
    """A JSON object that also keeps its pairs in order, with keys that appear twice.

    pairs (list[tuple[str, Any]]): All pairs as written.
    """

    def __init__(self, pairs: list[tuple[str, Any]]):
        super().__init__(pairs)
        self.pairs = pairs


def json_records(
    lines: Iterable[str], where: str, *, numbers_as_text: bool = False, pairs: bool = False
) -> Iterator[tuple[int, Any]]:
    """Read the records of a file, whichever of the three forms it has.

    where (str): The file's name, for the message.
    numbers_as_text (bool): Whether numbers stay as they are written, as strings.
    pairs (bool): Whether objects are JsonObjects.
    YIELDS (tuple[int, Any]): The line a record begins on, from 1, and the record.
    RAISES (UserError): What is no JSON, with its line; an object with two equal keys, unless it is a JsonObject.
    """
    decoder = _decoder(numbers_as_text, pairs)
    # What a writer yields may hold several lines.
    single = (part for line in lines for part in line.removesuffix("\n").split("\n"))
    numbered = ((n, line) for n, line in enumerate(single, start=1) if line.strip("\ufeff \t\r"))
    first = next(numbered, None)
    if first is None:
        return
    number, line = first[0], first[1].lstrip("\ufeff \t\r\n")
    if not line.startswith("["):
        values = _values(chain([(number, line)], numbered), decoder, where, in_array=False)
    elif (whole := _whole_array(line, decoder)) is not None:
        # One record of many lines, a file of one record, or a file in one line.
        second = next(numbered, None)
        in_array = second is None and not (len(whole) == 2 and isinstance(whole[0], str))
        rest = chain([] if second is None else [second], numbered)
        line = line[1:] if in_array else line
        values = _values(chain([(number, line)], rest), decoder, where, in_array=in_array)
    else:
        values = _values(chain([(number, line[1:])], numbered), decoder, where, in_array=True)
    for number, value in values:
        if isinstance(value, dict) and len(value) == 1:
            (key,) = value
            if key.lower() in WRAPPERS and isinstance(value[key], list):
                yield from ((number, record) for record in value[key])
                continue
        yield number, value


def json_objects(lines: Iterable[str], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the records of a file that must be objects.

    where (str): The file's name, for places and messages.
    YIELDS (tuple[str, dict[str, Any]]): A record's place, such as 'train.jsonl:12', and the record.
    RAISES (UserError): What is no JSON, or no object, or has two equal keys, with its line.
    """
    for number, value in json_records(lines, where):
        place = f"{where}:{number}"
        if not isinstance(value, dict):
            raise UserError(Errors.E152.format(where=place, found=json.dumps(value)[:60]))
        yield place, value


def _decoder(numbers_as_text: bool, pairs: bool) -> json.JSONDecoder:
    hook = JsonObject if pairs else unique_keys
    if numbers_as_text:
        return json.JSONDecoder(object_pairs_hook=hook, parse_int=str, parse_float=str)
    return json.JSONDecoder(object_pairs_hook=hook)


def _whole_array(line: str, decoder: json.JSONDecoder) -> list[Any] | None:
    try:
        return decoder.decode(line)
    except (ValueError, RecursionError):
        return None


def _values(
    numbered: Iterable[tuple[int, str]], decoder: json.JSONDecoder, where: str, *, in_array: bool
) -> Iterator[tuple[int, Any]]:
    """Decode values one after the other, with or without commas between them."""
    buffer: list[tuple[int, str]] = []
    depth, closed = 0, False
    for number, line in numbered:
        if closed:
            raise UserError(
                Errors.E150.format(where=f"{where}:{number}", reason="text after the closing bracket")
            )
        if depth == 0 and not buffer:
            # Most files have a record a line, which needs no count of brackets.
            value = _single(line, decoder)
            if value is not None:
                yield number, value
                continue
        buffer.append((number, line))
        touched = depth == 0
        brackets = BRACKET.findall(JSON_STRING.sub("", line))
        for bracket in brackets:
            depth += 1 if bracket in "[{" else -1
            touched = touched or depth <= 0
        if touched:
            complete = depth <= 0
            values, buffer, closed = _decode(buffer, decoder, where, in_array=in_array, complete=complete)
            yield from values
            depth = max(depth, 0)
    if buffer:
        values, buffer, closed = _decode(buffer, decoder, where, in_array=in_array, complete=True)
        yield from values
    if in_array and not closed:
        raise UserError(Errors.E150.format(where=f"{where}:{number}", reason="the closing ']' is missing"))


def _single(line: str, decoder: json.JSONDecoder) -> Any:
    """RETURNS (Any): The object or array that is all of a line, commas aside; None where there is none."""
    chunk = line.strip(" \t\r\n,")
    if chunk[:1] not in ("{", "[") or chunk[-1:] not in ("}", "]"):
        return None
    try:
        value, end = decoder.raw_decode(chunk)
    except (ValueError, RecursionError):
        return None
    return value if end == len(chunk) else None


def _decode(
    buffer: list[tuple[int, str]], decoder: json.JSONDecoder, where: str, *, in_array: bool, complete: bool
) -> tuple[list[tuple[int, Any]], list[tuple[int, str]], bool]:
    """Take every whole value off a buffer of numbered lines.

    complete (bool): Whether all that is in the buffer should decode.
    RETURNS (tuple[list[tuple[int, Any]], list[tuple[int, str]], bool]): The values,
        what is left for later, and whether the outer array was closed.
    """
    text = "".join(line if line.endswith("\n") else line + "\n" for _, line in buffer)
    numbers = [number for number, _ in buffer]
    values, at, ended, row, counted = [], 0, False, 0, 0
    while True:
        while at < len(text) and (text[at].isspace() or text[at] == ","):
            at += 1
        row, counted = row + text.count("\n", counted, at), at
        if at == len(text):
            return values, [], ended
        if in_array and text[at] == "]" and not ended:
            ended = True
            at += 1
            continue
        if ended:
            raise UserError(
                Errors.E150.format(where=f"{where}:{numbers[row]}", reason="text after the closing bracket")
            )
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            if not complete:
                left = text[at:].split("\n")[:-1]
                return values, list(zip(numbers[row:], left, strict=True)), ended
            # What fails at the start of a line was left open on the line before.
            fault = text.rfind("\n", 0, len(text[: error.pos].rstrip()))
            place = f"{where}:{numbers[text.count(chr(10), 0, fault + 1)]}"
            # Python's reason may end in 'at' or 'starting at', before a place in what was read.
            reason = error.msg.removesuffix(" at").removesuffix(" starting")
            raise UserError(Errors.E150.format(where=place, reason=reason)) from error
        except (ValueError, RecursionError) as error:
            raise UserError(Errors.E150.format(where=f"{where}:{numbers[row]}", reason=error)) from error
        values.append((numbers[row], value))
        at = end
