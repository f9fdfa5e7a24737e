"""`entity_list`: one list of entities, each with its label and which occurrence of its text it is.

    {"entities": [{"text": "Bo", "label": "PER", "occurrence": 2}]}

Occurrences are counted from 1: first where the text stands as a word or words of its own, then
within longer words.
"""

import json
from collections.abc import Sequence
from typing import Any

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.alignment.occurrences import occurrences
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.base import CharMention, shipped_template
from spacy_ner_plus.llm.formats.json_replies import close_reply
from spacy_ner_plus.llm.formats.json_shapes import read_shaped
from spacy_ner_plus.llm.formats.json_strings import find_strings
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.formats.text_grammars.string_lists import string_grammar
from spacy_ner_plus.llm.formats.text_grammars.text_walk import Piece, TextWalk, any_of, literal
from spacy_ner_plus.llm.formats.text_grammars.ways import OPAQUE
from spacy_ner_plus.llm.requests import InvalidReply

TEXT = frozenset({"text"})


def entity_list_v1() -> "EntityList":
    """Make the format, which configs name 'spacy_ner_plus.entity_list.v1' or 'entity_list'."""
    return EntityList()


class EntityList:
    """A JSON object with one list of entities."""

    name = "entity_list"

    @property
    def instructions(self) -> str:
        return shipped_template("entity_list.v1")

    def skeleton(self, labels: Sequence[str]) -> str:
        entity = {"text": "...", "label": labels[0] if labels else "...", "occurrence": 1}
        return json.dumps({"entities": [entity]}, ensure_ascii=False)

    def schema(self, labels: Sequence[str]) -> dict[str, Any]:
        entity = {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "label": {"type": "string", "enum": list(labels)},
                "occurrence": {"type": "integer"},
            },
            "required": ["text", "label", "occurrence"],
            "additionalProperties": False,
        }
        return {
            "type": "object",
            "properties": {"entities": {"type": "array", "items": entity}},
            "required": ["entities"],
            "additionalProperties": False,
        }

    def grammar(self, labels: Sequence[str]) -> None:
        return None

    def text_grammar(self, labels: Sequence[str], text: str, pieces: Sequence[Piece]) -> str | None:
        walk = TextWalk(text, pieces)
        numbers = _Numbers(walk)
        middle = literal('", "label": '), literal(', "occurrence": ')
        names = any_of([literal(json.dumps(label, ensure_ascii=False)) for label in labels])
        # The number says which run of the text it is; no other run with the same text has it.
        return string_grammar(
            walk,
            nothing=literal('{"entities": []}'),
            opening=literal('{"entities": [{"text": "'),
            before_close="MIDDLE",
            close=lambda k, length: literal(f"{numbers.of(k, length)}}}"),
            between=literal(', {"text": "'),
            end=literal("]}"),
            terminals=[f"MIDDLE: ({middle[0]} {names} {middle[1]}) & {OPAQUE}"],
        )

    def parse(self, content: str, labels: Sequence[str], text: str) -> Reading:
        repairs = IssueLog()
        found = read_shaped(content, self.schema(labels), text, repairs)["entities"]
        for entity in found:
            if entity["occurrence"] < 1:
                raise InvalidReply(f"'occurrence' should be an integer from 1, in {_shown(entity)}")
        offsets = find_strings(content, [("text", entity["text"]) for entity in found], TEXT)
        return Reading(
            [
                Mention(**entity, reply_start=start, reply_end=end)
                for entity, (start, end) in zip(found, offsets, strict=True)
            ],
            repairs,
        )

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        read = self.parse(close_reply(content), labels, text)
        # The list may not be in the order of the text.
        read.unread = [(0, len(text))]
        return read

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        known: dict[str, list[int]] = {}
        entities = []
        for start, end, label in sorted(mentions):
            mention = text[start:end]
            if mention not in known:
                known[mention] = occurrences(text, mention)
            number = known[mention].index(start) + 1
            entities.append({"text": mention, "label": label, "occurrence": number})
        return json.dumps({"entities": entities}, ensure_ascii=False)


class _Numbers:
    """Which occurrence of its text each run of pieces is."""

    def __init__(self, walk: TextWalk):
        self._walk = walk
        self._found: dict[str, list[int]] = {}
        self._unique_from: dict[int, int] = {}  # from a first piece on, at which length a run stands once

    def of(self, k: int, length: int) -> int:
        """RETURNS (int): The number, from 1, of the run of so many pieces before piece k; shorter ones come first."""
        first = k - length
        if length > self._unique_from.get(first, length):
            return 1
        mention = self._walk.run(k, length)
        if mention not in self._found:
            self._found[mention] = occurrences(self._walk.text, mention)
        found = self._found[mention]
        if len(found) == 1:
            self._unique_from.setdefault(first, length)
        return found.index(self._walk.pieces[first][0]) + 1


def _shown(entity: dict[str, Any]) -> str:
    return json.dumps(entity, ensure_ascii=False)[:60]
