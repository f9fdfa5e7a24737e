"""What the fault server answers: a fixed rule, so that a test knows what is right for a text."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

LABELS = ("PER", "ORG", "LOC", "MISC")
# How a client's message begins that asks once more for an answer to the message before.
RE_ASK = "That reply can't be used"
# And one that asks for what it missed.
NEXT_PASS = "Some entities may be missing from that reply"
_NAME = re.compile(r"\b[A-Z][a-z]+\b")
_ABOUT_ONE = re.compile(r"What describes (.+) in the text\?")
# What the instructions of formats say that have no schema.
_FORMS = {"tags": "with tags around", "lines": "a colon, a space and its tag", "python": "as Python code"}
_ONE_WORD = re.compile(r"the one word: (\w+)")


def names_by_label(text: str, labels: Sequence[str] = LABELS) -> dict[str, list[str]]:
    """Every capitalised word is a name, and its length says its label.

    text (str): A text.
    labels (Sequence[str]): The labels that were asked for.
    RETURNS (dict[str, list[str]]): The names of each label, in order.
    """
    found: dict[str, list[str]] = {label: [] for label in labels}
    for name in _NAME.findall(text):
        found[labels[len(name) % len(labels)]].append(name)
    return found


def asked_text(messages: Sequence[Mapping[str, str]]) -> str:
    """RETURNS (str): The last user message that is a text, not a word about a reply."""
    turns = [turn["content"] for turn in messages if turn["role"] == "user"]
    return next((turn for turn in reversed(turns) if not turn.startswith((RE_ASK, NEXT_PASS))), "")


def answer_about_one(messages: Sequence[Mapping[str, str]]) -> str:
    """RETURNS (str): The names of the one label that UniversalNER's question is about; '' where it isn't asked."""
    texts = [turn["content"] for turn in messages if turn["content"].startswith("Text: ")]
    question = _ABOUT_ONE.fullmatch(asked_text(messages))
    if not question or not texts:
        return ""
    # The instructions name all labels.
    labels = re.findall(r"^- ([^:\n]+)", messages[0]["content"].partition("Rules:")[0], re.MULTILINE)
    names = names_by_label(texts[-1].removeprefix("Text: "), labels)[question[1]]
    return json.dumps({"entities": names}, ensure_ascii=False)


def form_of(messages: Sequence[Mapping[str, str]]) -> str:
    """RETURNS (str): The form without a schema that is asked for: 'tags', 'lines', 'python'; '' for none."""
    system = next((turn["content"] for turn in messages if turn["role"] == "system"), "")
    return next((form for form, words in _FORMS.items() if words in system), "")


def answer(text: str, schema: Mapping[str, Any] | None, *, as_json: bool = False, form: str = "") -> str:
    """Answer a text.

    text (str): The last user message.
    schema (Mapping[str, Any] | None): The schema that was sent; None where none was, or it is ignored.
    as_json (bool): Whether the answer has to be JSON without a schema.
    form (str): What the instructions ask for without a schema.
    RETURNS (str): What follows the schema; without one the word that was asked for, the form, or label lists.
    """
    if schema is None:
        if not as_json and (word := _ONE_WORD.search(text)):
            return word[1]
        if form:
            return _WRITTEN[form](text)
        return json.dumps(names_by_label(text), ensure_ascii=False)
    return json.dumps(_follow(schema, text), ensure_ascii=False)


def _follow(schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    properties = schema["properties"]
    lists = [name for name, part in properties.items() if part.get("type") == "array"]
    reply: dict[str, Any] = {name: part["enum"][0] for name, part in properties.items() if part.get("enum")}
    item = properties[lists[0]]["items"] if lists else {}
    if "label" in item.get("properties", {}):
        labels = item["properties"]["label"]["enum"]
        return {**reply, lists[0]: _entities(text, labels)}
    return {**reply, **(names_by_label(text, lists) if lists else {})}


def _entities(text: str, labels: Sequence[str]) -> list[dict[str, Any]]:
    seen: dict[str, int] = {}
    entities = []
    for name in _NAME.findall(text):
        seen[name] = seen.get(name, 0) + 1
        entities.append({"text": name, "label": labels[len(name) % len(labels)], "occurrence": seen[name]})
    return entities


def _label(name: str) -> str:
    return LABELS[len(name) % len(LABELS)]


def _lines(text: str) -> str:
    return "\n".join(f"{name}: B-{_label(name)}" for name in _NAME.findall(text)) or "NONE"


def _calls(text: str) -> str:
    calls = "".join(f'    {_label(name)}(span="{name}"),\n' for name in _NAME.findall(text))
    return f"result = [\n{calls}]"


_WRITTEN: dict[str, Callable[[str], str]] = {
    "tags": lambda text: _NAME.sub(lambda name: f"<{_label(name[0])}>{name[0]}</{_label(name[0])}>", text),
    "lines": _lines,
    "python": _calls,
}
