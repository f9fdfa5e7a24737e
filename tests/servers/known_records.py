"""What the fault server writes where it is asked for records: valid ones, in which every capitalised word is a name."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

_ASKED = "Write these records:"
_LINE = re.compile(r"^(?P<place>\d+)\. (?P<least>\d+) to (?P<most>\d+) words\.", re.MULTILINE)
_WANTED = re.compile(r"At least one entity of each of: ([^.\n]+)\.")
_AGAIN = re.compile(r"^(\d+)\. ", re.MULTILINE)


def write_records(messages: Sequence[Mapping[str, str]]) -> str:
    """RETURNS (str): The records that are asked for, as JSON; '' where none are."""
    asked = [turn["content"] for turn in messages if turn["role"] == "user"]
    if not asked or not asked[0].startswith(_ASKED):
        return ""
    again = next((text for text in reversed(asked[1:]) if text.startswith("Some of these records")), "")
    places = {int(place) for place in _AGAIN.findall(again)}
    labels = re.findall(r"^- ([^:\n]+)", messages[0]["content"].partition("Rules:")[0], re.MULTILINE)
    records = []
    for line in asked[0].splitlines():
        match = _LINE.match(line)
        if match and (not places or int(match["place"]) in places):
            wanted = _WANTED.search(line)
            names = wanted[1].split(", ") if wanted else []
            # Another text in each of many conversations, the same for the same one.
            rng = random.Random(f"{line} {len(messages)} {asked}")
            records.append(_record(rng, int(match["place"]), int(match["least"]), names, labels))
    return json.dumps({"records": records}, ensure_ascii=False)


def _record(
    rng: random.Random, place: int, least: int, wanted: Sequence[str], labels: Sequence[str]
) -> dict[str, Any]:
    words = [_word(rng) for _ in range(max(least, 2))]
    entities = []
    for at, label in enumerate(wanted[: len(words)]):
        name = _word(rng).capitalize()
        # Its length says its label, as in known_answers.py.
        while len(name) % len(labels) != labels.index(label):
            name += rng.choice("aeiou")
        words[at] = name
        entities.append({"text": name, "label": label, "occurrence": 1})
    return {"number": place, "text": f"{' '.join(words)}.", "entities": entities}


def _word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(rng.randrange(2, 4)))
