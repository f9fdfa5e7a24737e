"""Which columns of rows hold tokens and tags, by their names and by what stands in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.data.parsing.offset_spans import OTHER_SPANS, SPAN_KEYS, has_offsets
from spacy_ner_plus.data.records.schemes import MISSING_TAGS, is_tag
from spacy_ner_plus.data.records.spellings import OTHER_TAGS, is_chunk
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

TOKEN_KEYS = ("tokens", "words", "token", "word", "tokenized_text", "text", "sentence", "str_words", "tok")
TEXT_KEYS = (
    "text",
    "sentence",
    "sentences",
    "content",
    "data",
    "input",
    "utterance",
    "query",
    "source",
    "words",
    "tokens",
)
# Names of columns of tags: those of named entities, then those that may be of anything.
NER_KEYS = (
    "ner_tags",
    "ner_tag",
    "ner",
    "ner_labels",
    "ner_label",
    "named_entities",
    "entity_tags",
    "entities",
    "ne_tags",
    "ner_tags_str",
)  # fmt: skip
TAG_KEYS = (
    *NER_KEYS,
    "bio_tags",
    "iob_tags",
    "bio",
    "iob",
    "biluo",
    "tags",
    "labels",
    "tag",
    "label",
    "str_tags",
    "tag_labels",
    "annotations",
    "annotation",
    "targets",
    "target",
    "slots",
    "output",
)
DEPTH = 2


@dataclass(frozen=True)
class TokenColumns:
    """Where the tokens and the tags of rows stand.

    token (str): The column of tokens or of texts; of one inside another with a point, as 'data.words'.
    tag (str): The column of tags, likewise.
    is_text (bool): Whether the first holds texts rather than lists of tokens.
    by_name (bool): Whether the column of tags was found by its name rather than by its tags alone.
    """

    token: str
    tag: str
    is_text: bool = False
    by_name: bool = True

    def __str__(self) -> str:
        return f"{'texts' if self.is_text else 'tokens'} in '{self.token}', tags in '{self.tag}'"


def pick(row: Mapping[str, Any], column: str) -> Any:
    """RETURNS (Any): What stands in a column, or in one inside another; None where there is none."""
    if column in row:
        return row[column]
    first, point, rest = column.partition(".")
    inner = row.get(first) if point else None
    return pick(inner, rest) if isinstance(inner, Mapping) else None


def find_token_columns(
    sample: Sequence[Mapping[str, Any]], where: str, token: str | None = None, tag: str | None = None
) -> TokenColumns:
    """Find the columns, unless they are given.

    sample (Sequence[Mapping[str, Any]]): The first rows.
    where (str): The source's name, for messages.
    token, tag (str | None): The columns that the user names.
    RAISES (UserError): A column that doesn't exist or holds something else, or none that would fit.
    """
    found = guess_token_columns(sample, token, tag)
    if found is not None:
        return found
    names = list(dict.fromkeys(name for row in sample for name, _ in _columns(row)))
    for name, argument, option in (
        (token, "token_column", "token-column"),
        (tag, "tag_column", "tag-column"),
    ):
        if name is not None and all(pick(row, name) is None for row in sample):
            raise UserError(
                Errors.E162.format(
                    source=where, column=name, columns=", ".join(names), argument=argument, option=option
                )
            )
    if token is not None and not any(_is_tokens(pick(row, token)) for row in sample):
        value = next((pick(row, token) for row in sample), None)
        raise UserError(Errors.E166.format(source=where, column=token, found=repr(value)[:60]))
    if token is None and not any(_is_tokens(value) for row in sample for _, value in _columns(row)):
        token_names, argument, option = "tokens", "token_column", "token-column"
    else:
        token_names, argument, option = "tags", "tag_column", "tag-column"
    raise UserError(
        Errors.E162.format(
            source=where, column=token_names, columns=", ".join(names), argument=argument, option=option
        )
    )


def guess_token_columns(
    sample: Sequence[Mapping[str, Any]], token: str | None = None, tag: str | None = None
) -> TokenColumns | None:
    """Find the columns, unless they are given; None where none would fit.

    A list of tokens goes before a text. Tags are as many as the tokens in a row at least; a column that
    isn't named as one of tags has nothing but tags.
    """
    lists, texts = [], []
    names = dict.fromkeys(name for row in sample for name, _ in _columns(row))
    for name in names if token is None else [token]:
        values = [value for row in sample if (value := pick(row, name)) is not None]
        if any(_is_tokens(value) for value in values):
            lists.append(name)
        elif any(isinstance(value, str) and value.strip() for value in values):
            texts.append(name)
    lists = lists if token is not None else _ranked(lists, TOKEN_KEYS)
    texts = texts if token is not None else _ranked(texts, TEXT_KEYS)
    for is_text, candidates in ((False, lists), (True, texts)):
        for column in candidates:
            found = _tag_column(sample, names, column, tag, is_text)
            if found is not None:
                return found
    return None


def count_other_tags(
    sample: Sequence[Mapping[str, Any]], columns: TokenColumns, where: str, issues: IssueLog
) -> None:
    """Count columns that hold tags or spans of entities as well, such as another annotator's, and aren't read."""
    names = dict.fromkeys(name for row in sample for name, _ in _columns(row))
    for name in names:
        if (
            name != columns.tag
            and _last(name) in SPAN_KEYS
            and any(has_offsets(row.get(name)) for row in sample)
        ):
            issues.add(OTHER_SPANS, f"{name!r} beside {columns.tag!r}", where)
        if name in (columns.token, columns.tag) or not _only_tags(sample, name):
            continue
        if any(not is_chunk(tag) for row in sample for tag in _flat(pick(row, name)) if _names_label(tag)):
            issues.add(OTHER_TAGS, f"{name!r} beside {columns.tag!r}; tag_column chooses", where)


def _names_label(tag: Any) -> bool:
    return isinstance(tag, str) and tag != "O" and tag not in MISSING_TAGS


def _flat(tags: Any) -> list[Any]:
    if isinstance(tags, str):
        return tags.split() if " " in tags.strip() else tags.split(",")
    parts = tags if isinstance(tags, list) else []
    return [item for part in parts for item in (part if isinstance(part, list) else [part])]


def _tag_column(
    sample: Sequence[Mapping[str, Any]], names: Mapping[str, None], token: str, tag: str | None, is_text: bool
) -> TokenColumns | None:
    if tag is not None:
        held = any(isinstance(pick(row, tag), str | list) for row in sample)
        return TokenColumns(token, tag, is_text) if held else None
    others = [name for name in names if name != token]
    named = _ranked(others, TAG_KEYS)
    for name in named:
        if _fits(sample, token, name, is_text, is_ner=_last(name) in NER_KEYS):
            return TokenColumns(token, name, is_text)
    for name in others:
        if (
            name not in named
            and _only_tags(sample, name)
            and _fits(sample, token, name, is_text, is_ner=False)
        ):
            return TokenColumns(token, name, is_text, by_name=False)
    return None


def _fits(sample: Sequence[Mapping[str, Any]], token: str, tag: str, is_text: bool, is_ner: bool) -> bool:
    """Whether a column may hold the tags of another."""
    if is_text:
        # Lists of labels or numbers beside a text are mostly its classes.
        if _only_tags(sample, tag) or (_last(tag) in TAG_KEYS and _all_outside(sample, token, tag)):
            return True
        return is_ner and any(
            isinstance(text := pick(row, token), str)
            and isinstance(tags := pick(row, tag), list)
            and all(isinstance(part, int) for part in tags)
            and len(text.split()) == len(tags) > 0
            for row in sample
        )
    any_equal = has_o = False
    for row in sample:
        tokens, tags = pick(row, token), pick(row, tag)
        if isinstance(tags, str):
            tags = tags.split()
        if tags is None or not isinstance(tokens, list):
            continue
        if not isinstance(tags, list):
            return False
        if tokens and any(isinstance(words, list) for words in tokens):
            tags = [part for part in tags if isinstance(part, list)]
            any_equal = any_equal or len(tags) == len(tokens)
            tags = [item for part in tags for item in part]
        else:
            any_equal = any_equal or len(tags) == len(tokens) > 0
        if any(not isinstance(item, str | int | float | None) for item in tags):
            return False
        has_o = has_o or any(item in ("O", "0", "o") or not isinstance(item, str) for item in tags)
        has_o = has_o or any(isinstance(item, str) and is_tag(item) for item in tags)
    return any_equal and (has_o or is_ner)


def _all_outside(sample: Sequence[Mapping[str, Any]], token: str, tag: str) -> bool:
    """Whether a column has nothing but O, one for each word of a text."""
    rows = [(pick(row, token), tags) for row in sample if (tags := _flat(pick(row, tag)))]
    return bool(rows) and all(
        isinstance(text, str) and set(map(str, tags)) == {"O"} and len(text.split()) == len(tags)
        for text, tags in rows
    )


def _only_tags(sample: Sequence[Mapping[str, Any]], tag: str) -> bool:
    """Whether a column has tags of a scheme alone, and one that isn't O."""
    seen = False
    for row in sample:
        tags = pick(row, tag)
        if tags is None:
            continue
        if not isinstance(tags, str | list):
            return False
        for item in _flat(tags):
            if item is None or (isinstance(item, str) and (item in MISSING_TAGS or item == "O")):
                continue
            if not isinstance(item, str) or not is_tag(item):
                return False
            seen = True
    return seen


def _is_tokens(value: Any) -> bool:
    """Whether this is a list of tokens, or of such lists."""
    if not isinstance(value, list) or not value:
        return False
    if all(isinstance(words, list) for words in value):
        return all(all(isinstance(word, str | None) for word in words) for words in value)
    return all(isinstance(word, str | int | float | None) for word in value) and any(
        isinstance(word, str) for word in value
    )


def _columns(row: Mapping[str, Any], before: str = "", depth: int = DEPTH) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping) and depth:
            yield from _columns(value, f"{before}{name}.", depth - 1)
        else:
            yield f"{before}{name}", value


def _last(name: str) -> str:
    return name.rpartition(".")[2].lower().replace("-", "_")


def _ranked(names: Sequence[str], keys: Sequence[str]) -> list[str]:
    known = [name for name in names if _last(name) in keys]
    return sorted(known, key=lambda name: keys.index(_last(name)))
