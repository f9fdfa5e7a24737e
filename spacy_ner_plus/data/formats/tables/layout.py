"""What the rows of a table are: tokens, spans, or sentences and texts with lists in their cells; and its columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from spacy_ner_plus.data.formats.rows.rows import texts_with_spans
from spacy_ner_plus.data.formats.rows.span_rows import SpanColumns, TextColumns, find_span_columns, plain
from spacy_ner_plus.data.formats.rows.token_columns import TokenColumns, guess_token_columns
from spacy_ner_plus.data.formats.tables.cells import looks_like_list, read_list
from spacy_ner_plus.data.records.schemes import MISSING_TAGS, is_tag
from spacy_ner_plus.errors import Errors, UserError

# Names as `plain` writes them, the likeliest first.
TOKENS = ("word", "words", "token", "tokens", "tok", "wordform", "form", "surface", "term", "string", "text")
TAGS = (
    "nertag", "nertags", "ner", "nerlabel", "nerlabels", "entitytag", "netag", "nelabel", "namedentity", "iobtag",
    "biotag", "iob", "bio", "tag", "tags", "label", "labels", "entity", "ne", "entitytype", "target", "annotation",
)  # fmt: skip
SENTENCES = (
    "sentence", "sentenceid", "sentid", "sentenceidx", "sentidx", "sentencenumber", "sentencenum", "sentenceno",
    "sentenceindex", "sentencenr", "sent", "sentno", "sid", "sequenceid", "seqid", "exampleid", "tweetid", "segmentid",
)  # fmt: skip
DOCUMENTS = (
    "documentid",
    "docid",
    "document",
    "doc",
    "docname",
    "articleid",
    "textid",
    "fileid",
    "filename",
    "file",
)
ROW_NUMBERS = ("", "unnamed0", "index")
NO_VALUE = frozenset({"", "nan", "none", "null", "na", "n/a"})


@dataclass(frozen=True)
class TokenTable:
    """Columns of a table with a row a token.

    token, tag (str): Of the token and its tag.
    sentence (str | None): Of the sentence's id; it may stand on its first row alone.
    document (str | None): Of the document's id, likewise.
    """

    token: str
    tag: str
    sentence: str | None = None
    document: str | None = None

    def __str__(self) -> str:
        sentences = f"sentences by '{self.sentence}'" if self.sentence else "sentences between blank rows"
        documents = f", documents by '{self.document}'" if self.document else ""
        return f"a row a token: tokens in '{self.token}', tags in '{self.tag}', {sentences}{documents}"


@dataclass(frozen=True)
class ListTable:
    """Columns of a table with lists in its cells.

    columns (TokenColumns | TextColumns): Those that are read.
    lists (frozenset[str]): Those whose cells hold lists.
    """

    columns: TokenColumns | TextColumns
    lists: frozenset[str]

    def __str__(self) -> str:
        return f"a row a sentence or text: {self.columns}"


Layout = TokenTable | SpanColumns | ListTable


def find_layout(
    header: Sequence[str], rows: Sequence[Sequence[str]], token: str | None = None, tag: str | None = None
) -> Layout | None:
    """Find out what the rows of a table are; None where that can't be told.

    header (Sequence[str]): Names of its columns.
    rows (Sequence[Sequence[str]]): The first rows after it.
    token, tag (str | None): The columns that the user names.
    """
    # The header stands again where files were put one behind the other.
    rows = [row for row in rows if any(cell.strip() for cell in row) and list(row) != list(header)]
    records = [dict(zip(header, row, strict=False)) for row in rows]
    if not records or len(header) < 2:
        return None
    lists = frozenset(name for name in header if _holds_lists(records, name))
    layout = _token_table(header, records, lists, token, tag)
    if layout is not None:
        return layout
    if token is None and tag is None and (spans := find_span_columns(records)) is not None:
        return spans
    parsed = [as_lists(record, lists) for record in records]
    columns = guess_token_columns(parsed, token, tag)
    if columns is None and token is None and tag is None:
        columns = texts_with_spans(parsed)
    return None if columns is None else ListTable(columns, lists)


def as_lists(record: Mapping[str, str], lists: frozenset[str]) -> dict[str, Any]:
    """Read the cells that hold lists; an empty one, and one that can't be read, is None."""
    read: dict[str, Any] = dict(record)
    for name in lists & record.keys():
        try:
            read[name] = read_list(record[name]) if record[name].strip().lower() not in NO_VALUE else None
        except ValueError:
            read[name] = None
    return read


