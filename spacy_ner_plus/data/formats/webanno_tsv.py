r"""`webanno-tsv`: one document in the TSV format 3 of WebAnno and INCEpTION.

    #FORMAT=WebAnno TSV 3.3
    #T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value


    #Text=Rosa Quint moved to Lund.
    1-1\t0-4\tRosa\t*[1]\tPER[1]
    1-2\t5-10\tQuint\t*[1]\tPER[1]
    1-3\t11-16\tmoved\t_\t_
    1-4\t17-19\tto\t_\t_
    1-5\t20-24\tLund\t*\tLOC
    1-6\t24-25\t.\t_\t_

`#T_SP` declares layers of spans with their features, `#T_CH` chains and `#T_RL` relations. In a cell, `|` separates
annotations that are stacked, a number in brackets joins the rows of one annotation, `_` is no annotation, `*` one
without a value, and `\` stands before a character that would mean something. `1-1.1` is a part of token 1-1.
Offsets count UTF-16 units; where they count code points the tokens say so, and that is used.

Entities are the layer NamedEntity with its feature `value`, or the only layer of spans that isn't one of WebAnno's
for words, or the one named by `layer` and `feature`. What other layers hold is counted. The text between sentences
isn't in such files: it becomes a line end, and spaces up to the next offset. INCEpTION writes no column for a layer
without annotation in a document; then its tokens are missing, not O.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import NamedTuple

from spacy_ner_plus.data.formats.format import CERTAIN, IDS, NESTED, SENTENCES, SPACES, TOKENS, Reading, Sniff
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.data.records.words import words_between
from spacy_ner_plus.data.sources.project_names import names_in_project
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.settings import setting, settings

FORMAT_LINE = "#FORMAT=WebAnno TSV"
SPAN_LAYER, CHAIN_LAYER, RELATION_LAYER = "#T_SP=", "#T_CH=", "#T_RL="
TEXT_LINE = "#Text="
NAMED_ENTITY, VALUE = "NamedEntity", "value"
# Layers of WebAnno and DKPro that say something about words and none of entities.
WORD_LAYERS = frozenset(
    {
        "POS",
        "Lemma",
        "Stem",
        "MorphologicalFeatures",
        "SurfaceForm",
        "Chunk",
        "SofaChangeAnnotation",
        "SpellingAnomaly",
        "SuggestedAction",
    }
)
SHAPES = "values in the columns of a #T_SP layer such as NamedEntity|value"
ROW = re.compile(r"([0-9]{1,9})-([0-9]{1,9})(?:\.[0-9]{1,9})?$")
OFFSETS = re.compile(r"([0-9]{1,9})-([0-9]{1,9})$")
ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|->|.)", re.DOTALL)
CELL = re.compile(r"(.*?)(?:\[([0-9]{1,9})\])?$", re.DOTALL)
RESERVED = re.compile(r"(?<!\\)(?:\\\\)*[\[\]]")
CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}
# Wider gaps between sentences come from offsets that are wrong.
WIDEST_GAP = 1000


@settings
class WebAnnoOptions(TextOptions):
    """How WebAnno's TSV files are read."""

    layer: str = setting(
        "The layer of entities: its name or what follows its last dot; '' finds NamedEntity, or the only one.",
        "",
    )
    feature: str = setting("The layer's feature that has the labels; '' finds `value` or the only one.", "")


class _Column(NamedTuple):
    """A column of a file, after its first three.

    feature (str): '' for a layer without features.
    """

    kind: str
    layer: str
    feature: str

    @property
    def short(self) -> str:
        return self.layer.rpartition(".")[2]


@dataclass
class _Row:
    """A token or a part of one; start and end are offsets as written, and then in the text."""

    place: str
    token: int
    is_part: bool
    start: int
    end: int
    form: str
    cells: list[str]


@dataclass
class _Sentence:
    lines: list[str] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def text(self, escaped: bool = True) -> str:
        return "\n".join(_unescape(line) if escaped else line for line in self.lines)


