"""Rows that hold a list of tokens and a list of tags, read as sentences: records of JSON, datasets and tables.

{"tokens": ["Ann", "left"], "ner_tags": ["B-PER", "O"]}      tags may be numbers, with names from elsewhere
{"text": "Ann left", "tags": ["B-PER", "O"]}                 a tag a word
{"sentence": "Ann left", "tags": "B-PER O"}                  strings
{"tokens": [["Ann", "left"], ["Bye"]], "ner_tags": [["B-PER", "O"], ["O"]]}    a document of sentences
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from spacy.language import Language

from spacy_ner_plus.data.formats.rows.token_columns import (
    TEXT_KEYS,
    TokenColumns,
    count_other_tags,
    find_token_columns,
    pick,
)
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.schemes import MISSING_TAGS, TagReader
from spacy_ner_plus.data.records.sentences import TokenOptions, sentences_to_records
from spacy_ner_plus.data.records.spellings import LABELS, PLAIN, Spelling, find_spelling
from spacy_ner_plus.data.records.tagged import TaggedSentence
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.label_names import read_label_names
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

SAMPLE = 200  # rows that columns are found by
SHAPES = "a list of tags such as B-PER, I-PER and O beside a list of tokens or a text, of the same length"
DOCUMENT_KEYS = ("document_id", "doc_id", "docid")
ID_KEYS = ("id", "guid", "sent_id", "sentence_id")
UNEQUAL = "tokens and tags of unequal length"
# How a text may be parted so that each part has a tag.
WORDS, TOKENIZER, CHARACTERS = (
    "its words, between white space",
    "the tokens of its language",
    "its characters",
)
WAYS = (WORDS, TOKENIZER, CHARACTERS)

# A row's number, and what it holds. A source is read anew with each call, which counts what of it can't be read.
Rows = Callable[[IssueLog], Iterable[tuple[int, Mapping[str, Any]]]]
# The names of a column's numbers, {} where there are none.
Names = Callable[[str], Mapping[int, str]]


class TokenRow(dict[str, Any]):
    """A row that was gathered of several lines, each with a token.

    numbers (list[int]): The line of each of its tokens.
    """

    def __init__(self, values: Mapping[str, Any], numbers: list[int]):
        super().__init__(values)
        self.numbers = numbers


@settings
class TokenRowOptions(TokenOptions):
    """How rows of tokens with tags are read."""

    token_column: str | None = setting(
        "Name of the column of the tokens, of one inside another with a point: data.words; found where it isn't "
        "given.",
        None,
    )
    tag_column: str | None = setting("Name of the column of the tags, likewise.", None)
    labels: str | None = setting(
        "What tags that are numbers mean: a JSON file with a list of names or with names and numbers, or the names "
        "by commas in the order of their numbers.",
        None,
    )


def rows_to_records(
    rows: Rows,
    nlp: Language,
    options: TokenRowOptions,
    *,
    issues: IssueLog,
    notes: list[str],
    where: str,
    names: Names = lambda column: {},
) -> Iterator[Record]:
    """Make Records of rows.

    Tags that are labels without prefixes are read as the IO scheme, in which neighbours of one label are one
    entity. The group 'document' joins the rows in succession that have one document_id; without that column it
    is a row, or the sentences in it.

    rows (Rows): Reads the source anew on each call.
    issues (IssueLog): Where every loss and repair is counted.
    notes (list[str]): Where it is written which columns were taken.
    where (str): The source's name.
    names (Names): What a source itself says about its numbers; `options.labels` goes before.
    RAISES (UserError): Without columns of tokens and tags, for tags that are integers without names, and for a
        source of whose tags none could be read.
    """
    sample = [row for _, row in islice(rows(IssueLog()), SAMPLE)]
    columns = find_token_columns(sample, where, options.token_column, options.tag_column)
    if options.tag_column is None:
        count_other_tags(sample, columns, where, issues)
    labels = read_label_names(options.labels) if options.labels else dict(names(columns.tag))
    reader = _RowReader(columns, labels, _best_way(rows, columns, nlp), nlp, where, issues)
    if columns.is_text or not any(str(columns) in note for note in notes):
        notes.append(f"{where}: {columns}" + (f", a tag for each of {reader.way}" if columns.is_text else ""))
    scheme = options.scheme
    spelling = reader.spelling(rows)
    if spelling is None or spelling.kind == LABELS:
        scheme = "IO" if scheme == "auto" and (spelling is None or spelling.outside == {"O"}) else scheme
    elif str(spelling):
        notes.append(f"{where}: {spelling}")
    has_documents = any(any(key in row for key in DOCUMENT_KEYS) or reader.is_document(row) for row in sample)
    tags = TagReader(scheme, issues, spelling or PLAIN)
    yield from sentences_to_records(
        _whole_documents(reader.sentences(rows(issues)), issues),
        nlp,
        options,
        has_documents=has_documents,
        reader=tags,
        shapes=SHAPES,
    )
    if reader.unread and not reader.read:
        raise UserError(
            Errors.E171.format(
                where=where, seen=reader.unread, example=reader.example, hint="", shapes=SHAPES
            )
        )
    if reader.unannotated:
        notes.append(f"{where}: {reader.unannotated:,} rows have no tags: their tokens are missing, not O")


@dataclass
class _RowReader:
    """Reads rows as sentences, and keeps count of the annotation that there was.

    labels (Mapping[int, str]): Names of tags that are numbers.
    way (str): Of WAYS, how a text is parted.
    read, unread (int): Rows whose tags could be read, and that had others.
    example (str): The first that couldn't.
    unannotated (int): Rows without tags.
    """

    columns: TokenColumns
    labels: Mapping[int, str]
    way: str
    nlp: Language
    where: str
    issues: IssueLog
    read: int = 0
    unread: int = 0
    unannotated: int = 0
    example: str = ""

    def is_document(self, row: Mapping[str, Any]) -> bool:
        """Whether a row holds sentences, each a list of tokens."""
        tokens = pick(row, self.columns.token)
        return isinstance(tokens, list) and any(isinstance(words, list) for words in tokens)

    def spelling(self, rows: Rows) -> Spelling | None:
        """RETURNS (Spelling | None): How tags are spelled; None where they are labels without prefixes, or none."""
        if self.labels:
            return find_spelling(self.labels.values())
        counts: Counter[str] = Counter()
        for n, (number, row) in enumerate(rows(IssueLog()), start=1):
            counts.update(self._flat_tags(row, f"{self.where}:{number}"))
            found = find_spelling(counts) if n == SAMPLE else None
            # Whether anything is a label is seen in all of them alone.
            is_known = found is not None and found.kind != LABELS
            if is_known and any(map(found.is_tag, counts.keys() - found.outside)):
                return found
        return find_spelling(counts) if counts.keys() - MISSING_TAGS else PLAIN

    def sentences(self, rows: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[TaggedSentence]:
        """RAISES (UserError): Tags that are integers without names, and a row that has no tags where they should
        stand, but something like them elsewhere."""
        for number, row in rows:
            place = f"{self.where}:{number}"
            document = next((row[key] for key in DOCUMENT_KEYS if row.get(key) is not None), None)
            about = {"document": "" if document is None else str(document), **self._about(row)}
            tokens, tags = pick(row, self.columns.token), pick(row, self.columns.tag)
            if tags is None:
                shown = " ".join(map(str, tokens)) if isinstance(tokens, list) else str(tokens)
                check_no_annotation(row, [self.columns.tag], place, self.issues, shown)
                self.unannotated += 1
            if not self.is_document(row):
                sentence = self._sentence(tokens, tags, number)
                if sentence is not None:
                    if isinstance(row, TokenRow) and len(row.numbers) == len(sentence.words):
                        sentence.numbers = row.numbers
                    self._take_spaces(sentence, about["meta"])
                    sentence.document, sentence.id = about["document"], about["id"]
                    sentence.meta = about["meta"]
                    yield sentence
                continue
            parts = tags if isinstance(tags, list) and len(tags) == len(tokens) else [tags] * len(tokens)
            opens = True
            for words, part in zip(tokens, parts, strict=True):
                sentence = self._sentence(words, part, number)
                if sentence is not None:
                    sentence.document = about["document"] or about["id"] or str(number)
                    sentence.opens_document, opens = opens, False
                    sentence.meta = about["meta"]
                    yield sentence

    def _about(self, row: Mapping[str, Any]) -> dict[str, Any]:
        key = next((key for key in ID_KEYS if isinstance(row.get(key), str | int)), None)
        used = {self.columns.token, self.columns.tag, key}
        used.add(next((key for key in DOCUMENT_KEYS if row.get(key) is not None), None))
        meta = {}
        for name, value in row.items():
            if name in used:
                continue
            if isinstance(value, dict):
                inside = {name_: part for name_, part in value.items() if f"{name}.{name_}" not in used}
                if inside or not value:
                    meta[name] = inside
            else:
                meta[name] = value
        return {"id": "" if key is None else str(row[key]), "meta": meta}

    def _sentence(self, tokens: Any, tags: Any, number: int) -> TaggedSentence | None:
        """RETURNS (TaggedSentence | None): None where there are no tokens, which is counted."""
        place = f"{self.where}:{number}"
        words, spaces = self._words(tokens, place)
        if not any(words if spaces is None else map(str.strip, words)):
            self.issues.add("empty text", "a row without tokens", place)
            return None
        names = self._tags(tags, place, len(words))
        kept = [i for i, word in enumerate(words) if word and not (spaces and word.isspace())]
        if spaces is not None:
            # White space among the characters of a text is a space after the one before.
            spaces = [spaces[i] or (i + 1 < len(words) and words[i + 1].isspace()) for i in kept]
        elif len(kept) < len(words):
            self.issues.add("token without text", " ".join(words)[:60], place, len(words) - len(kept))
        return TaggedSentence(
            [words[i] for i in kept],
            [names[i] for i in kept],
            self.where,
            [number] * len(kept),
            spaces=spaces,
        )

    def _take_spaces(self, sentence: TaggedSentence, meta: dict[str, Any]) -> None:
        """Take white space from a text that the tokens make up; a text that they don't stays in `meta`."""
        for key in TEXT_KEYS if sentence.spaces is None else ():
            text = meta.get(key)
            spaces = spaces_in(text, sentence.words) if isinstance(text, str) else None
            if spaces is not None:
                sentence.spaces = spaces
                whole = "".join(
                    word + " " * space for word, space in zip(sentence.words, spaces, strict=True)
                )
                if whole == text.rstrip():
                    del meta[key]
                return

    def _words(self, tokens: Any, place: str) -> tuple[list[str], list[bool] | None]:
        """The tokens, and of a text the spaces after them."""
        if isinstance(tokens, str):
            if self.way == WORDS and " ".join(tokens.split()) != tokens.strip():
                self.issues.add("white space of a text made one space", repr(tokens)[:60], place)
            return _parts(tokens, self.way, self.nlp)
        if not isinstance(tokens, list | tuple):
            return [], None
        return ["" if token is None else str(token) for token in tokens], None

    def _tags(self, tags: Any, place: str, count: int) -> list[str]:
        """As many tags as there are tokens, all of them missing where they can't be read."""
        if tags is None:
            return [""] * count
        names = self._names(tags, place)
        if names is None or len(names) != count:
            found = f"{count} tokens, {len(names)} tags" if names is not None else repr(tags)[:60]
            kind = UNEQUAL if names is not None else "label not understood"
            self.issues.add(kind, f"{found}, missing", place)
            self.unread += 1
            self.example = self.example or found
            return [""] * count
        self.read += 1
        return names

    def _names(self, tags: Any, place: str) -> list[str] | None:
        """Tags as strings; None where they are no list of tags. Null and negative numbers are missing."""
        if isinstance(tags, str):
            tags = split_tags(tags)
        if not isinstance(tags, list | tuple) or any(isinstance(tag, list | dict) for tag in tags):
            return None
        return [self._name(tag, place) for tag in tags]

    def _name(self, tag: Any, place: str) -> str:
        if tag is None or tag != tag:  # NaN, as pandas has it
            return ""
        if isinstance(tag, float) and tag == int(tag):
            tag = int(tag)
        if isinstance(tag, str) and self.labels and tag.removeprefix("-").isdecimal():
            tag = int(tag)
        if not isinstance(tag, int) or isinstance(tag, bool):
            tag = str(tag)
            if tag.removeprefix("-").isdecimal() and tag != "0":
                raise UserError(Errors.E165.format(column=self.columns.tag, source=place))
            return tag.strip()
        if tag < 0:
            return ""
        if not self.labels:
            raise UserError(Errors.E165.format(column=self.columns.tag, source=place))
        if tag not in self.labels:
            known = f"{min(self.labels)} to {max(self.labels)}"
            raise UserError(Errors.E191.format(where=place, tag=tag, known=known))
        return self.labels[tag]

    def _flat_tags(self, row: Mapping[str, Any], place: str) -> list[str]:
        tags = pick(row, self.columns.tag)
        if isinstance(tags, list) and any(isinstance(part, list) for part in tags):
            return [tag for part in tags if isinstance(part, list) for tag in self._names(part, place) or ()]
        return (tags is not None and self._names(tags, place)) or []


