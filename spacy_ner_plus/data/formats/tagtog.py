"""`tagtog`: documents in tagtog's anndoc format, a folder as its download unpacks.

    annotations-legend.json             {"e_1": "PER"}
    plain.html/pool/letter.plain.html   <p id="s1p1">Ann left</p>
    ann.json/master/pool/letter.ann.json
        {"anncomplete": true, "entities": [{"classId": "e_1", "part": "s1p1",
         "offsets": [{"start": 0, "text": "Ann"}], "confidence": {"state": "", "who": ["user:bob"], "prob": 1}}]}

Both files of a document may also lie side by side; records that have `text` beside such `entities` are read from a JSON
file. The parts of a document are joined by line ends. A document without entities that isn't complete isn't annotated.
What a machine proposed (`who` names `ml:` alone) counts in complete documents only, what was taken away (`pre-removed`)
never. Entities in pieces are told and their place is missing. Read only.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from spacy_ner_plus.data.formats.format import CERTAIN, IDS, META, NESTED, SCORES, Reading, Sniff
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.records.texts import TextOptions
from spacy_ner_plus.data.sources.annotation_keys import check_no_annotation
from spacy_ner_plus.data.sources.fields import as_name, as_offset, as_score, count_span_keys, left_over
from spacy_ner_plus.data.sources.json_records import json_objects
from spacy_ner_plus.data.sources.lines import FileLines
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.json_keys import unique_keys

LEGEND = "annotations-legend.json"
ANNOTATION, TEXT = ".ann.json", ".plain.html"
SHAPES = "`entities`, a list of objects with `classId` and `offsets`"
PART = re.compile(r"s\d+\w*")
MARKS = (re.compile(r'"annotatable"\s*:'), re.compile(r'"entities"\s*:'))


class Tagtog:
    """The format, as `formats/format.py` says."""

    name = "tagtog"
    about = "tagtog: folders of plain.html and ann.json, or records with `text` and such `entities`"
    endings = (".json",)
    options = TextOptions
    keeps = frozenset({NESTED, IDS, META, SCORES})
    writes = False
    checked = False

    def sniff(self, source: Source) -> Sniff | None:
        if source.is_folder:
            has_folder = (source.path / "ann.json").is_dir()
            has_file = any(name == LEGEND or name.endswith(ANNOTATION) for name in source.files)
            return Sniff(CERTAIN, "a folder with tagtog's ann.json") if has_folder or has_file else None
        for value in source.head_records:
            if "annotatable" in value and "entities" in value:
                return Sniff(CERTAIN, "an ann.json with `annotatable` and `entities`")
            if isinstance(value.get("text"), str) and any(map(_is_entity, _list(value, "entities"))):
                return Sniff(CERTAIN, "records with `entities` that have `classId` and `offsets`")
        if source.is_json and all(mark.search(source.head) for mark in MARKS):
            return Sniff(CERTAIN, "an ann.json with `annotatable` and `entities`")
        return None

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        return reading.records_of_texts(lambda issues, notes: marked_texts(source, issues), source, SHAPES)


TAGTOG = Tagtog()


def marked_texts(source: Source, issues: IssueLog) -> Iterator[MarkedText]:
    """Read the documents of a folder, or of a file.

    RAISES (UserError): What is no JSON, or annotation without its text.
    """
    files = sorted(source.path.rglob(f"*{ANNOTATION}")) if source.is_folder else [source.path]
    files = [path for path in files if path.is_file()]
    names = _legend(source.path, source.encoding)
    texts = {path.name: path for path in source.path.rglob(f"*{TEXT}")} if source.is_folder else {}
    for path in files:
        where = str(path) if source.is_folder else source.name
        lines = FileLines(path, source.encoding, where) if source.is_folder else source.lines
        for place, value in json_objects(lines, where):
            if isinstance(value.get("text"), str):
                yield _read(value, _Html(value["text"]), place, as_name(value.get("id")), names, issues)
                continue
            name = path.name.removesuffix(ANNOTATION)
            beside = texts.get(name + TEXT) or path.with_name(name + TEXT)
            if not path.name.endswith(ANNOTATION) or not beside.is_file():
                raise UserError(Errors.E604.format(path=where, text=name + TEXT))
            html = _Html()
            html.feed("".join(FileLines(beside, source.encoding)))
            html.close()
            yield _read(value, html, place, name, names, issues)


def _read(
    value: Mapping[str, Any],
    html: "_Html",
    where: str,
    id: str,
    names: Mapping[str, str],
    issues: IssueLog,
) -> MarkedText:
    meta = left_over(value, ("text", "entities", "id", "annotatable"))
    marked = MarkedText(
        html.text, where, id=id, meta={key: part for key, part in meta.items() if part not in ([], {})}
    )
    entities = value.get("entities")
    if entities is None:
        check_no_annotation(meta, ("entities",), where, issues, html.text)
    elif not isinstance(entities, list):
        _refuse(entities, marked, issues)
    elif entities or value.get("anncomplete") is not False:
        marked.spans = []
        who = [name for item in entities for name in _read_entity(item, marked, value, html, names, issues)]
        users = [name.removeprefix("user:") for name in who if name.startswith("user:")]
        marked.annotator = ", ".join(dict.fromkeys(users))
    else:
        issues.add("record without annotation", html.text[:60], where)
    return marked


def _read_entity(
    item: Any,
    marked: MarkedText,
    document: Mapping[str, Any],
    html: "_Html",
    names: Mapping[str, str],
    issues: IssueLog,
) -> list[str]:
    """RETURNS (list[str]): Who set it, such as 'user:bob'."""
    pieces = [_piece(piece, html.starts.get(as_name(item.get("part")))) for piece in _list(item, "offsets")]
    if not pieces or None in pieces:
        _refuse(item, marked, issues)
        return []
    fields = ("classId", "part", "offsets", "confidence", "coordinates")
    count_span_keys(item, fields, issues, marked.where)
    confidence = item["confidence"] if isinstance(item.get("confidence"), dict) else {}
    who = [name for name in _list(confidence, "who") if isinstance(name, str)]
    label = as_name(item.get("classId"))
    label = names.get(label, label)
    shown = f"{label} {pieces[0][2]!r}"[:60]
    places = [(start, end) for start, end, _ in pieces]
    by_machine = bool(who) and all(name.startswith("ml:") for name in who)
    if confidence.get("state") == "pre-removed":
        issues.add("annotation that was taken away", shown, marked.where)
    elif by_machine and document.get("anncomplete") is not True:
        issues.add("annotation of a machine that nobody confirmed", shown, marked.where)
        marked.lost += places
    elif len(pieces) > 1:
        issues.add("span in several pieces", shown, marked.where)
        marked.lost += places
    elif not label:
        issues.add("region without a label", shown, marked.where)
        marked.lost += places
    else:
        start, end, text = pieces[0]
        span = MarkedSpan(start, end, label, text, score=as_score(confidence.get("prob")))
        marked.spans = [*(marked.spans or ()), span]
        return who
    return []


def _piece(piece: Any, base: int | None) -> tuple[int, int, str] | None:
    start = as_offset(piece.get("start")) if isinstance(piece, dict) else None
    if start is None or base is None or not isinstance(piece.get("text"), str):
        return None
    return base + start, base + start + len(piece["text"]), piece["text"]


def _refuse(item: Any, marked: MarkedText, issues: IssueLog) -> None:
    issues.add("label not understood", repr(item)[:60], marked.where)
    marked.unread.append(repr(item)[:60])


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _is_entity(value: Any) -> bool:
    return isinstance(value, dict) and "classId" in value and "offsets" in value


def _legend(path: Path, encoding: str) -> dict[str, str]:
    """The names of the classes, where the download's legend is in the folder, or in one above it."""
    folders = [path, *path.parents[:3]] if path.is_dir() else list(path.parents[:4])
    for folder in folders:
        if (folder / LEGEND).is_file():
            try:
                found = json.loads(
                    (folder / LEGEND).read_text(encoding=encoding).lstrip("\ufeff"),
                    object_pairs_hook=unique_keys,
                )
            except (OSError, ValueError, RecursionError) as error:
                raise UserError(Errors.E150.format(where=folder / LEGEND, reason=error)) from error
            items = found.items() if isinstance(found, dict) else ()
            return {key: name.strip() for key, name in items if isinstance(name, str) and name.strip()}
    return {}


class _Parts(dict):
    """Where each part begins; of a text without markup all are the text."""

    def get(self, key: str, default: int | None = None) -> int | None:
        return 0 if not self else super().get(key, default)


class _Html(HTMLParser):
    """The text of a plain.html, its parts joined by line ends.

    text (str): The text.
    starts (dict[str, int]): At which character each part begins.
    """

    def __init__(self, text: str = ""):
        super().__init__(convert_charrefs=True)
        self.text, self.starts = text, _Parts()
        self._open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        id = dict(attrs).get("id") or ""
        if not self._part() and PART.fullmatch(id):
            self.text += "\n" if self.text else ""
            self.starts[id] = len(self.text)
            self._open.append((tag, id))
        elif self._open and tag == self._open[-1][0]:
            self._open.append((tag, self._open[-1][1]))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._part():
            self.text += data

    def _part(self) -> str:
        return self._open[-1][1] if self._open else ""
