"""`tensorzero-ner`: texts and the lists of their entities, as TensorZero's example of extraction has them.

    split,input,output
    0,Rosa Quint left Lund .,"{""person"": [""Rosa Quint""], ""location"": [""Lund""]}"

    {"function_name": "extract_entities", "output": {"person": ["Rosa Quint"], "location": ["Lund"]},
     "input": {"messages": [{"role": "user", "content": "Rosa Quint left Lund ."}]}}

The first is its CSV file, the second a datapoint as its gateway takes and gives them, in JSON lines or an array. A
label whose list is empty was looked for. Where texts were asked for different labels, nothing is known of the others,
and each Doc says which were asked for. The lists say what the entities are, not where: they are found in the text, as
`occurrences` says.
"""

import csv
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.data.formats.format import CERTAIN, Reading, Sniff
from spacy_ner_plus.data.formats.strings import StringsOptions
from spacy_ner_plus.data.formats.tables.delimited import read_rows, split_head
from spacy_ner_plus.data.parsing.mentions import place_mentions
from spacy_ner_plus.data.parsing.offset_spans import refuse
from spacy_ner_plus.data.records.marked import MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.lines import FileLines
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

INPUT, OUTPUT, SPLIT = "input", "output", "split"
FUNCTION = "extract_entities"
SHAPES = "lists of texts by label, under `output`"


@settings
class TensorZeroNerOptions(StringsOptions):
    """How TensorZero's rows are read and written."""

    function: str = setting("What datapoints that are written name as their function.", FUNCTION)
    rows: Literal["datapoints", "csv"] = setting(
        "What is written: datapoints in JSON lines, or the example's CSV file.", "datapoints"
    )


class TensorZeroNer:
    """The format, as `formats/format.py` says."""

    name = "tensorzero-ner"
    about = "TensorZero's example of extraction: texts, and lists of their entities by label"
    endings = (".jsonl", ".json", ".csv")
    options = TensorZeroNerOptions
    keeps = frozenset()
    writes = True
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        for record in source.head_records:
            given = record.get(INPUT)
            if isinstance(given, dict) and _text_of(given) is not None and _lists(record.get(OUTPUT)):
                return Sniff(CERTAIN, "datapoints with `input`.`messages` and lists of texts under `output`")
        if source.is_json or not source.is_text:
            return None
        rows = split_head([f"{line}\n" for line in source.head_lines], ",")
        at = _columns(rows[0]) if rows else None
        if at is not None and any(len(row) > at[1] and _lists(row[at[1]]) for row in rows[1:]):
            return Sniff(CERTAIN, "a table with `input`, and lists of texts in JSON as `output`")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        asked: dict[str, list[str]] = {}
        is_mixed = _are_mixed(source)
        records = texts_to_records(
            lambda issues, notes: marked_texts(source, reading, issues, asked),
            reading.nlp,
            # Offsets are made here, and the source is read once.
            TextOptions(offsets=AS_GIVEN),
            issues=reading.issues,
            notes=reading.notes,
            where=source.name,
            shapes=SHAPES,
        )
        for record in records:
            labels = asked.get(record.where, [])
            asked.clear()
            if labels and is_mixed and record.doc.has_annotation("ENT_IOB"):
                set_annotated_labels(record.doc, labels)
            yield record

    def write(self, docs: Iterable[Doc], path: Path, options: TensorZeroNerOptions, issues: IssueLog) -> None:
        labels: set[str] = set()
        with tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
            # Which labels there are is known when all Docs have been seen.
            for number, doc in enumerate(docs, start=1):
                if not doc.has_annotation("ENT_IOB"):
                    # A row without lists is no row, and one with empty ones would say that there is nothing.
                    issues.add("text without annotation: not written", doc.text[:60], f"document {number}")
                    continue
                row = _to_parts(doc, f"document {number}")
                labels |= row["lists"].keys()
                waiting.write(json.dumps(row, ensure_ascii=False) + "\n")
            waiting.seek(0)
            rows = map(json.loads, waiting)
            if not labels:
                for row in rows:
                    issues.add(
                        "annotation of a corpus without labels to list", row["text"][:60], row["where"]
                    )
                waiting.seek(0)
                rows = map(json.loads, waiting)
            with path.open("w", encoding="utf-8", newline="" if options.rows == "csv" else "\n") as file:
                _write_rows(rows, sorted(labels), file, options)


TENSORZERO_NER = TensorZeroNer()


