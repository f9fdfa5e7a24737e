"""Spans by offset in any spelling that tools and people have for them, read out of JSON.

    [0, 10, "PER"]    ["PER", 0, 10]    [[0, 10], "PER"]
    {"start": 0, "end": 10, "label": "PER"}    {"start_offset": "0", "end_offset": "10", "type": "PER"}
    {"offset": 0, "length": 10, "category": "PER", "text": "Rosa Quint", "confidence": 0.9}
    {"span": [0, 10], "labels": ["PER", "ARTIST"]}
    {"PER": [[0, 10]], "LOC": [{"start": 20, "end": 24}]}

Offsets are left as they are written; how they count is found out later.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.sources.fields import NOTHING, as_name, as_offset, as_score
from spacy_ner_plus.issues import IssueLog

# Names without case, '_' and '-', as `plain_key` makes them; what stands first counts where a span has several.
STARTS = (
    "start", "startoffset", "startchar", "startindex", "startidx", "startpos", "startposition", "charstart",
    "begin", "beginoffset", "beginchar", "beginindex", "spanstart", "offsetstart", "from", "offset",
)  # fmt: skip
ENDS = (
    "end", "endoffset", "endchar", "endindex", "endidx", "endpos", "endposition", "charend",
    "stop", "spanend", "offsetend", "to",
)  # fmt: skip
LENGTHS = ("length", "len")
PAIRS = (
    "span", "position", "positions", "indices", "indexes", "offsets", "offset", "range", "loc", "location",
    "charspan", "charoffsets", "spans", "points",
)  # fmt: skip
LABELS = (
    "label", "labels", "entitygroup", "entitytype", "entitylabel", "nertag", "nerlabel", "ner", "type", "types",
    "category", "class", "tag", "tags", "entity", "kind", "labelname", "concept", "name",
)  # fmt: skip
TEXTS = (
    "text", "mention", "quote", "surface", "surfaceform", "word", "phrase", "value", "string", "match", "covered",
    "entitytext", "spantext", "span", "content", "token", "entity", "name",
)  # fmt: skip
# Under which a record has its spans.
SPAN_KEYS = (
    "spans", "entities", "ents", "label", "labels", "ner", "annotations", "annotation", "mentions", "named_entities",
    "entity", "tags", "highlights", "results", "predictions",
)  # fmt: skip
# Where tools put what a model said.
GUESSES = frozenset({"results", "predictions"})
OTHER_SPANS = "spans under another key, not read"
IDS = ("id", "uid", "uuid", "spanid", "entityid")
SCORES = ("score", "confidence", "probability", "prob")
# What only repeats where a span lies.
REPEATED = frozenset({"tokenstart", "tokenend", "starttoken", "endtoken", "len", "length", "index", "word"})
NAMED = {
    "pair": PAIRS, "start": STARTS, "end": ENDS, "length": LENGTHS, "label": LABELS, "text": TEXTS, "id": IDS,
    "score": SCORES,
}  # fmt: skip
_NUMBERS = (int, float, str)
_NONE = type(None)
# What may stand under each.
KINDS: dict[str, tuple[type, ...]] = {
    "start": _NUMBERS,
    "end": _NUMBERS,
    "length": (int, float),
    "pair": (list,),
    "label": (str, list, int, _NONE),
    "text": (str,),
    "id": (str, int),
    "score": (int, float, str, _NONE),
}
# What some tools label as well, which says nothing else.
OUTSIDE = "O"
SHAPES = "spans with start, end (or length) and label"


class _Keys(NamedTuple):
    """Under which of a span's keys its parts stand; None where there is no such part."""

    start: str | None
    end: str | None
    length: str | None
    pair: str | None
    label: str | None
    text: str | None
    id: str | None
    score: str | None
    others: tuple[str, ...]


def read_spans(value: Any, marked: MarkedText, issues: IssueLog) -> list[MarkedSpan]:
    """Read all spans of a record.

    value (Any): What stands under the record's key for annotation: a list of spans, or spans by label.
    marked (MarkedText): The record; what can't be read of it is added to its `unread`.
    issues (IssueLog): Where that is counted.
    """
    spans: list[MarkedSpan] = []
    if isinstance(value, dict):
        # {"entities": [...]}, one level further down
        value = next((value[key] for key in SPAN_KEYS if has_offsets(value.get(key))), value)
    if isinstance(value, list):
        for item in value:
            spans += _read(item, None, marked, issues)
    elif isinstance(value, dict):
        for label, items in value.items():
            for item in _items(items):
                spans += _read(item, label, marked, issues)
    else:
        refuse(value, marked, issues)
    return spans


def count_other_spans(record: Mapping[str, Any], used: str, marked: MarkedText, issues: IssueLog) -> None:
    """Count spans that a record has under another key than the one they are read from, unless they are the same.

    What no span that is read covers is missing then. Predictions are no annotation.

    used (str): The key that is read.
    marked (MarkedText): The record, with the spans that were read.
    """
    known = {(span.start, span.end, span.label) for span in marked.spans or ()}
    for key in SPAN_KEYS:
        if key == used or key in GUESSES or not has_offsets(record.get(key)):
            continue
        others = read_spans(record[key], MarkedText(marked.text, marked.where), IssueLog())
        unread = [span for span in others if (span.start, span.end, span.label) not in known]
        if unread:
            shown = f"{key!r} beside {used!r}: {unread[0].label} [{unread[0].start}:{unread[0].end}]"
            issues.add(OTHER_SPANS, shown, marked.where)
            marked.partial = True


def refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    """Count a piece of annotation that can't be read, whose place isn't known."""
    shown = json.dumps(item, ensure_ascii=False)[:60]
    issues.add("label not understood", shown, marked.where)
    marked.unread.append(shown)


