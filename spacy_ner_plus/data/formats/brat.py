r"""`brat`: a folder of texts, each with its annotation beside it, as brat keeps them.

    doc1.txt    Rosa Quint moved to Lund.
    doc1.ann    T1\tPER 0 10\tRosa Quint
                T2\tLOC 20 24\tLund
                R1\tLives Arg1:T1 Arg2:T2
                #1\tAnnotatorNotes T2\tthe town

Pairs may lie at any depth, and the files `.a1` and `.a2` of BioNLP stand for an `.ann`. A text without an
annotation file isn't annotated; one whose file is empty has no entities. The path within the folder, without its
ending, is a record's id. Offsets count characters, line ends and all.

A span in pieces with nothing but white space between them, as brat writes one that goes over a line end, is one
span. Other spans in pieces are `discontinuous`: no entity of spaCy's has a gap. Lines of relations, events,
attributes, normalizations and notes stay as they are in `meta["brat"]`, and are written again from there. Scores
are notes: `#2\tScore T1\t0.93`.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import (
    CERTAIN,
    IDS,
    META,
    NESTED,
    SCORES,
    SPACES,
    SPAN_IDS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.record import Record, ScoredSpan, record_of, spans_of
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.lines import whole_text
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

ANN, TXT = ".ann", ".txt"
# The shared tasks of BioNLP gave proteins in one file, and events in another.
BIONLP = (".a1", ".a2")
ABOUT_FILES = frozenset({"README", "LICENSE", "LICENCE", "CHANGELOG"})
SHAPES = "lines such as 'T1<TAB>PER 0 10<TAB>Rosa Quint' in .ann files"

OFFSET = r"[0-9]{1,9}"
PIECE = re.compile(rf"({OFFSET})\s({OFFSET})")
PIECES = rf"{OFFSET}\s{OFFSET}(?:\s*;\s*{OFFSET}\s{OFFSET})*"
SPAN_LINE = re.compile(rf"(T\S*)\t([^\t]+?)\s({PIECES})\t(.*)$", re.DOTALL)
# What goes on no text: a line with a name, and one with offsets whose name is broken.
NAMED_LINE = re.compile(rf"([A-Z#]\S*|\*)\t|.*{OFFSET}\s{OFFSET}\t")
# As files that were pasted from a page have it.
SPACED_LINE = re.compile(rf"(T\S*)\s+(\S+)\s+({PIECES})\s+(.*)$", re.DOTALL)
# A line end that got lost: the second span would be O.
TWO_LINES = re.compile(rf"T[0-9]+\t.+?\s{PIECES}\t")
# What a line of something else than spans looks like: where none fits, an entity may be lost.
ID = r"[A-Z#]+[\w.-]*"
OTHER_LINES = re.compile(
    rf"""(?:
      R\S*\t\S+(?:\s\S+:{ID})+            # a relation and its arguments
    | E\S*\t\S+:{ID}(?:\s\S+:{ID})*       # an event, its trigger and its arguments
    | [AM]\S*\t\S+\s{ID}(?:\s.*)?         # an attribute
    | N\S*\t\S+\s{ID}\s\S+(?:\t.*)?       # an entry of a database
    | \*\t\S+(?:\s{ID})+                  # what is the same
    | \#\S*\t\S+\s{ID}(?:\t.*)?           # a note
    )\s*$""",
    re.VERBOSE,
)
SCORE_NOTE = re.compile(r"#\S*\tScore (T\S+)\t(\S+)\s*$")
META_KEY = "brat"
WRITTEN_ID = re.compile(r"T[1-9]\d*")
REFERENCE = re.compile(r"(?<![\w#])[TREAMN]\d+\b")
# Names that Windows keeps for devices.
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
NAME_LENGTH = 120


@settings
class BratOptions(TextOptions):
    """How brat's files are read."""

    discontinuous: Literal["missing", "cover", "pieces"] = setting(
        "What becomes of a span in pieces: missing drops it, and the tokens from its first to its last are missing; "
        "cover makes one span of them; pieces makes a span of each.",
        "missing",
    )


class _Pair(NamedTuple):
    """A text and its annotation."""

    id: str
    text: Path
    annotation: tuple[Path, ...]


