"""Tables read as Records, whatever file they come from."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.rows.rows import RowOptions, read_rows, read_texts
from spacy_ner_plus.data.formats.rows.span_rows import SpanColumns, plain, texts_of_span_rows
from spacy_ner_plus.data.formats.rows.token_columns import TokenColumns, count_other_tags
from spacy_ner_plus.data.formats.rows.token_rows import SAMPLE, TokenRow
from spacy_ner_plus.data.formats.tables.delimited import Row
from spacy_ner_plus.data.formats.tables.layout import (
    NO_VALUE,
    ROW_NUMBERS,
    Layout,
    ListTable,
    TokenTable,
    as_lists,
    check_columns,
    find_layout,
)
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.sources.label_names import names_beside
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

ENOUGH = 2_000  # rows that a layout is found by


@settings
class TableRowOptions(RowOptions):
    """How tables are read, whatever file they come from."""

    sentence_column: str | None = setting(
        "Name of the column of sentences in a table with a row a token; found where it isn't given.", None
    )


@dataclass(frozen=True)
class Table:
    """A table, whose rows can be read as often as needed.

    header (Sequence[str]): Names of the columns.
    rows (Callable[[], Iterable[Row]]): Reads the rows after the header.
    token_rows (Callable[[], Iterable[Row]]): Likewise, where each is a token.
    where (str): The file's name, and the sheet's.
    path (Path): The file.
    """

    header: Sequence[str]
    rows: Callable[[], Iterable[Row]]
    token_rows: Callable[[], Iterable[Row]]
    where: str
    path: Path

    def records(self, reading: Reading) -> Iterator[Record]:
        """Make Records of the table.

        reading (Reading): With TableRowOptions.
        RAISES (UserError): A table whose columns aren't understood, a row that doesn't fit the header.
        """
        options, issues = reading.options, reading.issues
        given = {name: getattr(options, name) for name in ("token_column", "tag_column", "sentence_column")}
        check_columns(self.header, self.where, given)
        layout = self.layout(options)
        if layout is None:
            # What can't be read says more than what wasn't found among the rest.
            for _ in self._fitting(islice(self.rows(), ENOUGH)):
                pass
            raise UserError(Errors.E193.format(where=self.where, columns=", ".join(self.header)))
        reading.notes.append(f"{self.where}: {layout}")
        if isinstance(layout, SpanColumns):
            yield from read_texts(
                self._as_records,
                reading,
                self.where,
                lambda rows, where, issues: texts_of_span_rows(rows, layout, where, issues),
            )
            return
        rows = self._as_records
        if isinstance(layout, TokenTable):
            chosen = replace(layout, sentence=options.sentence_column or layout.sentence)
            rows = lambda issues: self._sentences(chosen, issues)  # noqa: E731
            options = replace(options, token_column=layout.token, tag_column=layout.tag)
            if not chosen.sentence and not self._has_blank_rows():
                issues.add("table without sentences", f"columns {', '.join(self.header)}", self.where)
                reading.notes.append(
                    f"{self.where}: no column of sentences and no blank rows, so all rows are one sentence. Where a "
                    "column says it, name it as `sentence_column` (--option sentence-column=...)."
                )
        elif isinstance(layout.columns, TokenColumns):
            rows = lambda issues: self._with_lists(layout, issues)  # noqa: E731
            options = replace(options, token_column=layout.columns.token, tag_column=layout.columns.tag)
        else:
            rows = lambda issues: self._with_lists(layout, issues)  # noqa: E731
        if reading.options.tag_column is None and options.token_column and options.tag_column:
            columns = TokenColumns(options.token_column, options.tag_column)
            count_other_tags(
                [row for _, row in islice(rows(IssueLog()), SAMPLE)], columns, self.where, issues
            )
        reading = replace(reading, options=options)
        yield from read_rows(rows, reading, self.where, lambda column: names_beside(self.path, column))

    def layout(self, options: TableRowOptions) -> Layout | None:
        """RETURNS (Layout | None): What the rows are; None where that can't be told."""
        token, tag = options.token_column, options.tag_column
        # A quoted cell that goes on over lines is cut where each line is read as a token.
        layout = find_layout(self.header, _cells(self.token_rows), token, tag)
        if isinstance(layout, TokenTable):
            return layout
        return find_layout(self.header, _cells(self.rows), token, tag)

    def _has_blank_rows(self) -> bool:
        return any(not any(row.cells) for row in self.token_rows())

    def _fitting(self, rows: Iterable[Row]) -> Iterator[Row]:
        """RAISES (UserError): A row with more cells than the header, or fewer."""
        width = len(self.header)
        for row in rows:
            if len(row.cells) != width and any(row.cells[width:]) | (0 < len(row.cells) < width):
                place = f"{self.where}:{row.number}"
                raise UserError(Errors.E194.format(where=place, found=len(row.cells), width=width))
            yield row

    def _as_records(self, issues: IssueLog) -> Iterator[tuple[int, dict[str, Any]]]:
        for row in self._fitting(self.rows()):
            record = {
                name: cell
                for name, cell in zip(self.header, row.cells, strict=False)
                if plain(name) not in ROW_NUMBERS
            }
            if any(cell.strip() for cell in record.values()):
                yield row.number, record

    def _with_lists(self, layout: ListTable, issues: IssueLog) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, record in self._as_records(issues):
            read = as_lists(record, layout.lists)
            for name in layout.lists & read.keys():
                if read[name] is None and record[name].strip().lower() not in NO_VALUE:
                    issues.add("list that can't be read", record[name][:60], f"{self.where}:{number}")
            yield number, read

    def _sentences(self, layout: TokenTable, issues: IssueLog) -> Iterator[tuple[int, TokenRow]]:
        """Gather the rows of each sentence. Its id may stand on each of them, or on the first alone."""
        at = {name: self.header.index(name) for name in self.header}
        others = [
            name
            for name in self.header
            if plain(name) not in ROW_NUMBERS
            and name not in (layout.token, layout.tag, layout.sentence, layout.document)
        ]
        rows: list[Row] = []
        ids = {"sentence": "", "document": ""}
        seen: set[tuple[str, str]] = set()

        def gathered() -> tuple[int, TokenRow]:
            columns = {name: [row.cells[at[name]] for row in rows] for name in (layout.token, layout.tag)}
            meta = {name: [row.cells[at[name]] for row in rows] for name in others}
            same = {name: values[0] if len(set(values)) == 1 else values for name, values in meta.items()}
            about = {
                key: value
                for key, value in (("id", ids["sentence"]), ("document_id", ids["document"]))
                if value
            }
            # The columns of the table go first: what they are called may be 'id', too.
            kept = {name: value for name, value in same.items() if name not in about and value != ""}
            return rows[0].number, TokenRow({**about, **columns, **kept}, [row.number for row in rows])

        for row in self._fitting(self.token_rows()):
            if not any(cell.strip() for cell in row.cells):
                if rows and layout.sentence is None:
                    yield gathered()
                    rows = []
                continue
            if row.cells == list(self.header):
                # Files that were put one behind the other.
                continue
            changed = {}
            for kind, name in (("sentence", layout.sentence), ("document", layout.document)):
                value = row.cells[at[name]].strip() if name else ""
                if value.lower() not in NO_VALUE and value != ids[kind]:
                    changed[kind] = value
            if changed:
                if rows:
                    yield gathered()
                    rows = []
                ids |= changed
                key = (ids["document"], ids["sentence"])
                if key in seen and layout.sentence:
                    issues.add("sentence in several pieces", ids["sentence"], f"{self.where}:{row.number}")
                seen.add(key)
            rows.append(row)
        if rows:
            yield gathered()


def _cells(rows: Callable[[], Iterable[Row]]) -> list[list[str]]:
    """The first rows; fewer where one can't be read, which is told when it is."""
    cells = []
    try:
        for row in islice(rows(), ENOUGH):
            cells.append(row.cells)
    except UserError:
        pass
    return cells
