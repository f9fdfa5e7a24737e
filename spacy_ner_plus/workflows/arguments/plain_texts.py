"""Texts without annotation that no format of corpora is for: one a line, or a table with a column of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.language import Language

    from spacy_ner_plus.data.records.record import Record
    from spacy_ner_plus.data.sources.source import Source

_LINES = (".txt",)
_TABLES = (".csv", ".tsv")


def is_plain(source: "Source") -> bool:
    """RETURNS (bool): Whether a file has plain texts, by its ending, and by its header where it is a table; whether it
    is a corpus has to be looked for before."""
    if source.ending in _LINES:
        return source.is_file
    return source.ending in _TABLES and source.is_file and _table(source) is not None


def plain_files(folder: Path) -> list[Path]:
    """RETURNS (list[Path]): The files below a folder that may have plain texts, sorted."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in (*_LINES, *_TABLES))
    return sorted(path for path in files if not path.name.startswith("."))


def plain_records(source: "Source", nlp: "Language", notes: list[str]) -> Iterator["Record"]:
    """Read plain texts; other columns of a table are in the meta.

    notes (list[str]): Where it is written how they were read.
    RAISES (UserError): What can't be read, with file and line.
    """
    from spacy_ner_plus.data.parsing.record_keys import id_of, meta_of
    from spacy_ner_plus.data.records.record import Record, mark_record

    found = _table(source) if source.ending in _TABLES else None
    if found is None:
        notes.append(f"{source.name}: read as text, one a line")
        for number, line in enumerate(source.lines, start=1):
            text = line.rstrip("\r\n")
            if text.strip():
                # Not nlp.make_doc, which refuses texts above nlp.max_length.
                yield Record(nlp.tokenizer(text), f"{source.name}:{number}", text=text)
        return
    delimiter, header, column = found
    notes.append(f"{source.name}: texts in the column {column}")
    for number, cells in _rows(source, delimiter):
        where = f"{source.name}:{number}"
        if len(cells) != len(header):
            raise UserError(Errors.E677.format(where=where, found=len(cells), width=len(header)))
        row = dict(zip(header, cells, strict=True))
        key, name = id_of(row)
        meta = meta_of(row, [column, key if key == "id" else None])
        record = Record(nlp.tokenizer(row[column]), where, name, meta, text=row[column])
        yield mark_record(record, None)


def _table(source: "Source") -> tuple[str, list[str], str] | None:
    """RETURNS (tuple[str, list[str], str] | None): What stands between cells, the header, and the column of texts."""
    from spacy_ner_plus.data.formats.tables.delimited import DELIMITERS, split_head
    from spacy_ner_plus.data.parsing.record_keys import TEXT_KEYS, find_key

    first = next(iter(source.head_lines), "")
    headers = [(delimiter, split_head([first], delimiter)) for delimiter in DELIMITERS]
    for delimiter, rows in sorted(headers, key=lambda pair: -len(pair[1][0]) if pair[1] else 0):
        names = [name.strip() for name in rows[0]] if rows else []
        column = find_key(dict.fromkeys(names, ""), TEXT_KEYS, str)
        if column is not None and len(set(names)) == len(names):
            return delimiter, names, column
    return None


def _rows(source: "Source", delimiter: str) -> Iterator[tuple[int, list[str]]]:
    from spacy_ner_plus.data.formats.tables.delimited import read_rows
    from spacy_ner_plus.data.sources.lines import FileLines

    lines = FileLines(source.path, source.encoding, source.name, line_ends=True)
    for row in read_rows(lines, delimiter, source.name):
        if row.number > 1 and row.cells:
            yield row.number, row.cells
