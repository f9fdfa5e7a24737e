"""Where the strings of a JSON object stand in a reply, for the probabilities of their tokens."""

import json
import re
from collections.abc import Iterator, Sequence

from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.formats.names import fold

# A string, and the colon that makes it a key.
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(\s*:)?', re.DOTALL)
# Objects that are tried: prose before the answer may hold braces, too.
TRIES = 10

KeyAndText = tuple[str, str]


def find_strings(
    content: str, wanted: Sequence[KeyAndText], keys: frozenset[str] | None = None, *, opening: str = "{"
) -> list[tuple[int, int]]:
    """Find the strings that were read from a reply's object.

    content (str): The reply as the server sent it.
    wanted (Sequence[tuple[str, str]]): The key under which each was, and its text, in order.
    keys (frozenset[str] | None): The keys whose strings are wanted, folded; None for all.
    opening (str): What they stand in; within a list, before any key, theirs is ''.
    RETURNS (list[tuple[int, int]]): Start and end of each within its quotes, before unescaping;
        (-1, -1) for all where they can't be found.
    """
    answer = strip_reply(content)
    base = content.rfind(answer)
    start = answer.find(opening)
    folded = {key: fold(key) for key, _ in wanted}
    for _ in range(TRIES):
        if start < 0 or base < 0:
            break
        found: list[tuple[int, int]] = []
        for key, text, begin, end in _strings(answer, start):
            if len(found) == len(wanted):
                break
            if key not in folded:
                folded[key] = fold(key)
            if keys is None or folded[key] in keys:
                wanted_key, wanted_text = wanted[len(found)]
                if text != wanted_text or folded[key] != folded[wanted_key]:
                    break
                found.append((base + begin, base + end))
        if len(found) == len(wanted):
            return found
        start = answer.find(opening, start + 1)
    return [(-1, -1)] * len(wanted)


def _strings(answer: str, start: int) -> Iterator[tuple[str, str, int, int]]:
    """Go through the strings that are values, with the key above each."""
    key = ""
    for match in STRING.finditer(answer, start):
        text = match[1]
        if "\\" in text:
            try:
                text = json.loads(f'"{text}"', strict=False)
            except json.JSONDecodeError:
                return
        if match[2]:
            key = text
        else:
            yield key, text, match.start(1), match.end(1)
