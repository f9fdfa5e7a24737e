"""Formats of JSON records: how they are written, mutated and, by `json` alone, read.

A shape says where in a record things stand. Its reader goes by these places alone and knows nothing of the package.
"""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.data.formats.fuzz.gold import Text

Path = tuple[Any, ...]


def get(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def put(value: Any, path: Path, new: Any) -> None:
    get(value, path[:-1])[path[-1]] = new


def rename(value: Any, path: Path, random: Random, always: bool = False) -> bool:
    """Rename the last key of a path that is one of an object, or take it away."""
    path = path[: max((i for i, key in enumerate(path, start=1) if isinstance(key, str)), default=0)]
    if not path:
        return False
    inside = get(value, path[:-1])
    found = inside.pop(path[-1])
    if always or random.random() < 0.7:
        inside[random.choice([f"{path[-1]}x", f"_{path[-1]}_", path[-1][:-1] + "7"])] = found
    return True


@dataclass(frozen=True)
class JsonShape:
    """How the records of a format look.

    format (str): Its name.
    record (Callable[[Text], Any]): Makes a record.
    spans (Path): Where the list of spans stands in a record.
    text (Path): Where the text stands; () where there is none.
    start, end, label (Path): Where these stand in a span; () where there are none.
    mention (Path): Where a span's own text stands; () where it has none.
    lines (bool): Whether each record is a line, or all are one array.
    inclusive (bool): Whether ends are those of the last character.
    around (Path): The place of the array, where it stands within an object.
    ending (str): Of the file.
    by_word (bool): Whether offsets count words, which stand in a list in the text's place.
    """

    format: str
    record: Callable[[Text], Any]
    spans: Path
    text: Path = ("text",)
    start: Path = ()
    end: Path = ()
    label: Path = ("label",)
    mention: Path = ()
    lines: bool = False
    inclusive: bool = False
    around: Path = ()
    ending: str = ".json"
    by_word: bool = False
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.format

    def build(self, gold: list[Text]) -> list[Any]:
        return [self.record(text) for text in gold]

    def dump(self, records: list[Any]) -> bytes:
        if self.lines:
            return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        value: Any = records
        for key in reversed(self.around):
            value = {key: value}
        return json.dumps(value, ensure_ascii=False, indent=1).encode()

    def read(self, data: bytes) -> list[tuple[str, list[tuple[int, int, str]]]]:
        records = (
            [json.loads(line) for line in data.splitlines()]
            if self.lines
            else get(json.loads(data), self.around)
        )
        return [self._read(record) for record in records]

    def _read(self, record: Any) -> tuple[str, list[tuple[int, int, str]]]:
        text = get(record, self.text)
        words = text if self.by_word else []
        text = " ".join(words) if self.by_word else text.strip("\r\n")
        spans = []
        for span in get(record, self.spans):
            if self.start:
                start, end = get(span, self.start), get(span, self.end) + self.inclusive
            else:
                start = text.index(get(span, self.mention))
                end = start + len(get(span, self.mention))
            if self.by_word:
                start, end = len(" ".join(words[:start])) + bool(start), len(" ".join(words[:end]))
            mention = text[start:end]
            start += len(mention) - len(mention.lstrip())
            end -= len(mention) - len(mention.rstrip())
            spans.append((start, end, get(span, self.label)))
        return text, spans

    def cut(self, data: bytes, random: Random) -> bytes | None:
        """End the file within a record, or take a sign of its syntax away."""
        if random.random() < 0.5:
            at = random.randrange(2, len(data) - 2)
            cut = data[:at]
        else:
            at = random.choice([i for i, byte in enumerate(data) if chr(byte) in '{}[]":,'])
            cut = data[:at] + data[at + 1 :]
        try:
            parts = cut.splitlines() if self.lines else [cut]
            for part in parts:
                json.loads(part.decode())
        except ValueError:
            return cut
        # Between two records, or a sign that was part of a text.
        return None

    def mutate(self, kind: str, records: list[Any], random: Random) -> bytes | None:
        """RETURNS (bytes | None): The mutated file; None where this shape has no such mutation."""
        records = copy.deepcopy(records)
        if kind == "cut":
            return self.cut(self.dump(records), random)
        done = getattr(self, f"_{kind}", lambda *_: False)(records, random)
        return self.dump(records) if done else None

    def _span(self, records: list[Any], random: Random) -> tuple[Any, Any]:
        record = random.choice([record for record in records if get(record, self.spans)])
        return record, random.choice(get(record, self.spans))

    def _key(self, records: list[Any], random: Random) -> bool:
        record, span = self._span(records, random)
        places = [
            (record, self.text),
            (record, self.spans),
            (span, self.start),
            (span, self.end),
            (span, self.label),
        ]
        value, path = random.choice([place for place in places if place[1]])
        # These two leave it out where somebody found no spans.
        is_optional = path == self.spans and str(self) in ("prodigy", "label-studio-min")
        return rename(value, path, random, always=is_optional)

    def _range(self, records: list[Any], random: Random) -> bool:
        if not self.start:
            return False
        record, span = self._span(records, random)
        size = len(get(record, self.text))
        start, end = get(span, self.start), get(span, self.end)
        far = random.randint(size + 2, size + 50)
        new = random.choice(
            [(start, far), (far, far + 3), (-random.randint(1, 9), end), (start, None), ("x", end), (start, end + 0.5),
             (start, [end]), (end + 1, start - 1), (True, end), (start, {}), (start, -1), (float("nan"), end),
             (start, 10**30)]
        )  # fmt: skip
        put(span, self.start, new[0])
        put(span, self.end, new[1])
        return True

    def _wrong(self, records: list[Any], random: Random) -> bool:
        if not self.mention:
            return False
        record, span = self._span(records, random)
        if not self.start:
            put(span, self.mention, random.choice(["Zyx", "Zyx Wvu", get(span, self.mention) + "Zyx"]))
            return True
        by = random.choice([-3, -2, 2, 3, 4])
        text = get(record, self.text)
        start, end = get(span, self.start) + by, get(span, self.end) + by
        if not 0 <= start < end + self.inclusive <= len(text):
            return False
        put(span, self.start, start)
        put(span, self.end, end)
        return True

    def _label(self, records: list[Any], random: Random) -> bool:
        _, span = self._span(records, random)
        put(span, self.label, random.choice([5, 1.5, None, True, {}, [], [[]], "", "  ", [None]]))
        return True

    def _shift(self, records: list[Any], random: Random) -> bool:
        if not self.start:
            return False
        if self.mention:
            for record in records:
                for span in get(record, self.spans):
                    get(span, self.mention[:-1]).pop(self.mention[-1])
        record, span = self._span(records, random)
        text = get(record, self.text)
        start = random.randrange(len(text))
        end = random.randint(start + 1, min(len(text), start + (3 if self.by_word else 12)))
        mention = text[start:end]
        if not self.by_word and (not mention.strip()):
            return False
        put(span, self.start, start)
        put(span, self.end, end - (self.inclusive or 0))
        return True

    def _gone(self, records: list[Any], random: Random) -> bool:
        records.pop(random.randrange(len(records)))
        return True

    def _swap(self, records: list[Any], random: Random) -> bool:
        (_, one), (_, other) = self._span(records, random), self._span(records, random)
        first, second = get(one, self.label), get(other, self.label)
        put(one, self.label, second)
        put(other, self.label, first)
        return first != second


def _listed(text: Text) -> Iterator[tuple[int, int, str, str]]:
    for start, end, label in text.spans:
        yield start, end, label, text.text[start:end]


def _prodigy(text: Text) -> dict:
    return {
        "text": text.text,
        "_task_hash": 7,
        "spans": [{"start": s, "end": e, "label": label} for s, e, label, _ in _listed(text)],
        "answer": "accept",
        "_view_id": "ner_manual",
    }


def _label_studio(text: Text) -> dict:
    result = [
        {
            "id": f"r{s}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": s, "end": e, "text": mention, "labels": [label]},
        }
        for s, e, label, mention in _listed(text)
    ]
    return {
        "id": 1,
        "annotations": [{"id": 2, "was_cancelled": False, "completed_by": 1, "result": result}],
        "predictions": [],
        "data": {"text": text.text},
    }


