"""`excel`: sheets of Excel workbooks (.xlsx), with a header, in the shapes that `table` has.

The first sheet that has such a shape is read, or the one that the option `sheet` names. Cells are read as Excel shows
their values: numbers without a fraction as whole numbers, formulas as what they gave when the workbook was saved.
Needs the extra [excel].
"""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from spacy_ner_plus.data.formats.format import CERTAIN, Reading, Sniff
from spacy_ner_plus.data.formats.tables.delimited import Row
from spacy_ner_plus.data.formats.tables.reading import Table, TableRowOptions
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.settings import setting, settings

if TYPE_CHECKING:
    from openpyxl import Workbook

ENDINGS = (".xlsx", ".xlsm")
INSIDE = (b"xl/workbook.xml", b"xl/worksheets/", b"xl/styles.xml", b"xl/theme/")


@settings
class ExcelOptions(TableRowOptions):
    """How Excel workbooks are read."""

    sheet: str | None = setting("Name of the sheet; the first that can be read where it isn't given.", None)


class Excel:
    """The format, as `formats/format.py` says."""

    name = "excel"
    about = "Excel workbooks (.xlsx): a sheet with a header, in the shapes of `table`"
    endings = ENDINGS
    options = ExcelOptions
    keeps = frozenset()
    writes = False
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        # What lies in a workbook is named at the beginning of its zip file.
        is_book = source.ending in ENDINGS or any(name in source.head_bytes for name in INSIDE)
        if source.head_bytes[:2] == b"PK" and is_book:
            return Sniff(CERTAIN, "an Excel workbook")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        try:
            file = source.path.open("rb")
        except OSError as error:
            raise UserError(Errors.E101.format(path=source.name, reason=error.strerror or error)) from error
        with file:
            book = _open(file, source.name)
            yield from _table(book, source, reading).records(reading)


EXCEL = Excel()


def _open(file: BinaryIO, name: str) -> "Workbook":
    """RAISES (UserError): Without openpyxl, and for what is no workbook."""
    from zipfile import BadZipFile

    with from_extra("excel"):
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    try:
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (OSError, BadZipFile, KeyError, ValueError, InvalidFileException) as error:
        reason = str(error).split("\n")[0]
        raise UserError(Errors.E101.format(path=name, reason=f"no Excel workbook: {reason}")) from error


def _table(book: "Workbook", source: Source, reading: Reading) -> Table:
    """The sheet that is named, or the first that can be read.

    RAISES (UserError): Where there is none.
    """
    options = reading.options
    names = [sheet.title for sheet in book.worksheets]
    if options.sheet is not None and options.sheet not in names:
        raise UserError(
            Errors.E162.format(
                source=source.name,
                column=options.sheet,
                columns=", ".join(names),
                argument="sheet",
                option="sheet",
            )
        )
    tables = []
    for name in names if options.sheet is None else [options.sheet]:
        table = _sheet(book, name, source)
        if table is None:
            continue
        if options.sheet is not None or table.layout(options) is not None:
            left = [other for other in names if other != name]
            if options.sheet is None and left:
                reading.notes.append(
                    f"{table.where}: this sheet is read alone; there are others: {', '.join(left)} (`sheet`)"
                )
            return table
        tables.append(table)
    if tables:
        # Its message says which columns it has.
        return tables[0]
    raise UserError(Errors.E193.format(where=source.name, columns="none"))


def _sheet(book: "Workbook", name: str, source: Source) -> Table | None:
    """A sheet as a table; None where it has no header of two columns at least."""
    sheet = book[name]
    first = next(sheet.iter_rows(values_only=True), ())
    header = [_text(value).strip() for value in first]
    while header and not header[-1]:
        header.pop()
    if len(header) < 2 or len(set(header)) < len(header):
        return None

    def rows() -> Iterator[Row]:
        for number, values in enumerate(islice(sheet.iter_rows(values_only=True), 1, None), start=2):
            cells = [_text(value) for value in values]
            cells += [""] * (len(header) - len(cells))
            yield Row(number, cells if any(cells) else [])

    return Table(header, rows, rows, f"{source.name}[{name}]", source.path)


def _text(value: Any) -> str:
    """A cell's value as text."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
