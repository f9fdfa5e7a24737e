"""CoNLL files: one token a line, columns between tabs or spaces, an empty line after a sentence.

-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.data.formats.conll.columns import Layout, find_layout, split_line
from spacy_ner_plus.data.formats.conll.sentences import HEADER, is_header, read_sentences, sample_lines
from spacy_ner_plus.data.formats.conll.written import written_sentences
from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    LIKELY,
    MISSING,
    POSSIBLE,
    SENTENCES,
    TOKENS,
    NotRead,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.schemes import SCHEMES, TagReader
from spacy_ner_plus.data.records.sentences import SpelledTokenOptions, group_size, sentences_to_records
from spacy_ner_plus.data.records.spellings import LABELS, OTHER_TAGS, Spelling, find_spelling
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

READ_AHEAD = 200_000  # lines of a stream, which can be read only once, in which a header is looked for
ENDINGS = (".conll", ".conll03", ".iob", ".iob2", ".bio", ".bioes", ".ner")
SHAPES = "tags such as B-PER, I-PER and O, a token a line"


@settings
class ConllOptions(SpelledTokenOptions):
    """How CoNLL files are read."""

    token_column: str | int | None = setting(
        "Column of the tokens, from 1, or from -1 counted from the last; found where it isn't given.", None
    )
    tag_column: str | int | None = setting("Column of the tags, likewise.", None)
    nested_columns: str = setting("Columns of the tags of nested entities, between commas, likewise.", "")


class Conll:
    """The format, as `formats/format.py` says."""

    name = "conll"
    about = "CoNLL files: one token a line, columns between tabs or spaces, an empty line after a sentence"
    endings = ENDINGS
    options = ConllOptions
    keeps = frozenset({TOKENS, SENTENCES, MISSING})
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        if not source.is_text or source.head_values:
            # A record of JSON has columns, too, if one counts its words.
            return None
        sample = sample_lines(source.head_lines)
        if not sample:
            return None
        try:
            layout = find_layout(sample, source.name, label="?")
        except UserError:
            return None
        is_named = source.ending in ENDINGS
        if not is_named and _may_be_prose(layout):
            return None
        if not _has_tags(sample, layout):
            return Sniff(POSSIBLE, f"a token a line, {layout}") if is_named else None
        # A table with names of columns may well be read as a table.
        sure = CERTAIN if is_named else POSSIBLE if layout.names else LIKELY
        return Sniff(sure, f"a token a line, {layout}")

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return _read(source.lines, source.name, reading)

    def write(self, docs: Iterable[Doc], path: Path, options: ConllOptions, issues: IssueLog) -> None:
        docstart = group_size(options.group) is None
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(docs_to_conll(docs, docstart=docstart, issues=issues))


CONLL = Conll()


def conll_to_docs(
    lines: Iterable[str],
    nlp: Language,
    *,
    issues: IssueLog,
    where: str,
    notes: list[str] | None = None,
    **options: Any,
) -> Iterator[Doc]:
    """Read a CoNLL file as Docs with entities and sentence starts.

    lines (Iterable[str]): The lines. What can be iterated twice, such as a
        list, may be begun twice, to find the columns and whether there are
        documents; of a stream the first READ_AHEAD lines are held for that.
    nlp (Language): Gives the vocab and the language.
    issues (IssueLog): Where repairs and losses are counted.
    where (str): The file's name, for messages.
    notes (list[str]): Where it is written what was found out about the file.
    options (Any): As ConllOptions has them.
    RAISES (UserError): A line with too few columns, a column that does not
        exist or holds no tags, a file without tokens.
    """
    reading = Reading(nlp, ConllOptions(**options), issues, [] if notes is None else notes)
    return (record.doc for record in _read(lines, where, reading))


def _read(lines: Iterable[str], where: str, reading: Reading) -> Iterator[Record]:
    options, notes = reading.options, reading.notes
    size = group_size(options.group)
    if options.scheme != "auto" and options.scheme not in SCHEMES:
        schemes = ", ".join(["auto", *SCHEMES])
        raise UserError(Errors.E108.format(scheme=options.scheme, schemes=schemes))
    ahead: Iterable[str] = lines
    if iter(lines) is lines:
        ahead = list(islice(lines, READ_AHEAD))
        lines = chain(ahead, lines)
    sample = sample_lines(ahead)
    if not sample:
        raise UserError(Errors.E109.format(where=where))
    layout = find_layout(
        sample,
        where,
        options.token_column,
        options.tag_column,
        any_tag=options.scheme == "IO",
        nested_columns=options.nested_columns,
        label=options.label,
        outside=options.outside,
    )
    if layout.is_blank:
        layout = replace(layout, spelling=_spelling_of(ahead, layout, options) or layout.spelling)
    if layout.others:
        columns = ", ".join(str(i + 1) for i in layout.others)
        reading.issues.add(OTHER_TAGS, f"{columns} beside {(layout.tag or 0) + 1}", where)
    has_documents = size is not None or any(is_header(line) for line in ahead)
    if not has_documents:
        notes.append(
            f"{where}: no {HEADER} lines, so each sentence became a Doc. Where neighbouring sentences "
            "belong together, --group 10 makes a Doc of ten."
        )
    tags = TagReader(options.scheme, reading.issues, layout.spelling)
    docs = 0
    for record in sentences_to_records(
        read_sentences(lines, layout, where, reading.issues, notes),
        reading.nlp,
        options,
        has_documents=has_documents,
        reader=tags,
        shapes=SHAPES,
    ):
        docs += 1
        yield record
    if not docs:
        raise UserError(Errors.E109.format(where=where))
    detected = ", detected" if options.scheme == "auto" else ""
    notes += [f"{where}: {note}" for note in layout.notes()]
    notes.append(f"{where}: {layout}; scheme {tags.scheme}{detected}")
    if left := layout.not_read():
        notes.append(NotRead(f"{where}: {left}"))


def _spelling_of(lines: Iterable[str], layout: Layout, options: ConllOptions) -> Spelling | None:
    """Look through a file whose beginning has no entity for how its tags are spelled."""
    rows = (
        split_line(line, layout.tabs) for line in lines if not line.startswith("#") and not is_header(line)
    )
    values = Counter(row[layout.tag] for row in rows if len(row) == layout.width)
    return find_spelling(values, options.label, options.outside)


def _may_be_prose(layout: Layout) -> bool:
    """Whether what were tags without prefixes may be a word among others: 'It was O so nice.'"""
    last = max((layout.tag or 0, *layout.inner, *layout.others))
    return (layout.spelling.kind == LABELS or layout.is_blank) and last < layout.width - 1


def _has_tags(sample: Sequence[tuple[int, str]], layout: Layout) -> bool:
    rows = [split_line(line, layout.tabs) for _, line in sample if not line.startswith("#")]
    rows = [row for row in rows if len(row) == layout.width]
    if layout.tag is None:
        return False
    return sum(layout.spelling.is_tag(row[layout.tag]) for row in rows) * 2 > len(sample)


def docs_to_conll(
    docs: Iterable[Doc], *, docstart: bool = True, separator: str = "\t", issues: IssueLog | None = None
) -> Iterator[str]:
    """Write Docs as CoNLL lines with token and IOB2 tag, and '-' where the annotation is missing.

    docstart (bool): Whether each Doc gets a header; without, only the sentences remain.
    separator (str): Between the columns; tokens may contain spaces, so a tab is safe.
    issues (IssueLog): Where is counted what a line cannot hold: tokens of white
        space, line breaks in a token, a sentence that starts inside an entity,
        a token that would read as a header.
    YIELDS (str): The lines, each with its end.
    """
    issues = IssueLog() if issues is None else issues
    for number, doc in enumerate(docs, start=1):
        if docstart:
            yield f"{HEADER}{separator}O\n\n"
        for sentence in written_sentences(doc, f"document {number}", issues):
            for word, tag, _ in sentence:
                yield f"{word}{separator}{tag}\n"
            yield "\n"
