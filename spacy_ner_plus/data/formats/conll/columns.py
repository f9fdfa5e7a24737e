"""The columns of a CoNLL file: how its lines split, and which columns hold token and tags."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from spacy_ner_plus.data.formats.conll.hints import hint_at_tags, other_format
from spacy_ner_plus.data.records.schemes import is_tag, split_cells
from spacy_ner_plus.data.records.spellings import (
    BARE,
    LABELS,
    MISSING_TAGS,
    PLAIN,
    Spelling,
    find_spelling,
    is_chunk,
)
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.spans import TokenSpan, tags_to_spans

# Names of columns, where the first line has them rather than a token.
TOKEN_NAMES = frozenset({"token", "tokens", "word", "words", "form", "text"})
TAG_NAMES = frozenset(
    {"tag", "tags", "label", "labels", "ner", "ne", "ner_tag", "ner_tags", "iob", "bio", "entity", "ner-tag"}
)
OTHER_NAMES = frozenset(
    {"id", "index", "pos", "pos_tag", "pos_tags", "upos", "xpos", "chunk", "chunk_tag", "chunk_tags", "lemma"}
)
# Spellings that are taken only where no column has tags with prefixes.
RANKS = {LABELS: 1, BARE: 2}
# WikiANN has a language's code before each token.
_LANGUAGE = re.compile(r"((?:[a-z]{2,3}|simple)(?:-[a-z]+)*):")


@dataclass(frozen=True)
class Layout:
    """How a line reads.

    token (int): Index of the token's column.
    tag (int | None): Index of the tag's column; None where there is only one column.
    width (int): How many columns a line has.
    tabs (bool): Whether tabs alone part the columns; otherwise spaces and tabs do.
    indexed (bool): Whether the first column counts the tokens of a sentence.
    inner (tuple[int, ...]): Indices of the columns with the tags of nested entities.
    names (int): The line that names the columns; 0 where there is none.
    languages (frozenset[str]): Codes that stand before each token, as in 'fr:Rosa'.
    spelling (Spelling): How the tags are spelled.
    others (tuple[int, ...]): Indices of columns that hold tags as well, and aren't read.
    has_tags (bool): Whether anything but missing tags was seen.
    is_blank (bool): Whether nothing but O and missing tags was seen, which doesn't show the spelling.
    between (tuple[frozenset[str], ...]): What was seen in each column from the token's to the tag's.
    """

    token: int
    tag: int | None
    width: int
    tabs: bool = False
    indexed: bool = False
    inner: tuple[int, ...] = ()
    names: int = 0
    languages: frozenset[str] = frozenset()
    has_tags: bool = field(default=True, compare=False)
    is_blank: bool = field(default=False, compare=False)
    between: tuple[frozenset[str], ...] = field(default=(), compare=False)
    # What tags look like and what isn't read says nothing about where token and tag stand.
    spelling: Spelling = field(default=PLAIN, compare=False)
    others: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        if self.tag is None:
            return f"token in column {self.token + 1} of {self.width}, no tags"
        where = f"token in column {self.token + 1}, tag in column {self.tag + 1} of {self.width}"
        if self.inner:
            where += f", nested tags in {_numbers(self.inner)}"
        return where

    def not_read(self) -> str:
        """RETURNS (str): Which columns aren't read, such as parts of speech; '' where all are."""
        read = {self.token, self.tag, *self.inner, *([0] if self.indexed else [])}
        left = [i for i in range(self.width) if i not in read]
        return f"{_numbers(left)} {'is' if len(left) == 1 else 'are'} not read" if left else ""

    def notes(self) -> list[str]:
        """RETURNS (list[str]): What the user should know about how the file is read."""
        found = [f"the tags are {said}" if (said := str(self.spelling)) else ""]
        if self.languages:
            codes = ", ".join(f"'{code}:'" for code in sorted(self.languages))
            found.append(f"{codes} before each token left out")
        if self.others:
            found.append(
                f"{_numbers(self.others)} holds tags as well and isn't read: choose it with `tag_column` "
                "(--tag-column), or read it as nested tags with `nested_columns` (--option nested_columns=NUMBERS)"
            )
        if not self.has_tags:
            found.append("there are no tags, so that all tokens are missing annotation rather than O")
        if self.names:
            found.append(f"line {self.names} names the columns")
        return [note for note in found if note]


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
    *,
    nested_columns: str = "",
    label: str = "",
    outside: str = "",
) -> Layout:
    """Find the columns of token and tag.

    Unless they are given: the token stands in the first column, or in the
    second where the first counts the tokens or holds tags before them; the tag stands in the last column
    that holds tags, or, where the first column counts (GermEval, which goes on
    with nested entities), in the first that does. Columns of phrases don't count,
    and those whose entities all lie within another column's are nested ones.

    sample (Sequence[tuple[int, str]]): Numbered lines, blank ones among them.
    where (str): The file's name, for the messages.
    token_column (int | str | None): The token's column, from 1, or from -1
        counted from the last.
    tag_column (int | str | None): The tag's column, likewise.
    any_tag (bool): Whether anything may be a tag, as in the scheme IO.
    nested_columns (str): Columns of nested tags, between commas. Default: they are found.
    label (str): Of tags that name none, such as B and I.
    outside (str): What stands for O.
    RAISES (UserError): A column that does not exist, or holds no tags; a file of another format.
    """
    contents = [(number, line) for number, line in sample if line.strip()]
    # A comment may look like anything, so it only counts where there is nothing else.
    uncommented = [(number, line) for number, line in contents if not line.startswith("#")] or contents
    place = f"{where}:{uncommented[0][0]}"
    tabs = _parted_by_tabs([line for _, line in uncommented])
    names = _names_columns(split_line(uncommented[0][1], tabs)) and len(uncommented) > 1
    lines = [line for _, line in uncommented[names:]]
    rows = [split_line(line, tabs) for line in lines]
    width = _width(rows, tabs)
    rows = [row for row in rows if len(row) == width]
    indexed = width > 2 and len(rows) > 1 and _counts([row[0] for row in rows])
    token = _given(token_column, width, place)
    columns = [[row[i] for row in rows] for i in range(width)]
    if token is None:
        first = width == 2 and tag_column is None and _stand_first(columns)
        token = 1 if indexed or first else 0
    tag, spelling = _given(tag_column, width, place), PLAIN
    inner: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    found = {}
    for i in range(width):
        seen = None if i == token or (indexed and i == 0) else _tags_of(columns[i], label, outside)
        if seen is not None:
            found[i] = seen
    found = _likeliest(found, columns)
    if not found and tag is None and (hint := other_format(rows, [line.split() for line in lines])):
        raise UserError(Errors.E181.format(where=place, line=lines[0].strip()[:60], hint=hint))
    if tag is None and width > 1:
        tag, inner, others = _choose(found, columns, first=indexed) if found else (width - 1, (), ())
    if nested_columns:
        wanted = [_given(number.strip(), width, place) for number in nested_columns.split(",")]
        inner = tuple(i for i in wanted if i is not None and i != tag)
        others = tuple(i for i in others if i not in inner)
    if tag is not None and not any_tag:
        seen = found.get(tag) or find_spelling(columns[tag], label, outside)
        if (
            seen is not None
            and tag_column is None
            and tag not in found
            and not _mostly_tags(columns[tag], seen)
        ):
            seen = None
        if seen is None and set(columns[tag]) - MISSING_TAGS:
            raise UserError(
                Errors.E107.format(
                    where=place,
                    column=tag + 1,
                    value=next(value for value in columns[tag] if value not in MISSING_TAGS),
                    hint=hint_at_tags(columns, tag, [i for i in found if i != tag]),
                )
            )
        spelling = seen or PLAIN
        if spelling.kind == BARE and not spelling.label:
            raise UserError(Errors.E182.format(where=place, column=tag + 1))
    return Layout(
        token,
        tag,
        width,
        tabs,
        indexed,
        inner,
        names=uncommented[0][0] if names else 0,
        languages=_languages(columns[token]) if width > 1 else frozenset(),
        is_blank=tag is not None and not any_tag and set(columns[tag]) <= spelling.outside | MISSING_TAGS,
        between=tuple(map(frozenset, columns[token + 1 : tag])) if tag is not None else (),
        has_tags=tag is not None and bool(set(columns[tag]) - MISSING_TAGS),
        spelling=spelling,
        others=others,
    )