class Brat:
    """The format, as `formats/format.py` says."""

    name = "brat"
    about = "brat's folders of .txt files with .ann files beside them"
    endings = (ANN, *BIONLP)
    options = BratOptions
    keeps = frozenset({SPACES, NESTED, IDS, META, SPAN_IDS, SCORES})
    writes = True
    writes_folder = True
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        if source.is_folder:
            annotation = [name for name in source.files if _is_annotation(Path(name))]
            # An .ann that stands alone is brat's as well, and its reader says what is missing.
            if annotation and all(_looks_like_brat(source.path / name) for name in annotation[:5]):
                return Sniff(CERTAIN, f"a folder with {annotation[0]}")
            return None
        if not source.is_file or source.name == "stdin":
            return None
        found = [source.path] if _is_annotation(source.path) else _beside(source.path)
        if found and all(map(_looks_like_brat, found)):
            return Sniff(CERTAIN, f"spans in {found[0].name}")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        pairs = _pairs(source, reading.notes)
        return reading.records_of_texts(
            lambda issues, notes: _marked_texts(pairs, source, reading.options, issues, notes), source, SHAPES
        )

    def write(self, docs: Iterable[Doc], path: Path, options: BratOptions, issues: IssueLog) -> None:
        path.mkdir(exist_ok=True)
        names = _Names()
        for number, doc in enumerate(docs, start=1):
            known = record_of(doc)
            place = f"document {number}"
            name = names.unused(known["id"] or f"doc-{number:05d}")
            if known["id"] and name != known["id"]:
                issues.add("id written as another name", f"{known['id']!r} as {name!r}", place)
            for key in known["meta"].keys() - {META_KEY}:
                issues.add(f"meta that {self.name} has no place for", str(key), place)
            base = path / name
            base.parent.mkdir(parents=True, exist_ok=True)
            _write(base.with_name(base.name + TXT), doc.text)
            if doc.has_annotation("ENT_IOB"):
                lines = _annotation_of(doc, known["meta"].get(META_KEY), issues, place)
                _write(base.with_name(base.name + ANN), "".join(line + "\n" for line in lines))


BRAT = Brat()


def _is_annotation(path: Path) -> bool:
    return path.suffix.lower() in (ANN, *BIONLP)


def _beside(text: Path) -> list[Path]:
    """RETURNS (list[Path]): The annotation that lies beside a text."""
    if text.suffix.lower() != TXT:
        return []
    one = text.with_suffix(ANN)
    return [one] if one.is_file() else [path for path in map(text.with_suffix, BIONLP) if path.is_file()]


def _looks_like_brat(path: Path) -> bool:
    """Whether a file's first lines are brat's; an empty file may be."""
    head = Source(str(path)).head_bytes.decode("utf-8", "ignore").lstrip("\ufeff")
    lines = [line for line in head.split("\n")[:20] if line.strip()]
    return not lines or any(
        pattern.match(line) for line in lines for pattern in (SPAN_LINE, SPACED_LINE, OTHER_LINES)
    )