class WebAnnoTsv:
    """The format, as `formats/format.py` says."""

    name = "webanno-tsv"
    about = "TSV 3 files of WebAnno and INCEpTION"
    endings = (".tsv",)
    options = WebAnnoOptions
    keeps = frozenset({TOKENS, SENTENCES, SPACES, NESTED, IDS})
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        first = next((line for line in source.head_lines if line.strip()), "")
        return Sniff(CERTAIN, "the line #FORMAT=WebAnno TSV") if first.startswith(FORMAT_LINE) else None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return texts_to_records(
            lambda issues, notes: _marked_texts(source, reading.options, issues, notes),
            reading.nlp,
            # What the offsets count has been found out by the tokens.
            replace(reading.options, offsets=AS_GIVEN),
            issues=reading.issues,
            notes=reading.notes,
            where=source.name,
            shapes=SHAPES,
        )


WEBANNO_TSV = WebAnnoTsv()


def _marked_texts(
    source: Source, options: WebAnnoOptions, issues: IssueLog, notes: list[str]
) -> Iterator[MarkedText]:
    columns, sentences, header = _parse(source, issues)
    entities = _entity_columns(columns, options, source.name)
    marked = MarkedText("", source.name)
    marked.id, marked.annotator = names_in_project(source)
    if header:
        marked.meta.update(header)
    marked.sentence_starts = _place(sentences, options.offsets, marked, issues)
    tokens = [row for sentence in sentences for row in sentence.rows if not row.is_part]
    cut = words_between(marked.text, ((row.start, row.end) for row in tokens))
    if cut is not None:
        marked.words, marked.spaces = cut
    if entities is not None:
        chosen, named = entities
        marked.spans = []
        _read_spans(sentences, columns, chosen, marked, issues)
        if not named:
            notes.append(
                f"{source.name}: entities are the layer {chosen.layer}, feature {chosen.feature or 'none'}"
            )
    _count_others(sentences, columns, None if entities is None else entities[0], issues)
    yield marked


def _parse(source: Source, issues: IssueLog) -> tuple[list[_Column], list[_Sentence], dict[str, list[str]]]:
    columns: list[_Column] = []
    sentences: list[_Sentence] = []
    header: dict[str, list[str]] = defaultdict(list)
    last, tab_ends = "", None
    for number, line in enumerate(source.lines, start=1):
        line = line.rstrip("\n")
        place = f"{source.name}:{number}"
        if not sentences and not line.startswith(TEXT_LINE):
            if line.startswith((SPAN_LAYER, CHAIN_LAYER, RELATION_LAYER)):
                columns += _columns(line)
                continue
            if not line.strip() or line.startswith(FORMAT_LINE):
                continue
        if line.startswith(TEXT_LINE):
            if last != TEXT_LINE:
                sentences.append(_Sentence())
            sentences[-1].lines.append(line[len(TEXT_LINE) :])
        elif line.startswith("#") and "=" in line and "\t" not in line:
            key, _, value = line[1:].partition("=")
            header[key].append(_unescape(value))
        elif line.strip():
            row = _row(line, place, len(columns))
            # Where rows end with a tab, one that doesn't was cut.
            tab_ends = line.endswith("\t") if tab_ends is None else tab_ends
            if row is None or not sentences or line.endswith("\t") != tab_ends:
                issues.add("line not understood", line[:80], place)
                sentences = sentences or [_Sentence()]
                sentences[-1].broken.append(line[:80])
            else:
                sentences[-1].rows.append(row)
        # A sentence of several lines has a #Text for each; an identifier may stand before it.
        last = TEXT_LINE if line.startswith(TEXT_LINE) else ""
    return columns, sentences, header


def _columns(line: str) -> list[_Column]:
    kind, _, rest = line.partition("=")
    layer, *features = [part for part in rest.split("|") if part] or [""]
    return [_Column(f"{kind}=", layer, feature) for feature in features or [""]]