def _width(rows: Sequence[Sequence[str]], tabs: bool) -> int:
    """The number of columns: the most frequent, or, as tokens may hold spaces, a smaller one of lines that end in a
    tag."""
    counts = Counter(len(row) for row in rows)
    width = counts.most_common(1)[0][0]
    if tabs or not all(is_tag(row[-1]) for row in rows):
        return width
    return min(found for found, n in counts.items() if found == width or (found > 1 and n * 10 >= len(rows)))


def _parted_by_tabs(lines: Sequence[str]) -> bool:
    """Whether tabs alone part the columns."""
    if sum("\t" in line.rstrip() for line in lines) * 2 <= len(lines):
        return False
    rows = [split_line(line, True) for line in lines]
    if len(rows) > 1 and all(" " in "".join(row) for row in rows):
        # Where every line has spaces as well, and splits alike at both, both part columns.
        return len({len(split_line(line, False)) for line in lines}) > 1
    return True


def _names_columns(row: Sequence[str]) -> bool:
    """Whether a line names the columns, as 'token' and 'tag'."""
    names = {cell.lower() for cell in row}
    return (
        bool(names & TOKEN_NAMES)
        and bool(names & TAG_NAMES)
        and names <= TOKEN_NAMES | TAG_NAMES | OTHER_NAMES
    )


