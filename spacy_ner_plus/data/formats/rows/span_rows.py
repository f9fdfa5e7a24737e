"""Rows of a text and its spans: a row a text with a list of spans in a cell, or a row a span.

{"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}       lists, objects, columns of them
{"text": "Ann left", "start": 0, "end": 3, "label": "PER"}                    a row a span
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.data.parsing.missing_ranges import read_missing
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.fields import NOTHING, as_name, as_offset, as_score, count_span_keys
from spacy_ner_plus.issues import IssueLog

SHAPES = (
    "a list of spans with start, end and label beside a text, or columns of text, start, end and label with a row a "
    "span"
)
# Names as `plain` writes them, the likeliest first.
TEXTS = (
    "text",
    "sentence",
    "content",
    "fulltext",
    "documenttext",
    "rawtext",
    "document",
    "body",
    "context",
    "data",
)
SURE_TEXTS = frozenset({"text", "sentence", "content", "fulltext", "documenttext", "rawtext"})
SPANS = (
    "spans",
    "entities",
    "ents",
    "label",
    "labels",
    "ner",
    "nertags",
    "annotations",
    "annotation",
    "tags",
    "entity",
)
STARTS = (
    "start", "startoffset", "startchar", "startindex", "startidx", "startpos", "startposition", "begin",
    "beginoffset", "beginchar", "beginindex", "charstart", "offsetstart", "spanstart", "entitystart", "from",
)  # fmt: skip
ENDS = (
    "end", "endoffset", "endchar", "endindex", "endidx", "endpos", "endposition", "stop", "finish", "charend",
    "offsetend", "spanend", "entityend", "to",
)  # fmt: skip
LABELS = (
    "label", "labels", "type", "entitytype", "entitylabel", "entitygroup", "nertag", "nerlabel", "ner", "spanlabel",
    "tag", "category", "class", "entity", "tags",
)  # fmt: skip
MENTIONS = (
    "text", "spantext", "entitytext", "mention", "span", "entity", "value", "word", "surface", "chunk", "phrase",
    "entityvalue", "token",
)  # fmt: skip
IDS = ("documentid", "docid", "textid", "sentenceid", "doc", "document", "file", "filename", "id")
SPAN_IDS = ("spanid", "entityid", "annotationid", "id")
SCORES = ("score", "confidence", "probability")
ANNOTATORS = ("annotator", "annotatorid", "user", "userid")


KEYS = (
    ("start", STARTS),
    ("end", ENDS),
    ("label", LABELS),
    ("mention", MENTIONS),
    ("id", SPAN_IDS),
    ("score", SCORES),
)


def plain(name: str) -> str:
    """RETURNS (str): A column's name in lower case without spaces and marks: 'Begin Offset' is 'beginoffset'."""
    return re.sub(r"[\W_]+", "", name.lower())


@dataclass(frozen=True)
class TextColumns:
    """Columns of rows that hold a text and its spans.

    text, spans (str): Of the text, and of the list of its spans.
    id, annotator (str | None): Of the text's id, and of who annotated it.
    """

    text: str
    spans: str
    id: str | None = None
    annotator: str | None = None

    def __str__(self) -> str:
        return f"texts in '{self.text}', spans in '{self.spans}'"


@dataclass(frozen=True)
class SpanColumns:
    """Columns of rows that hold one span each.

    text (str): Of the text in which the offsets count.
    start, end, label (str): Of the span.
    id (str | None): Of the text's id, where rows of one text share it.
    mention (str | None): Of the span's own text.
    span_id, score, annotator (str | None): Of what else is known of it.
    """

    text: str
    start: str
    end: str
    label: str
    id: str | None = None
    mention: str | None = None
    span_id: str | None = None
    score: str | None = None
    annotator: str | None = None

    def __str__(self) -> str:
        return (
            f"a row a span: texts in '{self.text}', spans by '{self.start}', '{self.end}' and '{self.label}'"
        )

    @property
    def read(self) -> set[str | None]:
        """RETURNS (set[str | None]): The columns that are read."""
        return {
            self.text,
            self.start,
            self.end,
            self.label,
            self.id,
            self.mention,
            self.span_id,
            self.score,
            self.annotator,
        }