def _row(line: str, place: str, width: int) -> _Row | None:
    """RETURNS (_Row | None): None where it isn't a row of as many columns as the header declares."""
    fields = line.split("\t")
    if len(fields) == width + 4 and not fields[-1]:
        fields.pop()
    elif len(fields) != width + 3 or (width and not fields[-1]):
        # A tab stands at the end of each row: without it a column is missing.
        return None
    name, offsets = ROW.match(fields[0]), OFFSETS.match(fields[1])
    if name is None or offsets is None:
        return None
    start, end = int(offsets[1]), int(offsets[2])
    return _Row(place, int(name[2]), "." in fields[0], start, end, fields[2], fields[3:])


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    found = ESCAPE.sub(_meant, text)
    # Older versions write each UTF-16 unit of a character by itself.
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _meant(escape: re.Match[str]) -> str:
    code = escape[1]
    return chr(int(code[1:], 16)) if len(code) == 5 and code[0] == "u" else CONTROLS.get(code, code)


def _entity_columns(
    columns: Sequence[_Column], options: WebAnnoOptions, where: str
) -> tuple[_Column, bool] | None:
    """Find the column that holds the labels.

    RETURNS (tuple[_Column, bool] | None): It, and whether it goes by its name; None where the file has no layer that
        could be of entities.
    RAISES (UserError): Where several could be.
    """
    spans = [column for column in columns if column.kind == SPAN_LAYER and not _is_slot(column, columns)]
    if options.layer:
        named = [column for column in spans if options.layer in (column.layer, column.short)]
        if not named:
            raise UserError(
                Errors.E611.format(where=where, setting="layer", value=options.layer, found=_shown(columns))
            )
    else:
        named = [column for column in spans if column.short == NAMED_ENTITY]
    found = named or [column for column in spans if column.short not in WORD_LAYERS]
    if options.feature:
        features = [column for column in found if column.feature == options.feature]
        if found and not features:
            raise UserError(
                Errors.E611.format(
                    where=where, setting="feature", value=options.feature, found=_shown(columns)
                )
            )
        found = features
    elif len(found) > 1:
        found = [column for column in found if column.feature == VALUE] or found
    if len({column.layer for column in found}) > 1 or len(found) > 1:
        raise UserError(Errors.E612.format(where=where, found=_shown(found)))
    return (found[0], bool(named)) if found else None


def _is_slot(column: _Column, columns: Sequence[_Column]) -> bool:
    """Whether a column is a slot, or the target of the slot before it."""
    before = columns[columns.index(column) - 1] if columns.index(column) else column
    return column.feature.startswith("ROLE_") or (
        before.layer == column.layer and before.feature.startswith("ROLE_")
    )


def _shown(columns: Sequence[_Column]) -> str:
    names = dict.fromkeys(f"{column.layer}|{column.feature}".rstrip("|") for column in columns)
    return ", ".join(names) or "none"


