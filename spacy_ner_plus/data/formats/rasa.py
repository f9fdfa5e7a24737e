"""`rasa`: the examples of Rasa's NLU training data.

    YAML       nlu:
               - intent: tell
                 examples: |
                   - [Rosa Quint](PER) moved to [Lund]{"entity": "LOC", "role": "to"}.

    JSON       {"rasa_nlu_data": {"common_examples": [{"text": "Rosa Quint left", "intent": "tell",
               "entities": [{"start": 0, "end": 10, "value": "Rosa Quint", "entity": "PER"}]}]}}

    Markdown   ## intent:tell
               - [Rosa Quint](PER) moved to [Lund](LOC:Lund in Sweden).

Each example is a record, with its intent in `meta`. In YAML and Markdown an example without brackets has no
entities; in JSON one without `entities` isn't annotated. Roles, groups and values that differ from the text have
no place on a span and are counted, as are synonyms, lookup tables and regular expressions.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from spacy_ner_plus.data.formats.format import CERTAIN, META, NESTED, SCORES, SPACES, Reading, Sniff
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

ROOT = "rasa_nlu_data"
SHAPES = (
    "[text](label) and [text]{...} in examples, or `entities` with start, end and entity in common_examples"
)
# What sections of the file hold beside examples, and what they are counted as.
OTHER_SECTIONS = {
    "synonym": "synonym that isn't kept",
    "regex": "regular expression that isn't kept",
    "lookup": "lookup table that isn't kept",
}
JSON_EXAMPLES = ("common_examples", "entity_examples", "intent_examples")
JSON_OTHERS = {"regex_features": "regex", "lookup_tables": "lookup", "entity_synonyms": "synonym"}

MARKED = re.compile(
    r"\[(?P<text>[^\]]+?)\](?:\((?P<label>[^:)]+?)(?::(?P<value>[^)]+))?\)|(?P<object>\{[^}]+?\})|(?P<list>\[[^\]]*\]))"
)
# Brackets that were meant to mark something, and don't.
BROKEN = re.compile(r"\]\s*[({]|\[\s*\{|\][^\[]*\]|\[[^\]]*(?:\[|$)|^[^\[]*\]")
BRACKET = re.compile(r"[][(){}]")
YAML_NLU = re.compile(r"^nlu\s*:", re.MULTILINE)
YAML_SECTION = re.compile(r"^\s*-?\s*(intent|synonym|regex|lookup)\s*:", re.MULTILINE)
MARKDOWN_SECTION = re.compile(r"^##\s*(\w+?)\s*:\s*(.+?)\s*$")
MARKDOWN_HEAD = re.compile(r"^##\s*(intent|synonym|regex|lookup)\s*:", re.MULTILINE)
MARKDOWN_ITEM = re.compile(r"\s*[-*+]\s*(.*\S)", re.DOTALL)
COMMENT = re.compile(r"<!--.*?--!*>", re.DOTALL)
ESCAPES = {"\\b": "\b", "\\f": "\f", "\\n": "\n", "\\r": "\r", "\\t": "\t"}
ESCAPE = re.compile(r"\\[bfnrt]")
SPAN_KEYS = ("start", "end", "entity", "value", "extractor", "confidence", "confidence_entity")
# YAML may name a part again and again: what would become too large is left out.
LARGEST_VALUE = 10_000


class Rasa:
    """The format, as `formats/format.py` says."""

    name = "rasa"
    about = "examples of Rasa's NLU training data, in YAML, JSON or Markdown"
    endings = (".yml", ".yaml", ".md", ".json")
    options = TextOptions
    keeps = frozenset({SPACES, NESTED, META, SCORES})
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        if source.is_json:
            # The whole file is one value, which the head may hold the beginning of.
            found = re.match(rf'\s*\{{\s*"{ROOT}"\s*:', source.head)
            if found or any(isinstance(record.get(ROOT), dict) for record in source.head_records):
                return Sniff(CERTAIN, f"`{ROOT}`")
        elif YAML_NLU.search(source.head) and YAML_SECTION.search(source.head):
            return Sniff(CERTAIN, "`nlu` with intents")
        elif MARKDOWN_HEAD.search(source.head):
            return Sniff(CERTAIN, "sections such as '## intent:'")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(
            lambda issues, notes: _marked_texts(source, issues, notes), source, SHAPES
        )


RASA = Rasa()


def _marked_texts(source: Source, issues: IssueLog, notes: list[str]) -> Iterator[MarkedText]:
    if source.is_json:
        return _of_json(source, issues)
    if MARKDOWN_HEAD.search(source.head) and not YAML_NLU.search(source.head):
        return _of_markdown(source, issues)
    return _of_yaml(source, issues, notes)


def _of_json(source: Source, issues: IssueLog) -> Iterator[MarkedText]:
    for number, value in json_records(source.lines, source.name):
        place = f"{source.name}:{number}"
        data = value.get(ROOT) if isinstance(value, dict) else None
        if not isinstance(data, dict):
            raise UserError(Errors.E613.format(where=place, found=json.dumps(value)[:60]))
        for key, kind in JSON_OTHERS.items():
            for other in data.get(key) or ():
                issues.add(OTHER_SECTIONS[kind], json.dumps(other, ensure_ascii=False)[:60], place)
        for key in data.keys() - {*JSON_EXAMPLES, *JSON_OTHERS}:
            issues.add("part of the file that isn't read", key, place)
        for key in JSON_EXAMPLES:
            examples = data.get(key) or []
            if not isinstance(examples, list):
                raise UserError(
                    Errors.E613.format(where=place, found=f"`{key}`: {json.dumps(examples)[:60]}")
                )
            for i, example in enumerate(examples, start=1):
                yield _of_record(example, f"{source.name}:{key}:{i}", issues)


def _of_record(example: Any, place: str, issues: IssueLog) -> MarkedText:
    if not isinstance(example, dict) or not isinstance(example.get("text"), str):
        shown = json.dumps(example, ensure_ascii=False)[:60]
        raise UserError(Errors.E613.format(where=place, found=f"an example without a text: {shown}"))
    marked = MarkedText(example["text"], place)
    marked.meta = {key: value for key, value in example.items() if key not in ("text", "entities")}
    entities = example.get("entities")
    if isinstance(entities, list):
        marked.spans = []
        for entity in entities:
            _add_entity(entity, marked, issues)
    elif entities is not None:
        _refuse(entities, marked, issues)
    else:
        check_no_annotation(example, ("text", "intent", "metadata", "entities"), place, issues, marked.text)
    return marked


def _add_entity(entity: Any, marked: MarkedText, issues: IssueLog) -> None:
    if not isinstance(entity, dict):
        _refuse(entity, marked, issues)
        return
    start, end, label, value = (entity.get(key) for key in ("start", "end", "entity", "value"))
    if not _is_offset(start) or not _is_offset(end) or not isinstance(label, str) or not label.strip():
        _refuse(entity, marked, issues)
        return
    # A value is the span's text, or what the text stands for.
    text = value if isinstance(value, str) and value in marked.text else None
    if value is not None and text is None:
        issues.add(
            "key of spans that isn't kept: value", f"{marked.text[start:end]!r}: {value!r}", marked.where
        )
    score = entity.get("confidence_entity", entity.get("confidence"))
    is_score = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    marked.spans.append(MarkedSpan(start, end, label.strip(), text, score=float(score) if is_score else None))
    _count_keys(entity, marked.where, issues)


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count_keys(entity: Mapping[str, Any], place: str, issues: IssueLog) -> None:
    for key, value in entity.items():
        if key not in SPAN_KEYS and value is not None:
            issues.add(f"key of spans that isn't kept: {key}", str(value)[:60], place)


def _refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    shown = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)
    issues.add("label not understood", shown[:80], marked.where)
    marked.spans = marked.spans or []
    marked.unread.append(shown[:80])


def _of_markdown(source: Source, issues: IssueLog) -> Iterator[MarkedText]:
    # Line ends of a comment stay, by which lines are counted.
    content = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), "".join(source.lines))
    section = title = ""
    for number, line in enumerate(content.split("\n"), start=1):
        place = f"{source.name}:{number}"
        line = ESCAPE.sub(lambda found: ESCAPES[found[0]], line.strip())
        if not line:
            continue
        if line.startswith("#"):
            found = MARKDOWN_SECTION.match(line)
            section, title = (found[1], found[2]) if found else ("", "")
            if section not in OTHER_SECTIONS and section != "intent" and line.startswith("##"):
                issues.add("section that isn't read", line[:80], place)
            continue
        item = MARKDOWN_ITEM.match(line)
        if section == "intent" and item:
            yield _of_markup(item[1], {"intent": title}, place, issues)
        elif section in OTHER_SECTIONS:
            issues.add(OTHER_SECTIONS[section], f"{title}: {line}"[:60], place)
        else:
            issues.add("line not understood", line[:80], place)


def _of_yaml(source: Source, issues: IssueLog, notes: list[str]) -> Iterator[MarkedText]:
    import srsly

    try:
        # YAML's own types alone: no tag makes anything else.
        data = srsly.yaml_loads("".join(source.lines))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(Errors.E614.format(where=source.name, reason=reason)) from error
    sections = data.get("nlu") if isinstance(data, dict) else None
    if not isinstance(sections, list):
        raise UserError(
            Errors.E613.format(where=source.name, found=f"no list under `nlu`, but {str(data)[:60]}")
        )
    others = [str(key) for key in data if key not in ("nlu", "version")]
    if others:
        notes.append(f"{source.name}: only `nlu` is read, and not {', '.join(others)}")
    for number, section in enumerate(sections, start=1):
        yield from _of_section(section, f"{source.name}:nlu {number}", issues)


def _of_section(section: Any, place: str, issues: IssueLog) -> Iterator[MarkedText]:
    kind = next((key for key in OTHER_SECTIONS if isinstance(section, dict) and key in section), None)
    if kind is not None and "intent" not in section:
        issues.add(OTHER_SECTIONS[kind], f"{section[kind]}: {section.get('examples')}"[:60], place)
        return
    if not isinstance(section, dict) or "intent" not in section:
        issues.add("section that isn't read", str(section)[:80], place)
        return
    meta = {"intent": str(section["intent"])}
    for key, value in section.items():
        if key not in ("intent", "examples"):
            _keep(f"intent_{key}", value, meta, place, issues)
    examples = section.get("examples")
    if isinstance(examples, str) and examples.strip():
        yield from _of_lines(examples, meta, place, issues)
    elif isinstance(examples, list):
        for i, example in enumerate(examples, start=1):
            where = f"{place}:{i}"
            text = example.get("text") if isinstance(example, dict) else example
            if not isinstance(text, str):
                issues.add("example not understood", str(example)[:80], where)
                continue
            own = dict(meta)
            for key, value in example.items() if isinstance(example, dict) else ():
                if key != "text":
                    _keep(str(key), value, own, where, issues)
            # Some write the hyphen of the other form as well.
            yield _of_markup(text.strip("\n\r ").removeprefix("- "), own, where, issues)
    else:
        issues.add("intent without examples", f"{meta['intent']}: {', '.join(map(str, section))}"[:80], place)


def _of_lines(examples: str, meta: dict[str, Any], place: str, issues: IssueLog) -> Iterator[MarkedText]:
    for i, line in enumerate(examples.split("\n"), start=1):
        text = line.strip()
        if text.startswith("-"):
            if text[1:].strip():
                yield _of_markup(text[1:].strip(), dict(meta), f"{place}:{i}", issues)
        elif text and not text.startswith("#"):
            issues.add("line not understood", text[:80], f"{place}:{i}")


def _keep(key: str, value: Any, meta: dict[str, Any], place: str, issues: IssueLog) -> None:
    if _size(value) > LARGEST_VALUE:
        issues.add("value too large to keep", key, place)
    else:
        meta[key] = value


def _size(value: Any) -> int:
    """RETURNS (int): Of how many values something is made, up to just above the largest that is kept."""
    count, waiting = 0, [value]
    while waiting and count <= LARGEST_VALUE:
        part = waiting.pop()
        count += 1
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return count


def _of_markup(markup: str, meta: dict[str, Any], place: str, issues: IssueLog) -> MarkedText:
    """Read an example with its entities in brackets."""
    marked = MarkedText("", place, spans=[], meta=meta)
    at = 0
    for found in MARKED.finditer(markup):
        marked.text += markup[at : found.start()]
        at = found.end()
        start = len(marked.text)
        marked.text += found["text"]
        # A bracket within a mark is one that wasn't closed.
        labels = [] if "[" in found["text"] else _labels(found, place, issues)
        if not labels:
            issues.add("label not understood", found[0][:80], place)
            marked.lost.append((start, len(marked.text)))
        marked.spans += [MarkedSpan(start, len(marked.text), label, found["text"]) for label in labels]
    marked.text += markup[at:]
    if BROKEN.search(MARKED.sub("", markup)):
        _refuse(markup, marked, issues)
    return marked


def _labels(found: re.Match[str], place: str, issues: IssueLog) -> list[str]:
    if found["label"] is not None:
        if found["value"] and found["value"] != found["text"]:
            issues.add("key of spans that isn't kept: value", f"{found['text']!r}: {found['value']!r}", place)
        label = found["label"].strip()
        return [label] if label and not BRACKET.search(label) else []
    try:
        value = json.loads(found["object"] or found["list"])
    except (ValueError, RecursionError):
        return []
    entities = value if isinstance(value, list) else [value]
    labels = [entity.get("entity") if isinstance(entity, dict) else None for entity in entities]
    if not all(isinstance(label, str) and label.strip() for label in labels):
        return []
    for entity in entities:
        value = entity.get("value")
        if value is not None and value != found["text"]:
            issues.add("key of spans that isn't kept: value", f"{found['text']!r}: {value!r}", place)
        _count_keys(entity, place, issues)
    return [label.strip() for label in labels]
