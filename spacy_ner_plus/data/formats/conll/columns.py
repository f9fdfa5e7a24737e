"""The columns of a CoNLL file: how its lines split, and which columns hold token and tag."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spacy_ner_plus.data.records.schemes import MISSING_TAGS, is_tag
from spacy_ner_plus.errors import Errors, UserError


@dataclass(frozen=True)
class Layout:
    """How a line reads.

    token (int): Index of the token's column.
    tag (int | None): Index of the tag's column; None where there is only one column.
    width (int): How many columns a line has.
    tabs (bool): Whether tabs alone part the columns; otherwise spaces and tabs do.
    indexed (bool): Whether the first column counts the tokens of a sentence.
    """

    token: int
    tag: int | None
    width: int
    tabs: bool = False
    indexed: bool = False

    def __str__(self) -> str:
        if self.tag is None:
            return f"token in column {self.token + 1} of {self.width}, no tags"
        return f"token in column {self.token + 1}, tag in column {self.tag + 1} of {self.width}"


def split_line(line: str, tabs: bool) -> list[str]:
    """Split a line into columns, at tabs and spaces only: other white space may belong to a token.

    line (str): The line, with or without its end.
    tabs (bool): Whether tabs alone part the columns, where there are any.
    RETURNS (list[str]): The columns; a column may be empty only between tabs,
        and after a space at the end of the line or before one at its start.
    """
    line = line.rstrip("\r\n")
    if "\t" in line:
        if tabs:
            return [column.strip(" ") for column in line.split("\t")]
        line = line.replace("\t", " ")
    columns = line.split(" ")
    if "" in columns:
        columns = [column for column in columns if column]
    return columns


def find_layout(
    sample: Sequence[tuple[int, str]],
    where: str,
    token_column: int | str | None = None,
    tag_column: int | str | None = None,
    any_tag: bool = False,
) -> Layout:
    """Find the columns of token and tag.

    Unless they are given: the token stands in the first column, or in the
    second where the first counts the tokens; the tag stands in the last column
    that holds tags, or, where the first column counts (GermEval, which goes on
    with nested entities), in the first that does.

    sample (Sequence[tuple[int, str]]): Numbered lines, blank ones among them.
    where (str): The file's name, for the messages.
    token_column (int | str | None): The token's column, from 1, or from -1
        counted from the last.
    tag_column (int | str | None): The tag's column, likewise.
    any_tag (bool): Whether anything may be a tag, as in the scheme IO.
    RAISES (UserError): A column that does not exist, or holds no tags.
    """
    contents = [(number, line) for number, line in sample if line.strip()]
    # A comment may look like anything, so it only counts where there is nothing else.
    uncommented = [(number, line) for number, line in contents if not line.startswith("#")] or contents
    tabs = sum("\t" in line for _, line in uncommented) * 2 > len(uncommented)
    rows = [split_line(line, tabs) for _, line in uncommented]
    if tabs and len(rows) > 1 and all(" " in "".join(row) for row in rows):
        # Where every line has spaces as well, and splits alike at both, both part columns.
        at_both = [split_line(line, False) for _, line in uncommented]
        if len({len(row) for row in at_both}) == 1:
            rows, tabs = at_both, False
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    place = f"{where}:{uncommented[0][0]}"
    rows = [row for row in rows if len(row) == width]
    indexed = width > 2 and len(rows) > 1 and _counts([row[0] for row in rows])
    token = _given(token_column, width, place)
    if token is None:
        token = 1 if indexed else 0
    tag = _given(tag_column, width, place)
    if tag is None and width > 1:
        found = [i for i in range(width) if i != token and not (indexed and i == 0) and _holds_tags(rows, i)]
        tag = (found[0] if indexed else found[-1]) if found else width - 1
    if tag is not None and not any_tag:
        values = [row[tag] for row in rows]
        if not any(is_tag(value) or value in MISSING_TAGS for value in values):
            raise UserError(Errors.E107.format(where=place, column=tag + 1, value=values[0]))
    return Layout(token, tag, width, tabs, indexed)


def _given(column: int | str | None, width: int, place: str) -> int | None:
    """Read a column's number that the user gave as an index."""
    if column is None:
        return None
    try:
        number = int(column)
    except ValueError:
        raise UserError(Errors.E106.format(column=column)) from None
    if number == 0 or not -width <= number <= width:
        raise UserError(Errors.E105.format(where=place, column=number, width=width))
    return number - 1 if number > 0 else width + number


def _counts(values: Sequence[str]) -> bool:
    """Whether a column counts tokens: 1 2 3 1 2, also from 0, with CoNLL-U's ranges 1-2 and 1.1 between."""
    expected = {0, 1}
    for value in values:
        if not value.isdecimal():
            if not is_range(value):
                return False
            continue
        if int(value) not in expected:
            return False
        expected = {0, 1, int(value) + 1}
    return True


def is_range(value: str) -> bool:
    """RETURNS (bool): Whether this is CoNLL-U's index of a fused or an empty token, such as '1-2' or '1.1'."""
    first, mark, second = value.partition("-") if "-" in value else value.partition(".")
    return bool(mark) and first.isdecimal() and second.isdecimal()


def _holds_tags(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether nine in ten values of a column are tags or missing, and one at least is a tag."""
    tags = sum(is_tag(row[column]) for row in rows)
    missing = sum(row[column] in MISSING_TAGS for row in rows)
    return tags > 0 and (tags + missing) * 10 >= len(rows) * 9
