"""What a chat model is asked for: records, each as it is planned, as one JSON object."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from spacy_ner_plus.annotation.generate.llm.plan import PlannedRecord
from spacy_ner_plus.annotation.generate.llm.settings import LLMSettings
from spacy_ner_plus.annotation.generate.records import Record
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.requests import ChatRequest, Message

# How entities are written: as that reply format has them.
ENTITIES = get_format("entity_list")
SCHEMA_NAME = "records"
MOST_EXAMPLES = 5
# So much is shown of a text that a new one mustn't be like.
_SHOWN = 160
_RULES = """Rules:
- Everything is invented. Use names of many origins, and no well-known ones.
- A text is nothing but itself: no title, no number, no remark about it.
- Name every entity of these labels in a text, each time it occurs, also those that weren't asked for. Copy it \
exactly, with the same letters, case, punctuation and spaces.
- "occurrence" says which place is meant: 1 for the first time that these words stand in the text, 2 for the second, \
and so on, also counting the times when they are no entity.
- Every entity has one label, and no entity lies within another. Take the longest.
- Texts differ from each other: in what they are about, in how they begin, in the order of what they say."""


def schema_of(labels: LabelSet) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The JSON schema of replies."""
    entities = ENTITIES.schema(labels.names)["properties"]["entities"]
    record = {
        "type": "object",
        "properties": {"number": {"type": "integer"}, "text": {"type": "string"}, "entities": entities},
        "required": ["number", "text", "entities"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"records": {"type": "array", "items": record}},
        "required": ["records"],
        "additionalProperties": False,
    }


class RecordPrompts:
    """Writes requests for planned records.

    labels (LabelSet): What entities may be, with definitions.
    language (str): Its English name; '' for any.
    examples (Sequence[Record]): Records as they should be; the first five are shown.
    """

    def __init__(
        self, labels: LabelSet, settings: LLMSettings, language: str, examples: Sequence[Record] = ()
    ):
        self.labels = labels
        self.schema = schema_of(labels)
        self._system = _system(labels, settings, language, examples)

    def request(
        self, records: Sequence[PlannedRecord], attempt: int, avoid: Mapping[int, str] | None = None
    ) -> ChatRequest:
        """Ask for records.

        attempt (int): Which time it is, from 0: the same records can be asked for several times.
        avoid (Mapping[int, str] | None): By the number of a record, a text that it was too much like.
        """
        lines = [
            _line(place, record, (avoid or {}).get(record.number, "")) for place, record in _placed(records)
        ]
        messages = [
            {"role": "system", "content": self._system},
            {"role": "user", "content": "\n".join(["Write these records:", *lines])},
        ]
        return ChatRequest(messages, self.schema, SCHEMA_NAME, sample=attempt)

    def again(self, request: ChatRequest, reply: str, problems: Mapping[int, str]) -> ChatRequest:
        """Ask once more for the records of a reply that can't be used.

        problems (Mapping[int, str]): Why, by the place of a record, from 1.
        """
        lines = [f"{place}. {reason}." for place, reason in problems.items()]
        said = "\n".join(
            [
                "Some of these records can't be used:",
                *lines,
                "Write these anew, with their numbers, and no others.",
            ]
        )
        turns: list[Message] = [{"role": "assistant", "content": reply}, {"role": "user", "content": said}]
        return ChatRequest([*request.messages, *turns], self.schema, SCHEMA_NAME, sample=request.sample)


def _placed(records: Sequence[PlannedRecord]) -> list[tuple[int, PlannedRecord]]:
    return list(enumerate(records, start=1))


def _system(labels: LabelSet, settings: LLMSettings, language: str, examples: Sequence[Record]) -> str:
    rows = []
    for row in labels.rows:
        definition = f": {row['definition']}" if row["definition"] else ""
        mentions = f" For example: {'; '.join(row['examples'])}." if row["examples"] else ""
        rows.append(f"- {row['name']}{definition}{mentions}")
    about = [
        f"The texts are: {settings.domain.strip()}." if settings.domain.strip() else "",
        f"They are written so: {settings.style.strip()}." if settings.style.strip() else "",
        f"Their language is {language}." if language else "",
    ]
    skeleton = json.loads(ENTITIES.skeleton(labels.names))
    record = {"number": 1, "text": "...", **skeleton}
    shown = [
        json.dumps(_example(number, example, labels), ensure_ascii=False)
        for number, example in enumerate(examples[:MOST_EXAMPLES], start=1)
    ]
    parts = [
        "You write texts together with the named entities in them, to train models that find such entities.",
        " ".join(filter(None, about)),
        "\n".join(["Labels:", *rows]),
        _RULES,
        "\n".join(["Such records are, and none of yours is like them:", *shown]) if shown else "",
        "Reply with one JSON object of this form and nothing else:\n"
        + json.dumps({"records": [record]}, ensure_ascii=False),
    ]
    return "\n\n".join(filter(None, parts))


def _example(number: int, example: Record, labels: LabelSet) -> dict[str, Any]:
    entities = json.loads(ENTITIES.render(example.spans, labels.names, example.text))
    return {"number": number, "text": example.text, **entities}


def _line(place: int, record: PlannedRecord, avoid: str) -> str:
    least, most = record.words
    said = [f"{place}. {least} to {most} words."]
    if record.labels:
        said.append(f"At least one entity of each of: {', '.join(record.labels)}.")
        said.append(f"Some names begin with {' or '.join(record.letters)}.")
    else:
        said.append("No entity of any label at all, though some words look like one: entities is [].")
    if record.ambiguous:
        said.append(
            f"One {record.ambiguous} is a word that elsewhere is an entity of another label, or an ordinary word: only "
            "the context tells."
        )
    if record.edge_case:
        said.append(f"It shows this: {record.edge_case.strip().rstrip('.')}.")
    if avoid:
        said.append(f"It is very different from: {json.dumps(avoid[:_SHOWN], ensure_ascii=False)}.")
    return " ".join(said)
