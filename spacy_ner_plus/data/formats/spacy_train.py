"""`spacy-train`: pairs of a text and its entities, as spaCy 2 was trained on, in Python, JSON or JSON lines.

    TRAIN_DATA = [("Rosa Quint left", {"entities": [(0, 10, "PER")]}), ...]
    [["Rosa Quint left", {"entities": [[0, 10, "PER"]]}], ...]
    {"classes": ["PER"], "annotations": [["Rosa Quint left", {"entities": [[0, 10, "PER"]]}], null]}

Of a Python file only literal values are read, and nothing of it is run; `variable` names the list to take where there
are several. The third form is what the NER Annotator for spaCy saves; its nulls are texts that were passed over.
Entities may also be spans as objects, in groups under `spans`, or BILUO tags beside `words`.
"""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from spacy.util import get_words_and_spaces

from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY, Reading, Sniff
from spacy_ner_plus.data.parsing.offset_spans import has_offsets, read_spans, refuse
from spacy_ner_plus.data.parsing.record_keys import meta_of
from spacy_ner_plus.data.parsing.token_tags import mark_tags
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.record import SPANS_KEY, Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

SHAPES = "pairs of a text and {'entities': [[start, end, label], ...]}"
# The beginnings of the Python file and of the annotator's, which may be longer than what is looked at.
PYTHON = re.compile(r"""[\[(,]\s*\(\s*[uUrRfF]{0,2}(?:'|")""")
ENTITIES = re.compile(r"""(?:'entities'|"entities")\s*:|\bentities\s*=""")
ANNOTATOR = re.compile(
    r"""\s*\{\s*"(?:classes"\s*:.*"annotations"\s*:|annotations"\s*:)\s*\[\s*(?:\[\s*"|null)""", re.S
)
# What no Python value that was given as data may raise, and what literal_eval does with others.
NO_LITERAL = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError)


@settings
class SpacyTrainOptions(TextOptions):
    """How pairs of a text and its entities are read."""

    variable: str = setting(
        "The name of the list to read out of a Python file; all lists of pairs where none is named.", ""
    )


class SpacyTrain:
    """The format, as `formats/format.py` says."""

    name = "spacy-train"
    about = "Pairs of a text and {'entities': [...]} as of spaCy 2, in Python or JSON; ner-annotator's files"
    endings = (".json", ".jsonl")
    options = SpacyTrainOptions
    keeps = frozenset()
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        head = source.head
        if ANNOTATOR.match(head):
            return Sniff(CERTAIN, "an object with `annotations` that are pairs of a text and its entities")
        values = source.head_values
        for value in values:
            if _is_pair(value) and isinstance(value[1], dict) and _has_entities(value[1]):
                return Sniff(CERTAIN, "pairs of a text and an object with `entities`")
            if _is_pair(value) and has_offsets(value[1]):
                return Sniff(LIKELY, "pairs of a text and its spans")
        if not values and ENTITIES.search(head) and PYTHON.search(head):
            return Sniff(CERTAIN, "Python with pairs of a text and its entities")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(
            lambda issues, notes: marked_texts(source, reading.options, issues, notes), source, SHAPES
        )


SPACY_TRAIN = SpacyTrain()


def marked_texts(
    source: Source, options: SpacyTrainOptions, issues: IssueLog, notes: list[str]
) -> Iterator[MarkedText]:
    """Read pairs.

    RAISES (UserError): What is neither JSON nor Python, has no pairs, or holds anything else.
    """
    pairs = (
        _of_json(source)
        if source.is_json and not _is_python(source)
        else _of_python(source, options, issues, notes)
    )
    for number, value in pairs:
        where = f"{source.name}:{number}"
        if isinstance(value, dict) and isinstance(value.get("text"), str):
            text, annotation = value["text"], {key: value[key] for key in value if key != "text"}
        elif _is_pair(value):
            text, annotation = value
        else:
            raise UserError(Errors.E152.format(where=where, found=json.dumps(value, default=str)[:60]))
        if isinstance(annotation, list | tuple):
            annotation = {"entities": annotation}
        yield _read_annotation(_json_types(annotation), MarkedText(text, where), issues)


