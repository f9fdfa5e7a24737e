"""spaCy's IOB files: words and tags between pipes, a sentence or a token a line.

Rosa|NNP|B-PER Quint|NNP|I-PER left|VBD|O
She|PRP|O likes|VBZ|O Lund|NNP|B-LOC

Two fields, `word|TAG`, or three, `word|POS|TAG`; a word may hold pipes, too. An empty line stands before a document.
Where a line has one token, an empty line ends a sentence. Parts of speech are written where a Doc has them, and not
read. `--to iob` writes it; the ending .iob alone is written as CoNLL columns. It can't say that each sentence has one
word, which reads as a token a line, nor a label that holds a pipe.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.conll.columns import OTHER_NAMES, TAG_NAMES, TOKEN_NAMES
from spacy_ner_plus.data.formats.conll.sentences import SAMPLE, is_header
from spacy_ner_plus.data.formats.conll.written import written_sentences
from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    MISSING,
    POSSIBLE,
    SENTENCES,
    TOKENS,
    NotRead,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.schemes import TagReader
from spacy_ner_plus.data.records.sentences import SpelledTokenOptions, group_size, sentences_to_records
from spacy_ner_plus.data.records.spellings import BARE, MISSING_TAGS, PLAIN, Spelling, find_spelling, is_chunk
from spacy_ner_plus.data.records.tagged import TaggedSentence
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import settings

PIPE = "|"
SHAPES = "words with tags, such as Rosa|B-PER or Rosa|NNP|B-PER"


@settings
class IobOptions(SpelledTokenOptions):
    """How IOB files are read."""


class Iob:
    """The format, as `formats/format.py` says."""

    name = "iob"
    about = "spaCy's IOB files: words, parts of speech and tags between pipes, a sentence or a token a line"
    endings = (".iob",)
    options = IobOptions
    keeps = frozenset({TOKENS, SENTENCES, MISSING})
    writes = True
    # spaCy's own converter reads what is written (test_iob.py).
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        if not source.is_text or source.is_json:
            return None
        first = {field.strip().lower() for field in _first(source.head_lines).split("|")}
        if first & TOKEN_NAMES and first & TAG_NAMES and first <= TOKEN_NAMES | TAG_NAMES | OTHER_NAMES:
            # A table whose columns have names.
            return None
        layout = _find_layout(source.head_lines)
        if layout is None or layout.spelling is None or not layout.is_sure:
            return None
        if not layout.has_tags and source.ending not in self.endings:
            return None
        return Sniff(CERTAIN if layout.has_tags else POSSIBLE, f"words and tags between pipes, {layout}")

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        where, options, notes = source.name, reading.options, reading.notes
        layout = _find_layout(islice(source.lines, SAMPLE), options)
        if layout is None:
            raise UserError(Errors.E183.format(where=where, line=_first(source.lines)))
        if layout.spelling is None:
            raise UserError(Errors.E184.format(where=where, value=layout.example, cell=layout.cell))
        if layout.spelling.kind == BARE and not layout.spelling.label:
            raise UserError(Errors.E182.format(where=where, column=layout.fields))
        has_documents = _has_documents(source.lines, layout.is_line)
        if not has_documents and group_size(options.group) is None:
            notes.append(
                f"{where}: no empty lines between documents, so each sentence became a Doc. Where neighbouring "
                "sentences belong together, --group 10 makes a Doc of ten."
            )
        reader = TagReader(options.scheme, reading.issues, layout.spelling)
        yield from sentences_to_records(
            _sentences(source.lines, layout, where, reading.issues),
            reading.nlp,
            options,
            has_documents=has_documents,
            reader=reader,
            shapes=SHAPES,
        )
        if said := str(layout.spelling):
            notes.append(f"{where}: the tags are {said}")
        if not layout.has_tags:
            notes.append(
                f"{where}: there are no tags, so that all tokens are missing annotation rather than O"
            )
        if layout.fields > 2 and not layout.nested:
            notes.append(NotRead(f"{where}: parts of speech aren't read"))
        detected = ", detected" if options.scheme == "auto" else ""
        notes.append(f"{where}: {layout}; scheme {reader.scheme}{detected}")

    def write(self, docs: Iterable[Doc], path: Path, options: IobOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for number, doc in enumerate(docs, start=1):
                where = f"document {number}"
                file.write("\n")
                for sentence in written_sentences(doc, where, issues):
                    cells = []
                    for word, tag, token in sentence:
                        if " " in word or "\t" in word:
                            issues.add("space in a token, written as _", word, where)
                        if " " in tag:
                            issues.add("space in a label, written as _", tag, where)
                        speech = token.tag_ if token.tag_ and not {PIPE, " "} & set(token.tag_) else "-"
                        # With three fields a word may hold pipes.
                        cells.append(PIPE.join(["_".join(word.split(" ")), speech, "_".join(tag.split(" "))]))
                    file.write(" ".join(cells) + "\n")


IOB = Iob()


class _Layout:
    """How a file's cells read.

    fields (int): How many a cell has: 2 or 3.
    is_line (bool): Whether a line is a token.
    spelling (Spelling | None): How tags are spelled; None where the last fields are no tags.
    nested (bool): Whether the second of three fields holds tags, of nested entities, rather than parts of speech.
    has_tags (bool): Whether any tag isn't a missing one.
    is_sure (bool): Whether nearly all cells have pipes.
    cell, example (str): A cell and its last field, for messages.
    """

    def __init__(self, cells: Sequence[str], is_line: bool, fields: int, options: IobOptions):
        self.fields, self.is_line = fields, is_line
        rows = [row for cell in cells if len(row := cell.rsplit(PIPE, fields - 1)) == fields]
        self.is_sure = len(rows) * 20 >= len(cells) * 19
        tags = Counter(row[-1] for row in rows)
        self.has_tags = bool(tags.keys() - MISSING_TAGS)
        self.spelling: Spelling | None = PLAIN
        if self.has_tags and options.scheme != "IO":
            self.spelling = find_spelling(tags, options.label, options.outside)
        if self.spelling is not None and options.scheme != "IO":
            fitting = sum(n for tag, n in tags.items() if tag in MISSING_TAGS or self.spelling.is_tag(tag))
            self.spelling = self.spelling if fitting * 2 >= len(rows) or self.spelling.kind == BARE else None
        middle = [row[1] for row in rows] if fields == 3 else []
        inner = find_spelling(middle) if middle else None
        tagged = set(middle) - MISSING_TAGS - {"O"}
        self.nested = (
            inner is not None and inner.is_plain and bool(tagged) and all(map(inner.is_tag, tagged))
        ) and not all(map(is_chunk, tagged))
        self.cell, self.example = rows[0][0], rows[0][-1]

    def __str__(self) -> str:
        fields = "word|TAG" if self.fields == 2 else "word|TAG|TAG" if self.nested else "word|POS|TAG"
        return f"{fields}, a {'token' if self.is_line else 'sentence'} a line"


def _find_layout(lines: Iterable[str], options: IobOptions | None = None) -> _Layout | None:
    """RETURNS (_Layout | None): None where cells have no pipes, or more than two."""
    contents = [line.strip(" \t\r\n\ufeff") for line in lines]
    contents = [line for line in contents if line and not is_header(line)]
    is_line = all(sum(PIPE in cell for cell in _cells(line)) <= 1 for line in contents)
    cells = contents if is_line else [cell for line in contents for cell in _cells(line)]
    counts = Counter(cell.count(PIPE) + 1 for cell in cells if PIPE in cell)
    total = sum(counts.values())
    if total * 2 <= len(cells):
        return None
    # A word may hold pipes, so the fewest are those of the fields; rarer ones are broken cells.
    fields = min(count for count, n in counts.items() if n * 20 >= total)
    return _Layout(cells, is_line, fields, options or IobOptions(label="?")) if fields <= 3 else None


def _cells(line: str) -> list[str]:
    # Other white space may belong to a word.
    return [cell for cell in line.replace("\t", " ").split(" ") if cell]


def _has_documents(lines: Iterable[str], is_line: bool) -> bool:
    """Whether documents are marked: by headers, or, where a line is a sentence, by an empty line before one."""
    empty = False
    for line in lines:
        if is_header(line):
            return True
        if line.strip(" \t\r\n\ufeff"):
            if empty and not is_line:
                return True
        else:
            empty = True
    return False


def _first(lines: Iterable[str]) -> str:
    return next((line.strip()[:60] for line in lines if line.strip()), "")


def _sentences(
    lines: Iterable[str], layout: _Layout, where: str, issues: IssueLog
) -> Iterator[TaggedSentence]:
    opens = True
    sentence = TaggedSentence(where=where, opens_document=True)
    for number, line in enumerate(lines, start=1):
        line = line.strip(" \t\r\n\ufeff")
        if not line or is_header(line):
            if sentence.words:
                yield sentence
            opens = bool(line) or not layout.is_line or (opens and not sentence.words)
            sentence = TaggedSentence(where=where, opens_document=opens)
            continue
        for cell in [line] if layout.is_line else _cells(line):
            fields = cell.rsplit(PIPE, layout.fields - 1)
            if len(fields) < layout.fields:
                issues.add("token without a tag", cell, f"{where}:{number}")
                fields = [cell, *[""] * (layout.fields - 1)]
            if not fields[0]:
                issues.add("token without text", cell, f"{where}:{number}")
                continue
            sentence.words.append(fields[0])
            sentence.tags.append(fields[-1])
            sentence.numbers.append(number)
            if layout.nested:
                sentence.inner = sentence.inner or [[]]
                sentence.inner[0].append(fields[1])
        if not layout.is_line and sentence.words:
            yield sentence
            sentence = TaggedSentence(where=where)
    if sentence.words:
        yield sentence