def _pairs(source: Source, notes: list[str]) -> list[_Pair]:
    """Find the texts and their annotation, in the order of their names.

    RAISES (UserError): Annotation without its text, and what is neither.
    """
    if not source.is_folder:
        if source.name == "stdin" or not (_is_annotation(source.path) or source.ending == TXT):
            raise UserError(Errors.E617.format(source=source.name))
        text = source.path.with_suffix(TXT) if _is_annotation(source.path) else source.path
        if not text.is_file():
            raise UserError(Errors.E610.format(annotation=source.name, text=text.name))
        return [_Pair(text.stem, text, tuple(_beside(text)))]
    pairs, passed = [], []
    for root, folders, files in os.walk(source.path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            path = Path(root) / name
            if _is_annotation(path) and not path.with_suffix(TXT).is_file():
                raise UserError(Errors.E610.format(annotation=path, text=path.with_suffix(TXT).name))
            beside = _beside(path)
            if path.suffix.lower() == TXT and (beside or path.stem.upper() not in ABOUT_FILES):
                name = path.relative_to(source.path).with_suffix("").as_posix()
                pairs.append(_Pair(name, path, tuple(beside)))
            elif not _is_annotation(path) and path.suffix.lower() != ".conf":
                passed.append(name)
    if passed:
        notes.append(f"{source.name}: passed over {len(passed)} files: {', '.join(passed[:5])}")
    return pairs


def _marked_texts(
    pairs: Sequence[_Pair], source: Source, options: BratOptions, issues: IssueLog, notes: list[str]
) -> Iterator[MarkedText]:
    others, triggers = 0, 0
    for pair in pairs:
        marked = MarkedText(whole_text(pair.text, source.encoding), str(pair.text), id=pair.id)
        if pair.annotation:
            marked.spans = []
            kept = [
                line
                for path in pair.annotation
                for line in _read_annotation(path, source.encoding, marked, options, issues)
            ]
            if kept:
                marked.meta[META_KEY] = kept
            others += len(kept)
            triggers += sum(line.startswith("E") for line in kept)
        _without_mark(marked)
        yield marked
    if others:
        notes.append(f"{source.name}: {others:,} lines that are no spans are in meta['{META_KEY}']")
    if triggers:
        notes.append(
            f"{source.name}: {triggers:,} events have triggers, which are spans with the events' labels; a label map "
            "leaves them out"
        )


def _read_annotation(
    path: Path, encoding: str, marked: MarkedText, options: BratOptions, issues: IssueLog
) -> list[str]:
    """Read the spans of a file into a text's; RETURNS the lines that are no spans."""
    kept, scores = [], {}
    content = whole_text(path, encoding).lstrip("\ufeff")
    for number, line in _whole_lines(content.replace("\r\n", "\n")):
        place = f"{path}:{number}"
        if note := SCORE_NOTE.match(line):
            score = _as_score(note[2])
            if score is not None:
                scores[note[1]] = score
                continue
        found = SPAN_LINE.match(line) or SPACED_LINE.match(line)
        # brat itself refuses a span without its text: the line may have been cut within its offsets.
        if found is not None and found[4].strip() and not TWO_LINES.search(found[4]):
            name, label, offsets, text = found.groups()
            pieces = sorted((int(a), int(b)) for a, b in PIECE.findall(offsets))
            kept += _add_span(line, name, label, pieces, text, marked, options, issues, place)
        elif OTHER_LINES.match(line):
            kept.append(line)
        else:
            issues.add("line not understood", line[:80], place)
            marked.unread.append(line[:80])
    for span in marked.spans or ():
        span.score = scores.pop(span.id, span.score)
    # A note about what isn't there stays a note.
    kept += [f"#\tScore {name}\t{score!r}" for name, score in scores.items()]
    return kept


def _whole_lines(content: str) -> Iterator[tuple[int, str]]:
    """Cut a file into its lines; the text of a span may go over several, as in corpora that brat didn't write.

    YIELDS (tuple[int, str]): The number of the line that it begins on, and the line.
    """
    first, whole = 0, ""
    for number, line in enumerate(content.split("\n"), start=1):
        found = SPAN_LINE.match(whole.replace("\n", " "))
        lacks = found is not None and len(found[4].strip()) < sum(
            int(end) - int(start) for start, end in PIECE.findall(found[3])
        )
        if lacks and line.strip() and not NAMED_LINE.match(line):
            whole += f"\n{line}"
            continue
        if whole.strip():
            yield first, whole
        first, whole = number, line
    if whole.strip():
        yield first, whole


def _add_span(
    line: str,
    name: str,
    label: str,
    pieces: list[tuple[int, int]],
    text: str,
    marked: MarkedText,
    options: BratOptions,
    issues: IssueLog,
    place: str,
) -> list[str]:
    """Add a span; RETURNS its line where it can only be kept as that."""
    start, end = pieces[0][0], max(stop for _, stop in pieces)
    gaps = [(stop, after) for (_, stop), (after, _) in pairwise(pieces)]
    # A line end is one character or two, however the offsets count.
    if all(after - stop <= 2 or marked.text[stop:after].isspace() for stop, after in gaps):
        marked.spans.append(MarkedSpan(start, end, label, text, name))
        return []
    issues.add("discontinuous span", f"{label} {text!r}: {options.discontinuous}", place)
    if options.discontinuous == "cover":
        marked.spans.append(MarkedSpan(start, end, label, id=name))
    elif options.discontinuous == "pieces":
        marked.spans += [MarkedSpan(begin, stop, label, id=name) for begin, stop in pieces]
    else:
        marked.lost.append((start, end))
        return [line]
    return []


def _as_score(text: str) -> float | None:
    try:
        score = float(text)
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _without_mark(marked: MarkedText) -> None:
    """Take off a byte-order mark, which brat counts as a character and most other tools don't."""
    if not marked.text.startswith("\ufeff"):
        return
    spans = marked.spans or ()
    counted = sum(marked.text[span.start : span.end] == span.text for span in spans)
    marked.text = marked.text[1:]
    uncounted = sum(marked.text[span.start : span.end] == span.text for span in spans)
    if counted > uncounted:
        for span in spans:
            span.start, span.end = span.start - 1, span.end - 1
        marked.lost = [(max(0, start - 1), end - 1) for start, end in marked.lost]


class _Names:
    """Names of files that are safe everywhere, each once."""

    def __init__(self) -> None:
        # File systems may take letters of another case, or composed otherwise, for the same.
        self.used: set[str] = set()

    def unused(self, id: str) -> str:
        parts = [_safe(part) for part in id.split("/") if part] or ["_"]
        # A folder must not be called as a file of another record is.
        parts[:-1] = [f"{part}_" if Path(part).suffix.lower() in (ANN, TXT) else part for part in parts[:-1]]
        wanted = name = "/".join(parts)
        number = 1
        while (key := unicodedata.normalize("NFKC", name).casefold()) in self.used:
            number += 1
            name = f"{wanted}-{number}"
        self.used.add(key)
        return name


def _safe(part: str) -> str:
    name = re.sub(r"[^\w.,=+@() -]", "_", part)[:NAME_LENGTH]
    # Neither hidden nor a folder above, nor an end that Windows takes off.
    name = re.sub(r"^[. ]|[. ]$", "_", name)
    return f"_{name}" if DEVICES.match(name) else name


def _write(path: Path, text: str) -> None:
    # A text that begins with what reads as a byte-order mark gets one before it, which is passed over.
    encoding = "utf-8-sig" if text.startswith("\ufeff") else "utf-8"
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(text)


def _annotation_of(doc: Doc, others: Any, issues: IssueLog, place: str) -> list[str]:
    """RETURNS (list[str]): The lines of a Doc's .ann file."""
    others = [line for line in others if isinstance(line, str)] if isinstance(others, list) else []
    spans = spans_of(doc)
    ids = _span_ids(spans, others, issues, place)
    written, scores = [], []
    for (span, score), name in zip(spans, ids, strict=True):
        line = _span_line(doc, span, name, issues, place)
        if line is None:
            continue
        written.append(line)
        if score is not None:
            scores.append((name, score))
    known = {line.split("\t")[0] for line in written}
    kept = _with_targets(others, known, issues, place)
    notes = {line.split("\t")[0] for line in kept}
    free = (f"#{number}" for number in range(1, len(notes) + len(scores) + 1) if f"#{number}" not in notes)
    return [*written, *kept, *(f"{next(free)}\tScore {name}\t{score!r}" for name, score in scores)]


def _span_ids(spans: Sequence[ScoredSpan], others: Sequence[str], issues: IssueLog, place: str) -> list[str]:
    """Name the spans as brat does, by the ids that they have where these are such names."""
    taken = {line.split("\t")[0] for line in others if line.startswith("T")}
    ids: list[str] = []
    for span, _ in spans:
        fits = bool(WRITTEN_ID.fullmatch(span.id_)) and span.id_ not in taken
        if span.id_ and not fits:
            issues.add("span id written as another", span.id_, place)
        ids.append(span.id_ if fits else "")
        taken |= {span.id_} if fits else set()
    number = 0
    for i, name in enumerate(ids):
        while not name:
            number += 1
            name = "" if f"T{number}" in taken else f"T{number}"
        ids[i] = name
        taken.add(name)
    return ids


def _span_line(doc: Doc, span: Any, name: str, issues: IssueLog, place: str) -> str | None:
    text = doc.text[span.start_char : span.end_char]
    # brat's spans end with the line, and go on in the next.
    pieces = [piece for piece in re.finditer(r"[^\r\n]+", text) if piece[0].strip()]
    if not pieces:
        issues.add("span of white space", f"{span.label_} {text!r}", place)
        return None
    label = re.sub(r"\s+", "_", span.label_)
    if label != span.label_ or not label:
        issues.add("label written without white space", repr(span.label_), place)
    at = span.start_char
    offsets = ";".join(f"{at + piece.start()} {at + piece.end()}" for piece in pieces)
    shown = " ".join(piece[0] for piece in pieces).replace("\t", " ")
    return f"{name}\t{label or '_'} {offsets}\t{shown}"


def _with_targets(lines: Sequence[str], known: set[str], issues: IssueLog, place: str) -> list[str]:
    """Leave out lines about what isn't written, such as relations of a span that was dropped."""
    kept = list(lines)
    while True:
        there = known | {line.split("\t")[0] for line in kept}
        rest = [line for line in kept if set(REFERENCE.findall(_data_of(line))) <= there]
        if len(rest) == len(kept):
            break
        for line in set(kept) - set(rest):
            issues.add("line about a span that isn't written", line[:80], place)
        kept = rest
    return kept


def _data_of(line: str) -> str:
    """RETURNS (str): What stands between a line's name and the text that it may end with."""
    fields = line.split("\t")
    return fields[1] if len(fields) > 1 else ""
