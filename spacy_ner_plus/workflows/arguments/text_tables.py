"""CSV and TSV files with a header and a column of texts, read row by row from a file or a stream."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

TABLE_SUFFIXES = (".csv", ".tsv", ".tab")
LONGEST_HEADER = 100  # lines
BLANK = "blank line, passed over"


@dataclass(frozen=True)
class TextColumn:
    """Where the texts of a table stand.

    delimiter (str): What stands between cells.
    columns (tuple[str, ...]): The header's names.
    text (str): The name of the texts' column.
    """

    delimiter: str
    columns: tuple[str, ...]
    text: str


def find_text_column(header: str, name: str | None = None, delimiter: str | None = None) -> TextColumn | None:
    """Find the column of texts by a table's first line.

    header (str): The line.
    name (str | None): The column; None for the first whose name is one that texts have, such as 'text' or 'content'.
    delimiter (str | None): What stands between cells; None for what gives most names.
    RETURNS (TextColumn | None): None where there is none, or a name stands twice.
    """
    from spacy_ner_plus.data.parsing.record_keys import TEXT_KEYS, find_key

    for found, names in _headers(header, delimiter):
        column = find_key(dict.fromkeys(names, ""), TEXT_KEYS, str) if name is None else name
        if column in names and len(set(names)) == len(names):
            return TextColumn(found, names, column)
    return None


def read_text_table(
    lines: Iterable[str], where: str, name: str | None = None, issues: IssueLog | None = None
) -> tuple[TextColumn, Iterator[tuple[int, Mapping[str, str]]]]:
    """Read a table.

    lines (Iterable[str]): With their own ends.
    where (str): The file, for messages.
    name (str | None): The column of texts, as `find_text_column` takes it.
    issues (IssueLog): Where blank rows are counted. Default: nowhere.
    RETURNS (tuple[TextColumn, Iterator]): The header, and the rows that aren't blank, each with the number of its
        first line. In a table of one column a blank line is a row with an empty cell, but for those at its end.
    RAISES (UserError): Where there is no such column, and, when it is read, a row that is broken or has another number
        of cells.
    """
    from spacy_ner_plus.data.formats.tables.delimited import before_header, read_rows

    before, delimiter, lines = before_header(lines)
    first, taken = _first_row(lines)
    found = find_text_column(first, name, delimiter)
    if found is None:
        names = max((names for _, names in _headers(first, delimiter)), key=len, default=())
        twice = [column for column in names if names.count(column) > 1]
        if twice:
            raise UserError(Errors.E784.format(path=where, column=twice[0]))
        wanted = "of texts" if name is None else f"'{name}'"
        raise UserError(Errors.E783.format(path=where, wanted=wanted, columns=", ".join(names) or "nothing"))

    def rows() -> Iterator[tuple[int, Mapping[str, str]]]:
        width = len(found.columns)
        blank: list[int] = []
        for row in islice(read_rows(chain(taken, lines), found.delimiter, where, before), 1, None):
            if not row.cells:
                # Of one column, these are cells unless the file ends with them.
                if width == 1:
                    blank.append(row.number)
                elif issues is not None:
                    issues.add(BLANK, where, f"{where}:{row.number}")
                continue
            for number in blank:
                yield number, {found.text: ""}
            blank.clear()
            if len(row.cells) != width:
                place = f"{where}:{row.number}"
                raise UserError(Errors.E677.format(where=place, found=len(row.cells), width=width))
            yield row.number, dict(zip(found.columns, row.cells, strict=True))
        if blank and issues is not None:
            issues.add(BLANK, where, f"{where}:{blank[0]}", len(blank))

    return found, rows()


def _first_row(lines: Iterator[str]) -> tuple[str, list[str]]:
    """Take a table's first row, whose quoted names may hold line breaks.

    RETURNS (tuple[str, list[str]]): The row, and the lines that were taken for it. Where quotes aren't closed soon, the
        first line counts alone.
    """
    from spacy_ner_plus.data.formats.tables.delimited import DELIMITERS, is_open

    taken = [next(lines, "")]
    while any(is_open("".join(taken), delimiter) for delimiter in DELIMITERS):
        more = next(lines, "") if len(taken) < LONGEST_HEADER else ""
        if not more:
            return taken[0], taken
        taken.append(more)
    return "".join(taken), taken


def _headers(line: str, delimiter: str | None = None) -> list[tuple[str, tuple[str, ...]]]:
    """The names in a first row by each delimiter, the one that gives most of them first."""
    from spacy_ner_plus.data.formats.tables.delimited import DELIMITERS, split_head

    headers = []
    for each in DELIMITERS if delimiter is None else (delimiter,):
        rows = split_head([line], each)
        headers.append((each, tuple(name.strip() for name in rows[0]) if rows else ()))
    return sorted(headers, key=lambda pair: -len(pair[1]))