def _argilla(text: Text) -> dict:
    spans = [{"label": label, "start": s, "end": e} for s, e, label, _ in _listed(text)]
    return {
        "id": f"id-{text.words[0]}",
        "status": "completed",
        "_server_id": f"s-{text.words[0]}",
        "fields": {"text": text.text},
        "metadata": {},
        "suggestions": {},
        "responses": {"spans": [{"value": spans, "user_id": "u"}]},
        "vectors": {},
    }


def _universal_ner(text: Text) -> dict:
    labels = sorted({label for *_, label in text.spans})
    turns = [
        {"from": "human", "value": f"Text: {text.text}"},
        {"from": "gpt", "value": "I've read this text."},
    ]
    for label in labels:
        mentions = [mention for *_, found, mention in _listed(text) if found == label]
        turns.append({"from": "human", "value": f"What describes {label} in the text?"})
        turns.append({"from": "gpt", "value": json.dumps(mentions, ensure_ascii=False)})
    return {"conversations": turns, "id": text.words[0]}


JSON_SHAPES = [
    JsonShape("prodigy", _prodigy, ("spans",), start=("start",), end=("end",), lines=True, ending=".jsonl"),
    JsonShape(
        "jsonl",
        lambda text: {
            "sentence": text.text,
            "entities": [{"begin": s, "end": e, "type": label} for s, e, label, _ in _listed(text)],
        },
        ("entities",),
        ("sentence",),
        ("begin",),
        ("end",),
        ("type",),
        lines=True,
        ending=".jsonl",
    ),
    JsonShape(
        "doccano",
        lambda text: {
            "id": 1,
            "text": text.text,
            "label": [list(span) for span in text.spans],
            "Comments": [],
        },
        ("label",),
        start=(0,),
        end=(1,),
        label=(2,),
        lines=True,
        ending=".jsonl",
    ),
    JsonShape(
        "doccano",
        lambda text: {
            "id": 1,
            "text": text.text,
            "relations": [],
            "Comments": [],
            "entities": [
                {"id": 1, "label": label, "start_offset": s, "end_offset": e}
                for s, e, label, _ in _listed(text)
            ],
        },
        ("entities",),
        start=("start_offset",),
        end=("end_offset",),
        lines=True,
        ending=".jsonl",
        name="doccano-relation",
    ),
    JsonShape(
        "dataturks",
        lambda text: {
            "content": text.text,
            "annotation": [
                {"label": [label], "points": [{"start": s, "end": e - 1, "text": mention}]}
                for s, e, label, mention in _listed(text)
            ],
            "extras": None,
        },
        ("annotation",),
        ("content",),
        ("points", 0, "start"),
        ("points", 0, "end"),
        ("label", 0),
        ("points", 0, "text"),
        lines=True,
        inclusive=True,
    ),
    JsonShape(
        "label-studio",
        _label_studio,
        ("annotations", 0, "result"),
        ("data", "text"),
        ("value", "start"),
        ("value", "end"),
        ("value", "labels", 0),
        ("value", "text"),
    ),
    JsonShape(
        "label-studio",
        lambda text: {
            "id": 1,
            "text": text.text,
            "annotator": 1,
            "annotation_id": 3,
            "lead_time": 1.5,
            "label": [
                {"start": s, "end": e, "text": mention, "labels": [label]}
                for s, e, label, mention in _listed(text)
            ],
        },
        ("label",),
        start=("start",),
        end=("end",),
        label=("labels", 0),
        mention=("text",),
        name="label-studio-min",
    ),
    JsonShape(
        "argilla", _argilla, ("responses", "spans", 0, "value"), ("fields", "text"), ("start",), ("end",)
    ),
    JsonShape(
        "spacy-train",
        lambda text: [text.text, {"entities": [list(span) for span in text.spans]}],
        (1, "entities"),
        (0,),
        (0,),
        (1,),
        (2,),
    ),
    JsonShape(
        "spacy-train",
        lambda text: [f"{text.text}\r", {"entities": [list(span) for span in text.spans]}],
        (1, "entities"),
        (0,),
        (0,),
        (1,),
        (2,),
        around=("annotations",),
        name="ner-annotator",
    ),
    JsonShape(
        "spacy-json",
        lambda text: {
            "text": text.text,
            "ents": [{"start": s, "end": e, "label": label} for s, e, label, _ in _listed(text)],
            "tokens": [
                {"id": i, "start": at, "end": at + len(text.words[i])} for i, at in enumerate(text.starts)
            ],
        },
        ("ents",),
        start=("start",),
        end=("end",),
        lines=True,
        ending=".jsonl",
    ),
    JsonShape(
        "rasa",
        lambda text: {
            "text": text.text,
            "intent": "tell",
            "entities": [
                {"start": s, "end": e, "value": mention, "entity": label}
                for s, e, label, mention in _listed(text)
            ],
        },
        ("entities",),
        start=("start",),
        end=("end",),
        label=("entity",),
        mention=("value",),
        around=("rasa_nlu_data", "common_examples"),
    ),
    JsonShape(
        "lighttag",
        lambda text: {
            "example_id": text.words[0],
            "content": text.text,
            "metadata": {},
            "classifications": [],
            "annotations": [
                {"tag": label, "start": s, "end": e, "value": mention}
                for s, e, label, mention in _listed(text)
            ],
        },
        ("annotations",),
        ("content",),
        ("start",),
        ("end",),
        ("tag",),
        ("value",),
        around=("examples",),
    ),
    JsonShape(
        "gliner",
        lambda text: {
            "tokenized_text": list(text.words),
            "ner": [[first, last - 1, label] for first, last, label in text.ents],
        },
        ("ner",),
        ("tokenized_text",),
        (0,),
        (1,),
        (2,),
        inclusive=True,
        by_word=True,
    ),
    JsonShape(
        "strings",
        lambda text: {
            "text": text.text,
            "entities": [{"text": mention, "label": label} for *_, label, mention in _listed(text)],
        },
        ("entities",),
        mention=("text",),
        lines=True,
        ending=".jsonl",
    ),
]