def _read_annotation(annotation: dict[str, Any], marked: MarkedText, issues: IssueLog) -> MarkedText:
    groups = annotation.get("spans")
    is_groups = isinstance(groups, dict) and SPANS_KEY in groups
    words = annotation.get("words") if _are_texts(annotation.get("words")) else None
    used = ["entities", "words" if words else None, "spaces" if words else None]
    marked.meta = meta_of(annotation, [*used, "spans"])
    if words:
        marked.words, marked.spaces = words, annotation.get("spaces") or ()
    entities = annotation.get("entities")
    if entities is None and groups is not None:
        entities, groups = (groups[SPANS_KEY] if is_groups else groups), None
    if entities is None:
        check_no_annotation(annotation, ["entities", "spans"], marked.where, issues, marked.text)
    elif isinstance(entities, list) and entities and all(isinstance(tag, str | None) for tag in entities):
        _read_tags(entities, words, marked, issues)
    else:
        marked.spans = read_spans(entities, marked, issues)
    if groups and marked.spans is not None:
        others = read_spans(groups[SPANS_KEY] if is_groups else groups, marked, issues)
        known = {(span.start, span.end, span.label) for span in marked.spans}
        marked.spans += [span for span in others if (span.start, span.end, span.label) not in known]
    if is_groups and len(annotation["spans"]) > 1:
        marked.meta["spans"] = {key: value for key, value in annotation["spans"].items() if key != SPANS_KEY}
    return marked


def _read_tags(tags: list[str | None], words: list[str] | None, marked: MarkedText, issues: IssueLog) -> None:
    words = words or marked.text.split()
    try:
        aligned, spaces = get_words_and_spaces(words, marked.text)
    except ValueError:
        aligned, spaces = [], []
    bounds, at = [], 0
    for word, space in zip(aligned, spaces, strict=True):
        if word.strip():
            bounds.append((at, at + len(word)))
        at += len(word) + space
    if len(bounds) != len(tags):
        refuse(tags, marked, issues)
        return
    mark_tags(bounds, tags, marked, issues)


def _of_json(source: Source) -> Iterator[tuple[int, Any]]:
    for number, value in json_records(source.lines, source.name):
        if isinstance(value, dict) and "text" not in value and isinstance(value.get("annotations"), list):
            yield from ((number, pair) for pair in value["annotations"] if pair is not None)
        elif value is not None:
            yield number, value


def _is_python(source: Source) -> bool:
    return source.ending == ".py" or (not source.head_values and not ANNOTATOR.match(source.head))


def _of_python(
    source: Source, options: SpacyTrainOptions, issues: IssueLog, notes: list[str]
) -> Iterator[tuple[int, Any]]:
    """Take the lists of pairs out of a Python file, which isn't run."""
    try:
        tree = ast.parse("".join(source.lines))
    except SyntaxError as error:
        where = f"{source.name}:{error.lineno or 1}"
        raise UserError(Errors.E195.format(where=where, reason=error.msg)) from error
    except NO_LITERAL as error:
        raise UserError(Errors.E195.format(where=f"{source.name}:1", reason=error)) from error
    lists = [(name, node) for name, node in _lists(tree) if options.variable in ("", name)]
    if not lists:
        names = ", ".join(dict.fromkeys(name for name, _ in _lists(tree) if name)) or "none"
        raise UserError(
            Errors.E196.format(
                path=source.name, wanted=f" named {options.variable!r}" * bool(options.variable), names=names
            )
        )
    if len(lists) > 1:
        sizes = ", ".join(f"{name or 'a list'} ({len(node.elts):,})" for name, node in lists)
        notes.append(f"{source.name}: read {sizes}; `variable` takes one of them")
    for _, node in lists:
        for element in node.elts:
            try:
                value = ast.literal_eval(element)
            except NO_LITERAL:
                shown = ast.unparse(element)[:60]
                issues.add("record that is no literal", shown, f"{source.name}:{element.lineno}")
                continue
            if value is not None:
                yield element.lineno, value


def _lists(tree: ast.Module) -> list[tuple[str, ast.List | ast.Tuple]]:
    """RETURNS (list[tuple[str, ast.List | ast.Tuple]]): Lists of pairs with their names, in the order of the file."""
    found: list[tuple[str, ast.List | ast.Tuple]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Expr):
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            value = node.value
            if isinstance(value, ast.List | ast.Tuple) and any(map(_is_pair_node, value.elts)):
                found.append((target.id if isinstance(target, ast.Name) else "", value))
    return sorted(found, key=lambda pair: pair[1].lineno)


def _is_pair_node(node: ast.expr) -> bool:
    if not isinstance(node, ast.List | ast.Tuple) or len(node.elts) != 2:
        return False
    first, second = node.elts
    is_text = isinstance(first, ast.JoinedStr) or (
        isinstance(first, ast.Constant) and isinstance(first.value, str)
    )
    return is_text and isinstance(second, ast.Dict | ast.List | ast.Tuple)


def _is_pair(value: Any) -> bool:
    is_pair = isinstance(value, list | tuple) and len(value) == 2 and isinstance(value[0], str)
    return is_pair and isinstance(value[1], dict | list | tuple)


def _has_entities(annotation: dict[str, Any]) -> bool:
    return not annotation or bool({"entities", "spans", "cats", "words", "links"} & annotation.keys())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _json_types(value: Any) -> Any:
    """Write a Python literal as JSON would have it."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _json_types(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_json_types(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return value if isinstance(value, str | int | float | None) else str(value)