def _stand_first(columns: Sequence[Sequence[str]]) -> bool:
    """Whether tags stand before their tokens, as in MIT's corpora: all of the first column are such as B-PER and O."""
    return (
        all(map(is_tag, columns[0]))
        and any(value != "O" for value in columns[0])
        and not any(is_tag(value) for value in columns[1] if value != "O")
    )


def _tags_of(column: Sequence[str], label: str, outside: str) -> Spelling | None:
    """RETURNS (Spelling | None): How a column spells its tags; None where nine in ten values aren't tags or missing."""
    spelling = find_spelling(column, label, outside)
    if spelling is None:
        return None
    counts = Counter(column)
    fitting = sum(n for value, n in counts.items() if value in MISSING_TAGS or spelling.is_tag(value))
    # Tags that name no label are told apart from others by the message that asks for it.
    return spelling if fitting * 10 >= len(column) * 9 or spelling.kind == BARE else None


def _mostly_tags(column: Sequence[str], spelling: Spelling) -> bool:
    return sum(value in MISSING_TAGS or spelling.is_tag(value) for value in column) * 2 >= len(column)


def _likeliest(found: dict[int, Spelling], columns: Sequence[Sequence[str]]) -> dict[int, Spelling]:
    """Keep the columns that are surest to hold tags of entities: those with prefixes, none of phrases."""
    insides = {i: set(columns[i]) - spelling.outside - MISSING_TAGS for i, spelling in found.items()}
    phrases = {i for i, inside in insides.items() if inside and all(map(is_chunk, inside))}
    found = {i: spelling for i, spelling in found.items() if i not in phrases} or found
    ranks = {i: RANKS.get(spelling.kind, 0) for i, spelling in found.items() if insides[i]}
    # A column of nothing but O may belong to any spelling.
    return {i: spelling for i, spelling in found.items() if i not in ranks or ranks[i] == min(ranks.values())}


def _choose(
    found: dict[int, Spelling], columns: Sequence[Sequence[str]], first: bool
) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Choose the column of the tags among those that hold some.

    RETURNS (tuple[int, tuple[int, ...], tuple[int, ...]]): It, those of nested tags, and those that are neither.
    """
    indices = list(found)
    if first:
        return indices[0], tuple(indices[1:]), ()
    spans = {i: _spans(columns[i], spelling) for i, spelling in found.items()}
    for outer in indices:
        others = [i for i in indices if i != outer]
        if others and spans[outer] and all(_is_within(spans[i], spans[outer]) for i in others):
            return outer, tuple(others), ()
    return indices[-1], (), tuple(indices[:-1])


def _spans(column: Sequence[str], spelling: Spelling) -> list[TokenSpan]:
    return tags_to_spans(split_cells([spelling.plain(cell) for cell in column])[0])


def _is_within(inner: Sequence[TokenSpan], outer: Sequence[TokenSpan]) -> bool:
    """Whether spans all lie within others, and don't only repeat them."""
    bounds = {(span.start, span.end) for span in outer}
    around = {i: (span.start, span.end) for span in outer for i in range(span.start, span.end)}
    lie_within = all(
        around.get(span.start) is not None and around[span.start] == around.get(span.end - 1)
        for span in inner
    )
    return lie_within and (not inner or any((span.start, span.end) not in bounds for span in inner))


def _languages(tokens: Sequence[str]) -> frozenset[str]:
    """RETURNS (frozenset[str]): The codes of languages that stand before each token; none where one has none."""
    matches = [_LANGUAGE.match(token) for token in tokens]
    if len(tokens) < 2 or not all(matches):
        return frozenset()
    return frozenset(match[1] for match in matches if match)


def _numbers(indices: Sequence[int]) -> str:
    numbers = ", ".join(str(i + 1) for i in indices)
    return f"column {numbers}" if len(indices) == 1 else f"columns {numbers}"


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
    """Whether a column counts tokens: 1 2 3 1 2, also from 0, with CoNLL-U's ranges 1-2 and 1.1 between.

    Where rows were taken away, or don't read, numbers are left out: one in five may be.
    """
    expected = {0, 1}
    left_out = 0
    for value in values:
        if not value.isdecimal():
            if not is_range(value):
                return False
            continue
        left_out += int(value) not in expected
        expected = {0, 1, int(value) + 1}
    return left_out <= max(len(values) >= 4, len(values) // 5)


def is_range(value: str) -> bool:
    """RETURNS (bool): Whether this is CoNLL-U's index of a fused or an empty token, such as '1-2' or '1.1'."""
    first, mark, second = value.partition("-") if "-" in value else value.partition(".")
    return bool(mark) and first.isdecimal() and second.isdecimal()
