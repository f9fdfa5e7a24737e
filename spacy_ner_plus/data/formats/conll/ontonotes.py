"""OntoNotes in the columns of CoNLL-2012, with names in brackets.

#begin document (nw/wsj/00/wsj_0001); part 000
nw/wsj/00/wsj_0001  0  0  Rosa   NNP  (TOP(S(NP*  -  -  -  -  (PERSON*  -
nw/wsj/00/wsj_0001  0  1  Quint  NNP           *) -  -  -  -         *) -
nw/wsj/00/wsj_0001  0  2  left   VBD       (VP*))) -  -  -  -          * -

#end document

The word is the fourth column and the name the eleventh; in files with others they are found. Each part of a document is
a Doc with the document's name as its id. Nested brackets are nested spans. A bracket that isn't closed in its sentence,
or closes none, makes its tokens missing. Trees, senses, roles, speakers and coreference aren't read.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from spacy_ner_plus.data.formats.conll.sentences import SAMPLE
from spacy_ner_plus.data.formats.format import CERTAIN, NotRead, Reading, Sniff
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.schemes import TagReader
from spacy_ner_plus.data.records.sentences import TokenOptions, group_size, sentences_to_records
from spacy_ner_plus.data.records.tagged import TaggedSentence
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings
from spacy_ner_plus.spans import TokenSpan, spans_to_tags, without_overlaps

WORD, NAME, WIDTH = 3, 10, 12
# What a cell of names is made of: brackets that open, the word, brackets that close.
_CELL = re.compile(r"((?:\([^\s()*]+)*)(\*?)(\)*)")
_BEGIN = re.compile(r"#\s?begin document\s+\(?(.*?)\)?(?:;\s*part\s+(\S+))?\s*")
# Labels of trees and of roles, whose columns look alike.
_PHRASES = "TOP S SBAR SBARQ SINV SQ NP VP PP ADJP ADVP PRN FRAG ROOT X INTJ NML QP UCP WHNP"
_TREES = frozenset(_PHRASES.split())
_ROLE = re.compile(r"(?:[CR]-)?(?:A\d|AA|AM(-\w+)?|ARG\w*(-\w+)?|V)")
_SKELETON = "[WORD]"
SHAPES = "names in brackets, such as (PERSON* and *) or (GPE)"


@settings
class OntonotesOptions(TokenOptions):
    """How OntoNotes files are read."""

    token_column: int | None = setting("Column of the words, from 1; the fourth where it isn't given.", None)
    tag_column: int | None = setting(
        "Column of the names, from 1; the eleventh, or else the one that looks like it, where it isn't given.",
        None,
    )


class Ontonotes:
    """The format, as `formats/format.py` says."""

    name = "ontonotes"
    about = "OntoNotes in the columns of CoNLL-2012, with names in brackets"
    endings = (".gold_conll", ".auto_conll", ".v4_gold_conll", ".v4_auto_conll")
    options = OntonotesOptions
    keeps: frozenset[str] = frozenset()
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        if not source.is_text or source.is_json:
            return None
        try:
            columns = _find_columns(source.head_lines, source.name, OntonotesOptions())
        except UserError:
            return None
        return Sniff(CERTAIN, f"names in brackets, {columns}")

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        where, options = source.name, reading.options
        columns = _find_columns(islice(source.lines, SAMPLE), where, options)
        has_documents = any(_BEGIN.fullmatch(line.strip()) for line in islice(source.lines, SAMPLE))
        if not has_documents and group_size(options.group) is None:
            reading.notes.append(f"{where}: no '#begin document' lines, so each sentence became a Doc")
        reader = TagReader("IOB2", reading.issues)
        yield from sentences_to_records(
            _sentences(source.lines, columns, where, reading.issues),
            reading.nlp,
            options,
            has_documents=has_documents,
            reader=reader,
            shapes=SHAPES,
        )
        reading.notes.append(NotRead(f"{where}: {columns}; the other columns aren't read"))


ONTONOTES = Ontonotes()


@dataclass(frozen=True)
class _Columns:
    """Indices of the columns of words and names."""

    word: int
    name: int

    def __str__(self) -> str:
        return f"word in column {self.word + 1}, name in column {self.name + 1}"


def _find_columns(lines: Iterable[str], where: str, options: OntonotesOptions) -> _Columns:
    """Find the columns of a file.

    RAISES (UserError): A file that has none of names in brackets, or whose words were taken out.
    """
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    width = min(map(len, rows), default=0)
    rows = [row for row in rows if len(row) >= WIDTH] or rows
    width = min(map(len, rows), default=0)
    word = WORD if options.token_column is None else options.token_column - 1
    if options.tag_column is not None:
        name = options.tag_column - 1
    else:
        columns = [[row[i] for row in rows] for i in range(width)]
        if width >= WIDTH and word == WORD:
            name = NAME if _are_brackets(columns[NAME], 0.5) else -1
        else:
            name = max((i for i, column in enumerate(columns) if _are_names(column)), default=-1)
    if name < 0 or width <= max(word, name) or (options.tag_column is None and word >= name):
        line = " ".join(rows[0])[:60] if rows else ""
        raise UserError(Errors.E185.format(where=where, line=line))
    if sum(row[word] == _SKELETON for row in rows) * 2 > len(rows):
        raise UserError(Errors.E186.format(where=where, word=_SKELETON))
    return _Columns(word, name)


def _are_brackets(column: Sequence[str], share: float) -> bool:
    """Whether so much of a column is made of brackets and stars, and at least one cell is."""
    fitting = sum(bool(_CELL.fullmatch(cell)) for cell in column)
    return fitting > 0 and fitting >= share * sum(cell != "-" for cell in column)


def _are_names(column: Sequence[str]) -> bool:
    """Whether a column holds brackets of names rather than of trees or roles."""
    labels = {label for cell in column for label in _labels(cell)}
    others = sum(label in _TREES or bool(_ROLE.fullmatch(label)) or label.isdecimal() for label in labels)
    return bool(labels) and _are_brackets(column, 0.9) and others * 2 <= len(labels)


def _labels(cell: str) -> list[str]:
    return re.findall(r"\(([^\s()*]+)", cell)


def _sentences(
    lines: Iterable[str], columns: _Columns, where: str, issues: IssueLog
) -> Iterator[TaggedSentence]:
    sentence, cells = TaggedSentence(where=where), list[str]()
    document, meta, opens = "", dict[str, Any](), False
    for number, line in enumerate(lines, start=1):
        line = line.lstrip("\ufeff").strip()
        if not line or line.startswith("#"):
            if sentence.words:
                yield _tagged(sentence, cells, issues)
                opens = False
            elif opens and line.startswith("#"):
                issues.add("empty text", "a document without tokens", f"{where}:{number}")
            if begin := _BEGIN.fullmatch(line):
                document, opens = begin[1], True
                meta = {"part": begin[2]} if begin[2] else {}
            elif line:
                opens = False
            sentence = TaggedSentence(where=where, opens_document=opens, document=document, meta=dict(meta))
            cells = []
            continue
        row = line.split()
        if len(row) <= max(columns.word, columns.name):
            least = max(columns.word, columns.name) + 1
            raise UserError(
                Errors.E104.format(where=f"{where}:{number}", found=len(row), least=least, line=line[:60])
            )
        sentence.words.append(row[columns.word])
        sentence.numbers.append(number)
        cells.append(row[columns.name])
    if sentence.words:
        yield _tagged(sentence, cells, issues)


def _tagged(sentence: TaggedSentence, cells: Sequence[str], issues: IssueLog) -> TaggedSentence:
    """Read a sentence's brackets as layers of tags, the outermost first; what doesn't close is left as it is written,
    which is no tag."""
    spans: list[TokenSpan] = []
    opened: list[tuple[int, str]] = []
    broken: dict[int, str] = {}
    for i, cell in enumerate(cells):
        match = _CELL.fullmatch(cell) if cell else None
        if cell == "-":
            broken[i] = ""
            continue
        if match is None or (match[1] and not match[2] and not match[3]):
            broken[i] = cell
            continue
        opened += [(i, label) for label in _labels(cell)]
        for _ in match[3]:
            if not opened:
                broken[i] = cell
                continue
            start, label = opened.pop()
            spans.append(TokenSpan(start, i + 1, label))
    if opened:
        # Which of those that stand open should have been closed can't be told, nor where.
        start = opened[0][0]
        issues.add("bracket that isn't closed in its sentence", cells[start], sentence.place(start))
        spans = [span for span in spans if span.start < start]
        broken |= dict.fromkeys(range(start, len(cells)), "") | {start: cells[start]}
    layers = []
    rest: Sequence[TokenSpan] = spans
    while rest or not layers:
        kept, rest = without_overlaps(rest)
        layers.append(spans_to_tags(kept, len(cells)))
    for i, cell in broken.items():
        layers[0][i] = cell
    sentence.tags, sentence.inner = layers[0], layers[1:]
    return sentence