def find_text_columns(sample: Sequence[Mapping[str, Any]]) -> TextColumns | None:
    """Find the columns of a text and of a list of its spans; None where there are none."""
    names = list(dict.fromkeys(name for row in sample for name in row))
    texts = _named(names, TEXTS) or [
        name for name in names if any(isinstance(row.get(name), str) and " " in row[name] for row in sample)
    ]
    for spans in _named(names, SPANS):
        if any(_holds_spans(row.get(spans)) for row in sample):
            text = next((name for name in texts if name != spans and _is_text(sample, name)), None)
            if text is not None:
                ids = [name for name in _named(names, IDS) if name not in (text, spans)]
                annotators = _named(names, ANNOTATORS)
                return TextColumns(
                    text, spans, ids[0] if ids else None, annotators[0] if annotators else None
                )
    return None


def find_span_columns(sample: Sequence[Mapping[str, Any]]) -> SpanColumns | None:
    """Find the columns of a table with a row a span; None where there are none.

    The text is the column that is long enough for all offsets. A column 'id' that is another one in each
    row of a text is the span's.
    """
    names = list(dict.fromkeys(name for row in sample for name in row))
    starts, ends = _named(names, STARTS), _named(names, ENDS)
    if not starts or not ends:
        return None
    start, end = starts[0], ends[0]
    placed = [row for row in sample if as_offset(row.get(end)) is not None]
    others = [name for name in names if name not in (start, end)]
    long = [name for name in others if _is_long(placed, name, end)] if placed else []
    # Names of files are as long as a short span's offsets, too.
    long = [name for name in long if plain(name) in SURE_TEXTS or _has_words(placed, name)]
    texts = _named(long, TEXTS) or sorted(long, key=lambda name: -_length(sample, name))
    # Where offsets are wrong in most rows, that is told better than no table at all.
    texts = texts or [name for name in _named(others, TEXTS) if plain(name) in SURE_TEXTS]
    if not texts:
        return None
    text = texts[0]
    others.remove(text)
    mention = next(
        (name for name in _named(others, MENTIONS) if _is_mention(placed, name, text, start, end)), None
    )
    labels = [name for name in _named(others, LABELS) if name != mention]
    if not labels:
        return None
    others = [name for name in others if name not in (mention, labels[0])]
    ids = [
        name for name in _named(others, IDS) if not (plain(name) == "id" and _is_of_spans(sample, name, text))
    ]
    span_ids = [name for name in _named(others, SPAN_IDS) if name not in ids]
    scores, annotators = _named(others, SCORES), _named(others, ANNOTATORS)
    return SpanColumns(
        text,
        start,
        end,
        labels[0],
        ids[0] if ids else None,
        mention,
        span_ids[0] if span_ids else None,
        scores[0] if scores else None,
        annotators[0] if annotators else None,
    )


def texts_of_rows(
    rows: Iterable[tuple[int, Mapping[str, Any]]], columns: TextColumns, where: str, issues: IssueLog
) -> Iterator[MarkedText]:
    """Read rows of a text with a list of its spans; an empty cell is no annotation, an empty list is.

    RAISES (UserError): A row without spans, but with something like them elsewhere.
    """
    for number, row in rows:
        place = f"{where}:{number}"
        text, spans = row.get(columns.text), row.get(columns.spans)
        marked = MarkedText(text if isinstance(text, str) else "", place)
        marked.id = as_name(row.get(columns.id)) if columns.id else ""
        marked.annotator = as_name(row.get(columns.annotator)) if columns.annotator else ""
        used = (columns.text, columns.spans, columns.id, columns.annotator)
        marked.meta = {key: value for key, value in row.items() if key not in used}
        if isinstance(spans, str) and not spans.strip():
            spans = None
        if spans is None:
            check_no_annotation(row, [columns.spans], place, issues, marked.text)
        else:
            marked.spans = []
            for item in _items(spans):
                _read_span(item, marked, issues)
            read_missing(row, columns.spans, marked, issues)
        yield marked


