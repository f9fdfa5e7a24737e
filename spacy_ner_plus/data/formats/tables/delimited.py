"""Delimited text: rows of cells out of CSV and TSV files, whichever way they are quoted.

Python's csv reads them, with the file's own line ends inside of quotes, as offsets count them. Files with a token a
row were often written without quoting, so that a token `"` stands for itself: a line that isn't well quoted, and
that has as many cells as the header if it is parted at the delimiters alone, is read so.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from spacy_ner_plus.errors import Errors, UserError

DELIMITERS = (",", "\t", ";", "|")
LONGEST = 2**28  # characters of a cell; csv's own limit is 128 K, less than a long document
ENDS = "\r\n"
# With the quotes that some programs put around it.
SEP = re.compile(r'"?sep=([,\t;|])"?', re.IGNORECASE)
JOINED = 1_000  # lines that a quoted cell of a token goes on for at most


@dataclass(frozen=True)
class Row:
    """A row of a table.

    number (int): Of its first line, from 1.
    cells (list[str]): Its cells; [] for a blank line.
    """

    number: int
    cells: list[str]


def before_header(lines: Iterable[str]) -> tuple[int, str | None, Iterator[str]]:
    """Pass over what may stand before a header: blank lines, and Excel's line `sep=;`, which names the delimiter.

    RETURNS (tuple[int, str | None, Iterator[str]]): How many lines these are, the delimiter that is named, and the
        lines from the header on.
    """
    count, delimiter = 0, None
    lines = iter(lines)
    for line in lines:
        bare = line.lstrip("\ufeff").rstrip(ENDS)
        named = SEP.fullmatch(bare)
        if bare.strip() and (named is None or delimiter is not None):
            return count, delimiter, chain([line], lines)
        delimiter = named[1] if named else delimiter
        count += 1
    return count, delimiter, iter(())


def read_rows(lines: Iterable[str], delimiter: str, where: str, before: int = 0) -> Iterator[Row]:
    """Read rows as csv does.

    lines (Iterable[str]): With their own ends.
    before (int): How many lines of the file stand before them.
    RAISES (UserError): Quotes that aren't closed, where csv finds out.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
    counted = _Counted(lines)
    reader = csv.reader(counted, delimiter=delimiter, strict=True)
    begin = before + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(Errors.E192.format(where=f"{where}:{begin}", reason=error)) from error
        yield Row(begin, cells)
        begin = before + counted.number + 1


def read_token_rows(
    lines: Iterable[str], delimiter: str, width: int, where: str, before: int = 0
) -> Iterator[Row]:
    """Read rows of which each is a token, line by line: quotes are quoting only where the line is well quoted.

    width (int): How many cells the header has.
    before (int): How many lines of the file stand before these.
    RAISES (UserError): Quotes that aren't closed.
    """
    numbered = enumerate(lines, start=before + 1)
    for number, line in numbered:
        if '"' not in line:
            bare = line.rstrip(ENDS)
            yield Row(number, bare.split(delimiter) if bare else [])
            continue
        cells = _quoted(line, delimiter)
        if cells is not None and len(cells) == width:
            yield Row(number, cells)
            continue
        parted = line.rstrip(ENDS).split(delimiter)
        if len(parted) == width:
            yield Row(number, parted)
            continue
        # A token of line breaks goes on over lines.
        whole = line
        for _ in range(JOINED):
            if cells is not None:
                break
            _, more = next(numbered, (0, ""))
            if not more:
                break
            whole += more
            cells = _quoted(whole, delimiter)
        if cells is None:
            raise UserError(
                Errors.E192.format(where=f"{where}:{number}", reason="a quotation mark isn't closed")
            )
        yield Row(number, cells)


def split_head(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    """RETURNS (list[list[str]]): The cells of a table's beginning, which may end within a row; blank lines left out."""
    rows = []
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            if cells:
                rows.append(cells)
    except csv.Error:
        # What was read until there says which columns there are.
        pass
    return rows


def is_open(text: str, delimiter: str) -> bool:
    """RETURNS (bool): Whether a table's text ends within quotes."""
    # That a row has ended says the one more that comes after it, which a cell in quotes would swallow.
    cells: list[str] = []
    try:
        for cells in csv.reader([text, "\n"], delimiter=delimiter):  # noqa: B007
            pass
    except csv.Error:
        return False
    return bool(cells) and cells[-1].endswith("\n")


def _quoted(line: str, delimiter: str) -> list[str] | None:
    """The cells of a line, None where its quotes aren't well set or not closed."""
    try:
        rows = list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


class _Counted:
    """Lines, and how many of them were taken."""

    def __init__(self, lines: Iterable[str]):
        self.lines = iter(lines)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines)
        self.number += 1
        return line
