"""`label_lists`: for each label the list of its mentions.

    {"PER": ["Ann Lee", "Bo"], "LOC": []}

The mentions of a label are in the order of the text, each as often as it is an entity there.
"""

import json
from collections.abc import Sequence
from typing import Any

from spacy_ner_plus.alignment.mentions import Mention
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.formats.base import CharMention, shipped_template
from spacy_ner_plus.llm.formats.json_replies import close_reply
from spacy_ner_plus.llm.formats.json_shapes import read_shaped
from spacy_ner_plus.llm.formats.json_strings import find_strings
from spacy_ner_plus.llm.formats.names import fold
from spacy_ner_plus.llm.formats.reading import Reading
from spacy_ner_plus.llm.formats.text_grammars.disjoint_lists import disjoint_lists
from spacy_ner_plus.llm.formats.text_grammars.string_lists import list_grammar
from spacy_ner_plus.llm.formats.text_grammars.text_walk import Piece, TextWalk, literal


def label_lists_v1() -> "LabelLists":
    """Make the format, which configs name 'spacy_ner_plus.label_lists.v1' or 'label_lists'."""
    return LabelLists()


class LabelLists:
    """A JSON object with a list of strings for each label."""

    name = "label_lists"

    @property
    def instructions(self) -> str:
        return shipped_template("label_lists.v1")

    def skeleton(self, labels: Sequence[str]) -> str:
        return json.dumps({label: ["..."] for label in labels}, ensure_ascii=False)

    def schema(self, labels: Sequence[str]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {label: {"type": "array", "items": {"type": "string"}} for label in labels},
            "required": list(labels),
            "additionalProperties": False,
        }

    def grammar(self, labels: Sequence[str]) -> None:
        return None

    def text_grammar(self, labels: Sequence[str], text: str, pieces: Sequence[Piece]) -> str | None:
        walk = TextWalk(text, pieces)
        if disjoint := disjoint_lists(walk, labels):
            return disjoint
        # Of a text that is too long for that, no list has a mention too often for itself.
        keys = [literal(json.dumps(label, ensure_ascii=False) + ": ") + " LIST" for label in labels]
        lists = f" {literal(', ')} ".join(keys)
        return list_grammar(walk, f"{literal('{')} {lists} {literal('}')}")

    def parse(self, content: str, labels: Sequence[str], text: str) -> Reading:
        return self._read(content, labels, text, self.schema(labels))

    def parse_cut(self, content: str, labels: Sequence[str], text: str) -> Reading:
        read = self._read(close_reply(content), labels, text, {**self.schema(labels), "required": []})
        # Of labels that weren't come to, there may be mentions anywhere.
        read.unread = [(0, len(text))]
        return read

    def _read(self, content: str, labels: Sequence[str], text: str, schema: dict[str, Any]) -> Reading:
        repairs = IssueLog()
        lists = read_shaped(content, schema, text, repairs)
        found = [(label, item) for label, items in lists.items() for item in items]
        # Keys that weren't asked for may hold strings, too.
        offsets = find_strings(content, found, frozenset(map(fold, labels)))
        return Reading(
            [
                Mention(item, label, reply_start=start, reply_end=end)
                for (label, item), (start, end) in zip(found, offsets, strict=True)
            ],
            repairs,
        )

    def render(self, mentions: Sequence[CharMention], labels: Sequence[str], text: str) -> str:
        lists: dict[str, list[str]] = {label: [] for label in labels}
        for start, end, label in sorted(mentions):
            lists[label].append(text[start:end])
        return json.dumps(lists, ensure_ascii=False)