def marked_texts(
    source: Source, reading: Reading, issues: IssueLog, asked: dict[str, list[str]]
) -> Iterator[MarkedText]:
    """Read rows.

    asked (dict[str, list[str]]): By a row's place, the labels that it has lists for; filled here.
    RAISES (UserError): A row without a text, what is no JSON, a table without the columns.
    """
    for where, row in _rows(source):
        text = _text_of(row.get(INPUT))
        if text is None:
            keys = f"{INPUT}, {INPUT}.messages[…].content"
            raise UserError(Errors.E151.format(where=where, keys=keys, found=", ".join(row) or "none"))
        marked = MarkedText(text, where)
        marked.meta = {SPLIT: row[SPLIT]} if row.get(SPLIT) not in (None, "") else {}
        lists = _lists(row.get(OUTPUT))
        if lists is None:
            if row.get(OUTPUT) in (None, "", {}, "{}"):
                issues.add("record without annotation", text[:60], where)
            else:
                refuse({OUTPUT: row[OUTPUT]}, marked, issues)
            yield marked
            continue
        mentions = []
        for label, items in lists.items():
            for item in items:
                if isinstance(item, str) and item.strip():
                    mentions.append((item, label))
                else:
                    refuse({label: item}, marked, issues)
        asked[where] = list(lists)
        place_mentions(mentions, marked, reading.nlp, issues, reading.options.occurrences)
        yield marked


def _rows(source: Source) -> Iterator[tuple[str, dict[str, Any]]]:
    """YIELDS (tuple[str, dict[str, Any]]): Each row's place, and the row."""
    if source.is_json:
        for number, record in json_records(source.lines, source.name):
            where = f"{source.name}:{number}"
            if not isinstance(record, dict):
                raise UserError(Errors.E152.format(where=where, found=json.dumps(record)[:60]))
            yield where, record
        return
    lines = FileLines(source.path, source.encoding, source.name, line_ends=True)
    rows = read_rows(lines, ",", source.name)
    header = next(rows).cells
    if _columns(header) is None:
        raise UserError(Errors.E193.format(where=source.name, columns=", ".join(header)))
    for row in rows:
        if not row.cells:
            continue
        if len(row.cells) != len(header):
            place = f"{source.name}:{row.number}"
            raise UserError(Errors.E194.format(where=place, found=len(row.cells), width=len(header)))
        yield (
            f"{source.name}:{row.number}",
            dict(zip([name.strip() for name in header], row.cells, strict=True)),
        )


def _columns(header: list[str]) -> tuple[int, int] | None:
    """RETURNS (tuple[int, int] | None): Where the columns of texts and of lists are."""
    names = [name.strip().lstrip("\ufeff") for name in header]
    return (names.index(INPUT), names.index(OUTPUT)) if INPUT in names and OUTPUT in names else None


def _text_of(given: Any) -> str | None:
    """RETURNS (str | None): The text that an input asks about: itself, or what the user says last."""
    if isinstance(given, str):
        return given
    messages = given.get("messages") if isinstance(given, dict) else None
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, list):
                texts = [
                    block.get("text") for block in content if isinstance(block, dict) and "text" in block
                ]
                content = texts[0] if len(texts) == len(content) == 1 else None
            return content if isinstance(content, str) else None
    return None


def _lists(given: Any) -> dict[str, list[Any]] | None:
    """RETURNS (dict[str, list] | None): The lists by label of an output, in JSON or read, maybe with what was raw."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return None
    if isinstance(given, dict) and set(given) <= {"raw", "parsed"}:
        given = given.get("parsed")
    if not isinstance(given, dict) or not all(isinstance(value, list) for value in given.values()):
        return None
    return given if given and all(label.strip() for label in given) else None


def _are_mixed(source: Source) -> bool:
    """Whether some texts were asked for other labels than others."""
    first: set[str] | None = None
    for _, row in _rows(source):
        labels = set(_lists(row.get(OUTPUT)) or ())
        if labels and first is not None and labels != first:
            return True
        first = first or labels or None
    return False


def _to_parts(doc: Doc, where: str) -> dict[str, Any]:
    """Take of a Doc what its row needs."""
    closed = annotated_labels(doc)
    lists: dict[str, list[str]] = {label: [] for label in sorted(closed or ())}
    for ent in doc.ents:
        lists.setdefault(ent.label_, []).append(ent.text)
    return {"text": doc.text, "where": where, "lists": lists, "is_closed": closed is not None}


def _write_rows(
    rows: Iterable[dict[str, Any]], labels: list[str], file: Any, options: TensorZeroNerOptions
) -> None:
    table = csv.writer(file) if options.rows == "csv" else None
    if table is not None:
        table.writerow([INPUT, OUTPUT])
    for row in rows:
        asked = sorted(row["lists"]) if row["is_closed"] else labels
        output = {label: row["lists"].get(label, []) for label in asked}
        if table is not None:
            table.writerow([row["text"], json.dumps(output, ensure_ascii=False)])
            continue
        messages = [{"role": "user", "content": row["text"]}]
        point = {"function_name": options.function, "input": {"messages": messages}, "output": output}
        file.write(json.dumps(point, ensure_ascii=False) + "\n")
