"""`table`: CSV and TSV files with a header.

A row a token, with a column of sentences (an id on each row, or on the first of a sentence alone) or blank rows
between them:

    Sentence #,Word,POS,Tag
    Sentence: 1,Rosa,NNP,B-per
    ,left,VBD,O

A row a sentence, with lists as JSON, Python or numpy writes them, or strings of tokens and tags:

    tokens,ner_tags
    "['Rosa', 'left']","['B-PER', 'O']"
    Rosa left,B-PER O

A row a text with a list of its spans, or a row a span:

    text,entities
    Rosa left,"[(0, 4, 'PER')]"

    text,start,end,label
    Rosa left,0,4,PER

Columns are found by their names, in any case and spelling, and by what stands in them; commas, tabs, semicolons or
bars stand between them. A span's own text may have a column, by which offsets are checked. Tags are strings in any
scheme, or numbers with the option `labels`. An empty cell is no annotation, an empty list is. Other columns are in
the Doc's meta. Files without a header aren't read: of CoNLL's shape they are `conll`. Blank lines and Excel's `sep=;`
may stand before the header.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from spacy_ner_plus.data.formats.format import CERTAIN, LIKELY, Reading, Sniff
from spacy_ner_plus.data.formats.tables.delimited import (
    DELIMITERS,
    before_header,
    read_rows,
    read_token_rows,
    split_head,
)
from spacy_ner_plus.data.formats.tables.layout import find_layout
from spacy_ner_plus.data.formats.tables.reading import Table, TableRowOptions
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.sources.lines import FileLines
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import setting, settings

# A header that names what stands below it is surer than the shape of the lines alone.
NAMED = (CERTAIN + LIKELY) / 2


@settings
class TableOptions(TableRowOptions):
    """How CSV and TSV files are read."""

    delimiter: str | None = setting(
        "What stands between cells, such as ';'; found where it isn't given.", None
    )


class DelimitedTable:
    """The format, as `formats/format.py` says."""

    name = "table"
    about = "CSV and TSV with a header: a row a token, a span, a sentence or a text with lists"
    endings = (".csv", ".tsv", ".tab")
    options = TableOptions
    keeps = frozenset()
    writes = False
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        if not source.is_text or source.head_values:
            return None
        _, named, lines = before_header(f"{line}\n" for line in source.head_lines)
        lines = list(lines)
        for delimiter in DELIMITERS if named is None else (named,):
            header = _header(lines, delimiter)
            if header is None:
                continue
            for rows in (
                _token_cells(lines, delimiter, len(header), source.name),
                split_head(lines, delimiter),
            ):
                layout = find_layout(header, rows[1:])
                if layout is not None:
                    return Sniff(NAMED, f"a table with a header, {layout}")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        options = reading.options
        lines = _TableLines(FileLines(source.path, source.encoding, source.name, line_ends=True))
        delimiter, header = _delimiter(lines, source.name, options)
        table = Table(
            header,
            lambda: islice(read_rows(lines, delimiter, source.name, lines.before), 1, None),
            lambda: islice(
                read_token_rows(lines, delimiter, len(header), source.name, lines.before), 1, None
            ),
            source.name,
            source.path,
        )
        return table.records(reading)


TABLE = DelimitedTable()


class _TableLines:
    """A table's lines from its header on, as often as they are asked for.

    before (int): How many lines stand before it.
    delimiter (str | None): What stands between cells, where one of these says so.
    """

    def __init__(self, lines: FileLines):
        self._lines = lines
        self.before, self.delimiter, _ = before_header(lines)

    def __iter__(self) -> Iterator[str]:
        return islice(self._lines, self.before, None)


def _header(lines: Iterable[str], delimiter: str) -> list[str] | None:
    """The names of columns; None where the first line has none, or one alone."""
    first = next(iter(lines), "")
    rows = split_head([first.lstrip("\ufeff")], delimiter)
    names = [name.strip() for name in rows[0]] if rows else []
    if len(names) < 2 or len(set(names)) < len(names):
        return None
    return names


def _token_cells(lines: list[str], delimiter: str, width: int, where: str) -> list[list[str]]:
    cells = []
    try:
        for row in read_token_rows(lines, delimiter, width, where):
            cells.append(row.cells)
    except UserError:
        pass
    return [row for row in cells if len(row) in (0, width)]


def _delimiter(lines: _TableLines, where: str, options: TableOptions) -> tuple[str, list[str]]:
    """RETURNS (tuple[str, list[str]]): What stands between cells, and the header.

    RAISES (UserError): A file without a header of several columns.
    """
    found = []
    named = lines.delimiter if options.delimiter is None else options.delimiter.replace("\\t", "\t")
    for delimiter in DELIMITERS if named is None else (named,):
        header = _header(lines, delimiter)
        if header is None:
            continue
        found.append((delimiter, header))
        head = [*islice(lines, 2_000)]
        for rows in (_token_cells(head, delimiter, len(header), where), split_head(head, delimiter)):
            if find_layout(header, rows[1:], options.token_column, options.tag_column) is not None:
                return delimiter, header
    if not found:
        raise UserError(Errors.E193.format(where=where, columns=next(iter(lines), "").strip()[:60]))
    # The one that gives most columns: what they lack is told with their names.
    return max(found, key=lambda pair: len(pair[1]))
