"""Rows of any kind, of datasets and of tables with lists in their cells: tokens with tags, or texts with spans."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.rows.span_rows import (
    SHAPES,
    ReadTexts,
    TextColumns,
    find_text_columns,
    texts_of_rows,
)
from spacy_ner_plus.data.formats.rows.token_columns import guess_token_columns
from spacy_ner_plus.data.formats.rows.token_rows import SAMPLE, Names, Rows, TokenRowOptions, rows_to_records
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import settings


@settings
class RowOptions(TokenRowOptions, TextOptions):
    """How rows are read: those of tokens with tags, and those of texts with spans."""


def read_rows(rows: Rows, reading: Reading, where: str, names: Names = lambda column: {}) -> Iterator[Record]:
    """Make Records of rows, of whichever kind they are.

    reading (Reading): With RowOptions; where they name a column, rows hold tokens with tags.
    where (str): The source's name.
    names (Names): What a source itself says about tags that are numbers.
    RAISES (UserError): Rows of neither kind.
    """
    options = reading.options
    sample = [row for _, row in islice(rows(IssueLog()), SAMPLE)]
    columns = None if options.token_column or options.tag_column else texts_with_spans(sample)
    if columns is None:
        return rows_to_records(
            rows, reading.nlp, options, issues=reading.issues, notes=reading.notes, where=where, names=names
        )
    if not any(str(columns) in note for note in reading.notes):
        reading.notes.append(f"{where}: {columns}")
    return read_texts(
        rows, reading, where, lambda rows, where, issues: texts_of_rows(rows, columns, where, issues)
    )


def texts_with_spans(sample: Sequence[Mapping[str, Any]]) -> TextColumns | None:
    """RETURNS (TextColumns | None): The columns of texts and spans; None where there are none, or tokens have tags."""
    return None if guess_token_columns(sample) is not None else find_text_columns(sample)


def read_texts(rows: Rows, reading: Reading, where: str, texts: ReadTexts) -> Iterator[Record]:
    """Make Records of rows that are read as texts with spans."""
    return texts_to_records(
        lambda issues, notes: texts(rows(issues), where, issues),
        reading.nlp,
        reading.options,
        issues=reading.issues,
        notes=reading.notes,
        where=where,
        shapes=SHAPES,
    )
