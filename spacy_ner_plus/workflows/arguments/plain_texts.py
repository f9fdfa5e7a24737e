"""Texts without annotation that no format of corpora is for: one a line, or a table with a column of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spacy_ner_plus.workflows.arguments.text_tables import TextColumn, find_text_column, read_text_table

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
    from spacy_ner_plus.data.sources.lines import FileLines

    found = _table(source) if source.ending in _TABLES else None
    if found is None:
        notes.append(f"{source.name}: read as text, one a line")
        for number, line in enumerate(source.lines, start=1):
            text = line.rstrip("\r\n")
            if text.strip():
                # Not nlp.make_doc, which refuses texts above nlp.max_length.
                yield Record(nlp.tokenizer(text), f"{source.name}:{number}", text=text)
        return
    notes.append(f"{source.name}: texts in the column {found.text}")
    lines = FileLines(source.path, source.encoding, source.name, line_ends=True)
    _, rows = read_text_table(lines, source.name)
    for number, row in rows:
        key, name = id_of(row)
        meta = meta_of(row, [found.text, key if key == "id" else None])
        text = row[found.text]
        record = Record(nlp.tokenizer(text), f"{source.name}:{number}", name, meta, text=text)
        yield mark_record(record, None)


def _table(source: "Source") -> TextColumn | None:
    from spacy_ner_plus.data.formats.tables.delimited import before_header

    _, delimiter, lines = before_header(source.head_lines)
    return find_text_column(next(lines, ""), delimiter=delimiter)