def texts_of_span_rows(
    rows: Iterable[tuple[int, Mapping[str, Any]]], columns: SpanColumns, where: str, issues: IssueLog
) -> Iterator[MarkedText]:
    """Read rows of a span each, and gather those of a text, wherever they stand.

    All of them are held: were a text made of the rows in succession alone, its spans that come later would be
    O the first time.
    """
    gathered: dict[tuple[str, str, str], tuple[MarkedText, list[tuple[int, Mapping[str, Any]]]]] = {}
    texts: dict[str, str] = {}
    for number, row in rows:
        id = as_name(row.get(columns.id)) if columns.id else ""
        annotator = as_name(row.get(columns.annotator)) if columns.annotator else ""
        text = row.get(columns.text)
        text = text if isinstance(text, str) and text.strip() else ""
        if id and not text:
            # Given once, with the first of its spans.
            text = texts.get(id, "")
        elif id:
            texts.setdefault(id, text)
        key = (id, text, annotator)
        if key not in gathered:
            gathered[key] = (MarkedText(text, f"{where}:{number}", id=id, annotator=annotator), [])
        gathered[key][1].append((number, row))
    for marked, own in gathered.values():
        _read_rows(marked, own, columns, where, issues)
        yield marked


def _read_rows(
    marked: MarkedText,
    rows: Sequence[tuple[int, Mapping[str, Any]]],
    columns: SpanColumns,
    where: str,
    issues: IssueLog,
) -> None:
    others = [
        name for name in dict.fromkeys(name for _, row in rows for name in row) if name not in columns.read
    ]
    marked.meta = {
        name: rows[0][1].get(name)
        for name in others
        if rows[0][1].get(name) not in NOTHING
        and all(row.get(name) == rows[0][1].get(name) for _, row in rows)
    }
    for number, row in rows:
        place = f"{where}:{number}"
        span = [row.get(columns.start), row.get(columns.end), row.get(columns.label)]
        if all(value in NOTHING for value in span):
            # A text of which nothing is said; that nothing is in it isn't said, either.
            issues.add("record without annotation", marked.text[:60], place)
            continue
        marked.spans = marked.spans or []
        count_span_keys({name: row.get(name) for name in others}, marked.meta, issues, place)
        start, end, label = as_offset(span[0]), as_offset(span[1]), as_name(span[2])
        if start is None or end is None or not label:
            _refuse(span, marked, issues, place)
            continue
        mention = row.get(columns.mention) if columns.mention else None
        marked.spans.append(
            MarkedSpan(
                start,
                end,
                label,
                mention if isinstance(mention, str) and mention else None,
                as_name(row.get(columns.span_id)) if columns.span_id else "",
                _score(row.get(columns.score)) if columns.score else None,
            )
        )


def _items(spans: Any) -> list[Any]:
    """A list of spans in any shape: in a list, under a key, or as columns of starts, ends and labels."""
    if isinstance(spans, Mapping):
        for value in spans.values():
            if len(spans) == 1 and isinstance(value, list):
                return value
        if spans and all(isinstance(value, list) for value in spans.values()):
            longest = max(len(value) for value in spans.values())
            return [
                {key: value[i] if i < len(value) else None for key, value in spans.items()}
                for i in range(longest)
            ]
        return [spans] if spans else []
    if not isinstance(spans, list | tuple):
        return [spans]
    return [spans] if _is_flat(spans) else list(spans)


def _is_flat(span: Sequence[Any]) -> bool:
    """Whether a list is itself a span, as [0, 3, "PER"]."""
    kinds = Counter("int" if as_offset(part) is not None else type(part).__name__ for part in span)
    return kinds["int"] == 2 and kinds["str"] >= 1 and len(span) == kinds["int"] + kinds["str"]


