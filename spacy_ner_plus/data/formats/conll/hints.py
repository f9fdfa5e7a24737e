"""What helps with a file whose tags can't be found: of which other format it seems to be, and where its tags stand."""

import re
from collections.abc import Sequence

from spacy_ner_plus.data.records.schemes import is_tag
from spacy_ner_plus.data.records.spellings import PARTS_OF_SPEECH

# OntoNotes' column of names, such as '(PERSON*', '*' and '(GPE)', not of phrases or roles.
BRACKETS = re.compile(r"\(\w+(?:\*\)?|\))|\*\)?")
_PART = re.compile(r"\S+?([|;,])(?:\S*\1)?(\S+)")


def other_format(rows: Sequence[Sequence[str]], cells: Sequence[Sequence[str]]) -> str:
    """Say of which other format a file is.

    rows (Sequence[Sequence[str]]): Its lines in columns, all of one width.
    cells (Sequence[Sequence[str]]): Its lines, parted by white space.
    RETURNS (str): What to do, '' where it is of none that is known.
    """
    if any(_in_brackets([row[i] for row in rows]) for i in range(len(rows[0]))):
        return "It has names in brackets: give ontonotes as `format` (--format)."
    if len(rows[0]) == 10 and any(row[0][:1].isdecimal() and "=" in row[9] for row in rows):
        return "It is CoNLL-U, with tags among the values of the last column: give conllu as `format` (--format)."
    words = [cell for line in cells for cell in line]
    matches = [match for match in map(_PART.fullmatch, words) if match]
    if len(matches) * 2 > len(words) and any(is_tag(match[2]) for match in matches):
        if matches[0][1] == "|":
            return "Its tags stand behind '|': give iob as `format` (--format)."
        return f"Its columns are parted by '{matches[0][1]}': give table as `format` (--format)."
    return ""


def _in_brackets(column: Sequence[str]) -> bool:
    return any("(" in value for value in column) and all(map(BRACKETS.fullmatch, column))


def hint_at_tags(columns: Sequence[Sequence[str]], column: int, others: Sequence[int]) -> str:
    """Say what would help where a column that should hold tags holds none.

    columns (Sequence[Sequence[str]]): The values of each column.
    column (int): Index of the column that was looked at.
    others (Sequence[int]): Indices of the columns that do hold tags.
    """
    values = columns[column]
    if others:
        return f"Column {others[-1] + 1} holds tags: give its number as `tag_column` (--tag-column)."
    if len(columns) > 2 or sum(value in PARTS_OF_SPEECH for value in values) * 2 > len(values):
        seen = "These look like parts of speech. " if set(values) & PARTS_OF_SPEECH else ""
        return f"{seen}Say where the tags stand with `tag_column` (--tag-column), if there are any."
    if all(value.lstrip("-").isdecimal() for value in values):
        return (
            "Numbers don't say which label they mean: write the labels' names in their place, such as B-PER."
        )
    if len(set(values)) * 2 <= len(values) and all(value[:1].isalpha() for value in values):
        return (
            "If each of these is a label, and none means that there is no entity, give IO as `scheme` (--scheme); if "
            "one of them does, name it as `outside` (--option outside=NAME)."
        )
    return "Say where the tags stand with `tag_column` (--tag-column)."