def _place(sentences: Sequence[_Sentence], units: str, marked: MarkedText, issues: IssueLog) -> list[int]:
    """Put the sentences together to a text, and the rows' offsets into it.

    units (str): How the offsets count: utf-16, code-points, or auto.
    RETURNS (list[int]): Where each sentence begins.
    """
    utf16 = units == "utf-16" or (units != AS_GIVEN and _fits(sentences, True) >= _fits(sentences, False))
    parts: list[str] = []
    starts: list[int] = []
    # How long the text is: in code points, and as the file counts.
    length = counted = 0
    for sentence in sentences:
        text, offsets = _offsets(sentence, utf16)
        first = sentence.rows[0].start if sentence.rows else counted + bool(parts)
        gap = first - counted
        if gap and parts:
            # Where offsets begin anew in each sentence, sentences stand on lines of their own.
            gap = gap if 0 < gap <= WIDEST_GAP else 1
            parts.append("\n" + " " * (gap - 1))
        elif gap:
            gap = gap if 0 < gap <= WIDEST_GAP else 0
            parts.append(" " * gap)
        length += gap
        starts.append(length)
        if not _lay(sentence, text, offsets, first, length, issues) or sentence.broken:
            # Which annotation was lost isn't known, but where.
            marked.lost.append((length, length + len(text)))
        else:
            marked.lost += _uncovered(sentence, text, length, issues, marked.where)
        parts.append(text)
        length += len(text)
        counted = first + (len(text.encode("utf-16-le", "surrogatepass")) // 2 if utf16 else len(text))
    marked.text = "".join(parts)
    return starts


def _offsets(sentence: _Sentence, utf16: bool) -> tuple[str, dict[int, int]]:
    """RETURNS (tuple[str, dict[int, int]]): A sentence's text, and its characters by the file's offsets into it."""
    text = sentence.text()
    if "\\" in "".join(sentence.lines) and not _fit(sentence, text, utf16):
        # Files that were written by hand may hold backslashes as they are.
        raw = sentence.text(escaped=False)
        text = raw if _fit(sentence, raw, utf16) else text
    return text, _places(text, utf16)


def _places(text: str, utf16: bool) -> dict[int, int]:
    widths = (2 if utf16 and ord(char) > 0xFFFF else 1 for char in text)
    return {offset: i for i, offset in enumerate(accumulate(widths, initial=0))}


def _fits(sentences: Sequence[_Sentence], utf16: bool) -> int:
    return sum(_fit(sentence, sentence.text(), utf16) for sentence in sentences)


def _fit(sentence: _Sentence, text: str, utf16: bool) -> bool:
    """Whether all tokens of a sentence stand at their offsets."""
    places = _places(text, utf16)
    first = sentence.rows[0].start if sentence.rows else 0
    return all(
        _is_at(row, text, places.get(row.start - first), places.get(row.end - first)) for row in sentence.rows
    )


def _is_at(row: _Row, text: str, start: int | None, end: int | None) -> bool:
    if start is None or end is None or end < start:
        return False
    found = text[start:end]
    return found in (row.form, _unescape(row.form)) or found.split() == _unescape(row.form).split()


def _lay(
    sentence: _Sentence,
    text: str,
    places: dict[int, int],
    first: int,
    base: int,
    issues: IssueLog,
) -> bool:
    """Turn the offsets of a sentence's rows into places in the document's text; rows that lie nowhere are taken out.

    RETURNS (bool): Whether there are none of these.
    """
    kept: list[_Row] = []
    at = 0
    for row in sentence.rows:
        start, end = places.get(row.start - first), places.get(row.end - first)
        if not _is_at(row, text, start, end):
            # Where the offsets are wrong, a token stands after the one before it.
            form = _unescape(row.form)
            start = -1 if row.is_part else _find_word(text, form, at)
            end = start + len(form)
            kind = "token whose offsets don't fit its text" if start < 0 else "token found by its text"
            issues.add(kind, f"{row.start}-{row.end} {row.form}", row.place)
            if start < 0:
                continue
        row.start, row.end = base + start, base + end
        at = max(at, end)
        kept.append(row)
    is_whole = len(kept) == len(sentence.rows)
    sentence.rows = kept
    return is_whole


def _uncovered(
    sentence: _Sentence, text: str, base: int, issues: IssueLog, where: str
) -> Iterator[tuple[int, int]]:
    """Find what no token covers: the rows of some tokens are missing, and their annotation with them."""
    at = 0
    for start, end in [
        *((row.start - base, row.end - base) for row in sentence.rows),
        (len(text), len(text)),
    ]:
        if text[at:start].strip():
            issues.add("text without a token", text[at:start].strip()[:60], where)
            yield base + at, base + start
        at = max(at, end)


def _find_word(text: str, form: str, at: int) -> int:
    """RETURNS (int): Where a token next stands in a text and not inside of a word; -1 where it doesn't."""
    if not form.strip():
        return -1
    found = re.compile(rf"(?<!\w){re.escape(form)}(?!\w)").search(text, at)
    return -1 if found is None else found.start()


def _read_spans(
    sentences: Sequence[_Sentence],
    columns: Sequence[_Column],
    chosen: _Column,
    marked: MarkedText,
    issues: IssueLog,
) -> None:
    """Read the labels of a column: rows with the same number are one span."""
    column = columns.index(chosen)
    # Each feature of an annotation has its number.
    beside = [i for i, other in enumerate(columns) if other.layer == chosen.layer and i != column]
    spans: list[MarkedSpan] = []
    # Of each number: its rows, by sentence and token.
    chains: dict[int, list[tuple[int, _Row, str]]] = defaultdict(list)
    for number, sentence in enumerate(sentences):
        for row in sentence.rows:
            others = [_stacked(row.cells[i]) for i in beside]
            for i, cell in enumerate(_stacked(row.cells[column])):
                label, name = _label(cell, chosen)
                if name is None and any(_has_number(cells[i]) for cells in others if i < len(cells)):
                    label = None
                if label is None:
                    kind = "annotation without a value" if _is_empty(cell) else "label not understood"
                    issues.add(kind, f"{row.form} {cell}", row.place)
                    marked.lost.append((row.start, row.end))
                elif name is None:
                    spans.append(MarkedSpan(row.start, row.end, label))
                else:
                    chains[name].append((number, row, label))
    lengths = [max((row.token for row in sentence.rows), default=0) for sentence in sentences]
    again = any(len(_runs(chain, lengths)) > 1 for chain in chains.values())
    for chain in chains.values():
        for run in _runs(chain, lengths, by_sentence=again):
            start, end = min(row.start for _, row, _ in run), max(row.end for _, row, _ in run)
            label = run[0][2]
            if _is_whole(run):
                spans.append(MarkedSpan(start, end, label))
            else:
                issues.add("annotation with a gap", f"{label} {marked.text[start:end]!r}", run[0][1].place)
                marked.lost.append((start, end))
    marked.spans = sorted(spans, key=lambda span: (span.start, -span.end))


def _stacked(cell: str) -> list[str]:
    return [] if cell in ("_", "") else _split(cell)


def _split(cell: str) -> list[str]:
    """Cut a cell at each `|` that no backslash stands before."""
    parts, at = [""], 0
    while at < len(cell):
        if cell[at] == "|":
            parts.append("")
            at += 1
            continue
        step = 2 if cell[at] == "\\" else 1
        parts[-1] += cell[at : at + step]
        at += step
    return parts


def _is_empty(cell: str) -> bool:
    found = CELL.match(cell)
    return found is not None and found[1] in ("*", "")


def _label(cell: str, chosen: _Column) -> tuple[str | None, int | None]:
    """RETURNS (tuple[str | None, int | None]): A label, None where there is none; the number that joins rows."""
    found = CELL.match(cell)
    if found is None:
        return None, None
    value, number = found[1], None if found[2] is None else int(found[2])
    if value == "*" and not chosen.feature:
        # A layer without features says by its name what its spans are.
        return chosen.short, number
    if value in ("*", "_", "") or RESERVED.search(value):
        return None, number
    return _unescape(value).strip() or None, number


def _has_number(cell: str) -> bool:
    """RETURNS (bool): Whether a cell has the number that joins rows."""
    found = CELL.match(cell)
    return found is not None and found[2] is not None


def _runs(
    chain: Sequence[tuple[int, _Row, str]], lengths: Sequence[int], by_sentence: bool = False
) -> list[list[tuple[int, _Row, str]]]:
    """Cut the rows of a number where they can't be one annotation: some writers number anew in each sentence."""
    runs = [[chain[0]]]
    for one in chain[1:]:
        (sentence, row, label), (other, before, other_label) = one, runs[-1][-1]
        follows = sentence == other or (
            not by_sentence
            and sentence == other + 1
            and row.token == 1
            and before.token == lengths[other]
            and label == other_label
        )
        if follows:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _is_whole(run: Sequence[tuple[int, _Row, str]]) -> bool:
    """Whether the rows of an annotation follow one another and agree on its label."""
    labels = {label for _, _, label in run}
    tokens = [(sentence, row.token) for sentence, row, _ in run]
    return len(labels) == 1 and all(
        after[0] > before[0] or after[1] - before[1] <= 1 for before, after in pairwise(tokens)
    )


def _count_others(
    sentences: Sequence[_Sentence], columns: Sequence[_Column], chosen: _Column | None, issues: IssueLog
) -> None:
    """Count what the layers and features hold that are none of entities."""
    for index, column in enumerate(columns):
        if column == chosen:
            continue
        beside = chosen is not None and column.layer == chosen.layer
        name = f"{column.short}|{column.feature}".rstrip("|")
        kind = f"annotation that isn't kept: {name}"
        for sentence in sentences:
            for row in sentence.rows:
                cells = [cell for cell in _stacked(row.cells[index]) if not (beside and _is_empty(cell))]
                if cells:
                    issues.add(kind, f"{row.form} {cells[0]}", row.place, len(cells))