def spaces_in(text: str, words: Sequence[str]) -> list[bool] | None:
    """Find which words white space follows in a text that they make up.

    RETURNS (list[bool] | None): The last never has one; None where they don't make it up.
    """
    spaces: list[bool] = []
    at = len(text) - len(text.lstrip())
    for word in words:
        if not text.startswith(word, at):
            return None
        at += len(word)
        after = len(text) - len(text[at:].lstrip())
        spaces.append(at < after < len(text))
        at = after
    return spaces if at == len(text) else None


def split_tags(tags: str) -> list[str]:
    """Part a string of tags at white space, or at commas where there is none."""
    parts = tags.split()
    return [part.strip() for part in tags.split(",")] if len(parts) == 1 and "," in tags else parts


def _parts(text: str, way: str, nlp: Language) -> tuple[list[str], list[bool]]:
    """Part a text, and say which parts a space follows."""
    if way == WORDS:
        words = text.split()
        return words, [True] * len(words)
    if way == CHARACTERS:
        return list(text), [False] * len(text)
    tokens = nlp.make_doc(text)
    return [token.text for token in tokens if not token.is_space], [
        bool(token.whitespace_) or (token.i + 1 < len(tokens) and tokens[token.i + 1].is_space)
        for token in tokens
        if not token.is_space
    ]


def _best_way(rows: Rows, columns: TokenColumns, nlp: Language) -> str:
    """The way to part texts that gives most of the first rows as many parts as they have tags."""
    if not columns.is_text:
        return WORDS
    fits: Counter[str] = Counter()
    for _, row in islice(rows(IssueLog()), SAMPLE):
        text, tags = pick(row, columns.token), pick(row, columns.tag)
        tags = split_tags(tags) if isinstance(tags, str) else tags
        if isinstance(text, str) and isinstance(tags, list) and text.strip():
            for way in WAYS:
                fits[way] += len(_parts(text, way, nlp)[0]) == len(tags)
    return max(WAYS, key=lambda way: fits[way])


def _whole_documents(rows: Iterator[TaggedSentence], issues: IssueLog) -> Iterator[TaggedSentence]:
    """Mark where documents begin, and count those that come in several pieces."""
    last: str | None = None
    seen: set[str] = set()
    for row in rows:
        if row.document != last:
            row.opens_document = True
            if row.document in seen:
                issues.add("document in several pieces", row.document, row.place(0))
            seen.add(row.document)
            last = row.document
        yield row