def has_offsets(value: Any) -> bool:
    """Whether what stands under a record's key is spans by offset; [] and {} aren't."""
    if isinstance(value, dict):
        return any(has_offsets(_items(items)) or _is_pair(items) for items in value.values())
    if not isinstance(value, list):
        return False
    for item in value:
        if isinstance(item, dict):
            keys = _keys(item)
            if keys.pair is not None and _is_pair(_first_pair(item[keys.pair])):
                return True
            if keys.start is not None and (keys.end is not None or keys.length is not None):
                return True
        elif isinstance(item, list) and _parts(item) is not None:
            return True
    return False


def _items(value: Any) -> list[Any]:
    """What a label has: one span or a list of them."""
    if isinstance(value, list) and not _is_pair(value):
        return value
    return [value]


def _read(item: Any, label: str | None, marked: MarkedText, issues: IssueLog) -> Iterator[MarkedSpan]:
    """Read a span, which may have several labels."""
    if isinstance(item, dict):
        yield from _read_object(item, label, marked, issues)
        return
    parts = _parts(item, label) if isinstance(item, list) else None
    if parts is None:
        refuse(item, marked, issues)
        return
    start, end, labels, others = parts
    if others:
        issues.add("part of a span that isn't kept", str(others[0])[:60], marked.where)
    for each in _label_list(labels):
        if each is None:
            refuse(item, marked, issues)
        elif not _is_outside(each, item, marked, issues):
            yield MarkedSpan(start, end, each)


def _read_object(
    item: dict[str, Any], label: str | None, marked: MarkedText, issues: IssueLog
) -> Iterator[MarkedSpan]:
    keys = _keys(item)
    for start, end in _bounds(item, keys):
        if start is None or end is None:
            refuse(item, marked, issues)
            continue
        labels = _label_list(item[keys.label] if keys.label is not None else label)
        if None in labels:
            refuse(item, marked, issues)
            continue
        text = None if keys.text is None else item[keys.text]
        name = as_name(item[keys.id]) if keys.id is not None else ""
        score = as_score(item[keys.score]) if keys.score is not None else None
        unread = (*keys.others, keys.score) if keys.score is not None and score is None else keys.others
        for key in unread:
            if item[key] not in NOTHING:
                issues.add(f"key of spans that isn't kept: {key}", repr(item[key])[:60], marked.where)
        for each in labels:
            if not _is_outside(each, item, marked, issues):
                yield MarkedSpan(start, end, each, text, name, score)


def _is_outside(label: str, item: Any, marked: MarkedText, issues: IssueLog) -> bool:
    """Count a span that says of its words that they are no entity."""
    if label == OUTSIDE:
        issues.add(
            "span labelled O, which is no entity", json.dumps(item, ensure_ascii=False)[:60], marked.where
        )
    return label == OUTSIDE


def _bounds(item: Mapping[str, Any], keys: _Keys) -> list[tuple[int | None, int | None]]:
    """Read where a span lies; of one in several pieces, where each of them does."""
    if keys.pair is not None:
        value = item[keys.pair]
        pairs = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
        if all(map(_is_pair, pairs)):
            return [(as_offset(pair[0]), as_offset(pair[1])) for pair in pairs]
    start = as_offset(item[keys.start]) if keys.start is not None else None
    if keys.end is not None:
        return [(start, as_offset(item[keys.end]))]
    length = as_offset(item[keys.length]) if keys.length is not None else None
    return [(start, None if start is None or length is None else start + length)]


def _label_list(value: Any) -> list[str | None]:
    """RETURNS (list[str | None]): The labels of a span: '' where it has none, None for what can't be one."""
    if value is None or value == []:
        return [""]
    values = value if isinstance(value, list) else [value]
    return [each.strip() if isinstance(each, str) else None for each in values]


def _parts(item: Sequence[Any], label: str | None = None) -> tuple[int, int, Any, list[Any]] | None:
    """Take a list apart: start, end, label and whatever else."""
    if len(item) >= 2 and _is_pair(item[0]):
        item = [*item[0], *item[1:]]
    if label is not None and len(item) >= 2:
        item = [*item[:2], label, *item[2:]]
    if len(item) < 3:
        return None
    start, end = as_offset(item[0]), as_offset(item[1])
    if start is not None and end is not None:
        return start, end, item[2], list(item[3:])
    start, end = as_offset(item[1]), as_offset(item[2])
    if start is not None and end is not None and isinstance(item[0], str):
        return start, end, item[0], list(item[3:])
    return None


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(as_offset(part) is not None for part in value)


def _first_pair(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], list) else value


def plain_key(key: str) -> str:
    """RETURNS (str): A key without case, '_', '-' and spaces."""
    return key.lower().replace("_", "").replace("-", "").replace(" ", "")


@lru_cache(maxsize=1024)
def _keys_of(kinds: tuple[tuple[str, type], ...]) -> _Keys:
    """Say what each key of a span is, by its name and what stands there."""
    found: dict[str, str | None] = {}
    plain = {plain_key(key): (key, kind) for key, kind in reversed(kinds)}
    if {"entitygroup", "index"} & set(plain) and "word" in plain:
        # A transformers pipeline writes its wordpieces there, not the text.
        del plain["word"]
    for part, names in NAMED.items():
        name = next((name for name in names if name in plain and plain[name][1] in KINDS[part]), None)
        found[part] = plain.pop(name)[0] if name is not None else None
    known = {*found.values(), *(key for key, _ in kinds if plain_key(key) in REPEATED)}
    return _Keys(**found, others=tuple(key for key, _ in kinds if key not in known))


def _keys(item: Mapping[str, Any]) -> _Keys:
    # Spans of a source are alike, so what was found of one is found at once for the next.
    return _keys_of(tuple((key, type(value)) for key, value in item.items()))