def _read_span(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    start = end = mention = score = None
    label: Any = ""
    id = ""
    if isinstance(item, list | tuple) and _is_flat(item):
        start, end = (as_offset(part) for part in item if as_offset(part) is not None)
        names = [part for part in item if isinstance(part, str) and as_offset(part) is None]
        label = names[-1]
        if len(names) > 1 and marked.text[start:end] == names[-1]:
            label = names[0]
        if len(names) > 1:
            mention = next((name for name in names if name != label), None)
    elif isinstance(item, Mapping):
        by_name = {plain(str(key)): key for key in reversed(item)}
        keys: dict[str, Any] = {}
        for part, known in KEYS:
            found = [
                by_name[name] for name in known if name in by_name and by_name[name] not in keys.values()
            ]
            if found:
                keys[part] = found[0]
        start, end = as_offset(item.get(keys.get("start"))), as_offset(item.get(keys.get("end")))
        label = item.get(keys.get("label"))
        mention = item.get(keys.get("mention"))
        mention = mention if isinstance(mention, str) and mention else None
        id, score = as_name(item.get(keys.get("id"))), as_score(item.get(keys.get("score")))
        if start is not None and end is not None:
            count_span_keys(item, list(keys.values()), issues, marked.where)
    labels = [as_name(name) for name in (label if isinstance(label, list | tuple) else [label])]
    if start is None or end is None or not labels or not all(labels):
        _refuse(item, marked, issues, marked.where)
        return
    marked.spans = marked.spans or []
    marked.spans += [MarkedSpan(start, end, name, mention, id, score) for name in labels]


def _refuse(item: Any, marked: MarkedText, issues: IssueLog, place: str) -> None:
    issues.add("label not understood", repr(item)[:60], place)
    marked.unread.append(repr(item)[:60])


def _score(value: Any) -> float | None:
    try:
        return as_score(float(value)) if isinstance(value, str) else as_score(value)
    except ValueError:
        return None


def _named(names: Iterable[str], known: Sequence[str]) -> list[str]:
    found = [name for name in names if plain(name) in known]
    return sorted(found, key=lambda name: known.index(plain(name)))


def _holds_spans(value: Any) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return False
    for item in _items(value):
        if isinstance(item, Mapping):
            keys = {plain(str(key)) for key in item}
            if keys & set(STARTS) and keys & set(ENDS):
                return True
        elif isinstance(item, list | tuple) and _is_flat(item):
            return True
    return False


def _is_text(sample: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = [row[name] for row in sample if row.get(name) is not None]
    return bool(values) and all(isinstance(value, str) for value in values)


def _is_long(rows: Sequence[Mapping[str, Any]], name: str, end: str) -> bool:
    """Whether a column has texts that reach as far as the spans, in nine of ten rows that have one."""
    texts = [
        (row[name], as_offset(row[end]) or 0) for row in rows if isinstance(row.get(name), str) and row[name]
    ]
    return (
        bool(texts)
        and sum(len(text.encode("utf-8", "replace")) >= last for text, last in texts) * 10 >= len(texts) * 9
    )


def _has_words(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    """Whether most values are of several words."""
    texts = [row[name] for row in rows if isinstance(row.get(name), str) and row[name]]
    return sum(len(text.split()) > 1 for text in texts) * 2 > len(texts)


def _length(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    lengths = [len(row[name]) for row in rows if isinstance(row.get(name), str)]
    return sum(lengths) / max(1, len(lengths))


def _is_mention(rows: Sequence[Mapping[str, Any]], name: str, text: str, start: str, end: str) -> bool:
    """Whether a column repeats the text of the spans: mostly as long as they are, or found in the text."""
    pairs = [
        (row[name], row[text])
        for row in rows
        if isinstance(row.get(name), str) and isinstance(row.get(text), str)
    ]
    return bool(pairs) and sum(mention in whole for mention, whole in pairs) * 2 >= len(pairs)


def _is_of_spans(rows: Sequence[Mapping[str, Any]], id: str, text: str) -> bool:
    """Whether ids differ where texts are the same."""
    pairs = {(as_name(row.get(id)), str(row.get(text))) for row in rows}
    return len(pairs) > len({text for _, text in pairs})


# What reads rows of either kind as texts, once its columns are known.
ReadTexts = Callable[[Iterable[tuple[int, Mapping[str, Any]]], str, IssueLog], Iterator[MarkedText]]