def check_columns(header: Sequence[str], where: str, options: Mapping[str, str | None]) -> None:
    """Refuse columns that a user names and a table doesn't have.

    options (Mapping[str, str | None]): By the name of the option, such as 'token_column'.
    RAISES (UserError): It says which columns there are.
    """
    for argument, column in options.items():
        if column is not None and column not in header:
            option = argument.replace("_", "-")
            raise UserError(
                Errors.E162.format(
                    source=where, column=column, columns=", ".join(header), argument=argument, option=option
                )
            )


def _token_table(
    header: Sequence[str],
    records: Sequence[Mapping[str, str]],
    lists: frozenset[str],
    token: str | None,
    tag: str | None,
) -> TokenTable | None:
    singles = [name for name in header if name not in lists]
    tokens = [token] if token else [name for name in _named(singles, TOKENS) if _is_words(records, name)]
    for name in tokens:
        if name in lists or (token and not _is_words(records, name)):
            continue
        others = [other for other in singles if other != name]
        tags = (
            _tag_column(others, records)
            if tag is None
            else tag
            if tag in others and _is_words(records, tag)
            else None
        )
        if tags is None:
            continue
        sentences = [other for other in _named(others, SENTENCES) if other != tags]
        if not sentences:
            sentences = [other for other in others if plain(other).startswith("sent") and other != tags]
        if not sentences:
            sentences = [other for other in others if plain(other) == "id" and _is_grouped(records, other)]
        documents = [other for other in _named(others, DOCUMENTS) if other not in (tags, *sentences[:1])]
        return TokenTable(
            name, tags, sentences[0] if sentences else None, documents[0] if documents else None
        )
    return None


def _tag_column(names: Sequence[str], records: Sequence[Mapping[str, str]]) -> str | None:
    """The column of tags: one with such a name that has tags, then the last that has, then one with labels and O."""
    named = [name for name in _named(names, TAGS) if _is_words(records, name)]
    shares = {name: _tag_share(records, name) for name in names}
    for name in named:
        if shares[name] >= 0.9:
            return name
    for name in reversed(names):
        if shares[name] >= 0.9 and any(_is_label(record.get(name, "")) for record in records):
            return name
    for name in named:
        # Labels without prefixes and names as numbers; parts of speech have neither an O nor nothing.
        values = {record.get(name, "").strip() for record in records}
        if values & {"O", "0", "o"} or all(value.removeprefix("-").isdecimal() for value in values):
            return name
    return None


def _tag_share(records: Sequence[Mapping[str, str]], name: str) -> float:
    values = [record.get(name, "").strip() for record in records]
    known = [value for value in values if value not in MISSING_TAGS]
    return sum(is_tag(value) for value in known) / len(known) if known else 0.0


def _is_label(value: str) -> bool:
    return value.strip() != "O" and is_tag(value.strip())


def _is_words(records: Sequence[Mapping[str, str]], name: str) -> bool:
    """Whether cells hold a word each, as a rule."""
    counts = [len(cell.split()) for record in records if (cell := record.get(name, "")).strip()]
    return bool(counts) and median(counts) <= 1


def _holds_lists(records: Sequence[Mapping[str, str]], name: str) -> bool:
    """Whether nine in ten of a column's cells are lists; a text may look like one."""
    cells = [cell for record in records if (cell := record.get(name, "")).strip().lower() not in NO_VALUE]
    return bool(cells) and sum(map(_is_list, cells)) * 10 >= len(cells) * 9


def _is_list(cell: str) -> bool:
    if not looks_like_list(cell):
        return False
    try:
        return isinstance(read_list(cell), list | dict)
    except ValueError:
        # Cut, as numpy prints long arrays: a list all the same.
        return "..." in cell


def _is_grouped(records: Sequence[Mapping[str, str]], name: str) -> bool:
    """Whether rows in succession share a value, as those of a sentence do."""
    values = [record.get(name, "") for record in records]
    changes = sum(one != other for one, other in pairwise(values))
    return len(values) > 1 and changes * 4 < len(values) * 3


def _named(names: Sequence[str], known: Sequence[str]) -> list[str]:
    found = [name for name in names if plain(name) in known]
    return sorted(found, key=lambda name: known.index(plain(name)))
