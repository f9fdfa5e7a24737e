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
from spacy_ner_plus.llm.formats.base import CharMention, find_label, shipped_template
from spacy_ner_plus.llm.formats.json_replies import read_json
from spacy_ner_plus.llm.formats.json_strings import find_strings
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

    def parse(self, content: str, labels: Sequence[str], text: str) -> list[Mention]:
        value = read_json(content)
        entities = value.get("entities") if isinstance(value, dict) else value
        if not isinstance(entities, list):
            raise InvalidReply("the reply should be an object with a list under 'entities'")
        found = [_read_entity(entity, labels) for entity in entities]
        offsets = find_strings(content, [("text", mention) for mention, _, _ in found], TEXT)
        return [
            Mention(mention, label, occurrence, reply_start=start, reply_end=end)
            for (mention, label, occurrence), (start, end) in zip(found, offsets, strict=True)
        ]

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


def _read_entity(entity: Any, labels: Sequence[str]) -> tuple[str, str, int]:
    shown = json.dumps(entity, ensure_ascii=False)[:60]
    if not isinstance(entity, dict):
        raise InvalidReply(
            f"each entity should be an object with 'text', 'label' and 'occurrence', not {shown}"
        )
    text, label, occurrence = entity.get("text"), entity.get("label"), entity.get("occurrence", 0)
    if not isinstance(text, str) or not isinstance(label, str):
        raise InvalidReply(f"an entity has no 'text' or no 'label': {shown}")
    if isinstance(occurrence, bool) or not isinstance(occurrence, int) or occurrence < 0:
        raise InvalidReply(f"'occurrence' should be an integer from 1, in {shown}")
    return text, find_label(label, labels), occurrence
