"""CSV and TSV files with a header and a column of texts, read row by row from a file or a stream."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from spacy_ner_plus.errors import Errors, UserError

TABLE_SUFFIXES = (".csv", ".tsv", ".tab")
LONGEST_HEADER = 100  # lines


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


def find_text_column(header: str, name: str | None = None) -> TextColumn | None:
    """Find the column of texts by a table's first line.

    header (str): The line.
    name (str | None): The column; None for the first whose name is one that texts have, such as 'text' or 'content'.
    RETURNS (TextColumn | None): None where there is none, or a name stands twice.
    """
    from spacy_ner_plus.data.parsing.record_keys import TEXT_KEYS, find_key

    for delimiter, names in _headers(header):
        column = find_key(dict.fromkeys(names, ""), TEXT_KEYS, str) if name is None else name
        if column in names and len(set(names)) == len(names):
            return TextColumn(delimiter, names, column)
    return None


def read_text_table(
    lines: Iterable[str], where: str, name: str | None = None
) -> tuple[TextColumn, Iterator[tuple[int, Mapping[str, str]]]]:
    """Read a table.

    lines (Iterable[str]): With their own ends.
    where (str): The file, for messages.
    name (str | None): The column of texts, as `find_text_column` takes it.
    RETURNS (tuple[TextColumn, Iterator]): The header, and the rows that aren't blank, each with the number of its
        first line.
    RAISES (UserError): Where there is no such column, and, when it is read, a row that is broken or has another number
        of cells.
    """
    from spacy_ner_plus.data.formats.tables.delimited import read_rows

    lines = iter(lines)
    first, taken = _first_row(lines)
    found = find_text_column(first, name)
    if found is None:
        names = max((names for _, names in _headers(first)), key=len, default=())
        twice = [column for column in names if names.count(column) > 1]
        if twice:
            raise UserError(Errors.E784.format(path=where, column=twice[0]))
        wanted = "of texts" if name is None else f"'{name}'"
        raise UserError(Errors.E783.format(path=where, wanted=wanted, columns=", ".join(names) or "nothing"))

    def rows() -> Iterator[tuple[int, Mapping[str, str]]]:
        width = len(found.columns)
        for row in read_rows(chain(taken, lines), found.delimiter, where):
            if row.number > 1 and row.cells:
                if len(row.cells) != width:
                    place = f"{where}:{row.number}"
                    raise UserError(Errors.E677.format(where=place, found=len(row.cells), width=width))
                yield row.number, dict(zip(found.columns, row.cells, strict=True))

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


def _headers(line: str) -> list[tuple[str, tuple[str, ...]]]:
    """The names in a first row by each delimiter, the one that gives most of them first."""
    from spacy_ner_plus.data.formats.tables.delimited import DELIMITERS, split_head

    headers = []
    for delimiter in DELIMITERS:
        rows = split_head([line], delimiter)
        headers.append((delimiter, tuple(name.strip() for name in rows[0]) if rows else ()))
    return sorted(headers, key=lambda pair: -len(pair[1]))
