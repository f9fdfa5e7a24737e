"""A project of a tool that is reached by files: one is written to import, one that was exported is read."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spacy import blank
from spacy.tokens import Doc

from spacy_ner_plus.annotation.review.files.annotators import annotators_of, is_curators
from spacy_ner_plus.annotation.review.files.unreadable import unreadable
from spacy_ner_plus.annotation.review.tasks import ID_KEY, StoredTask, Submission, Task, TaskSpan
from spacy_ner_plus.annotation.review.tool import ProjectPlan
from spacy_ner_plus.data.detection import FoundSource, find_sources
from spacy_ner_plus.data.formats.format import Reading
from spacy_ner_plus.data.formats.options import options_for
from spacy_ner_plus.data.records.record import SPANS_KEY, Record
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.files import write_whole, written_whole
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.settings import setting, settings
from spacy_ner_plus.spans import IOB_MISSING
from spacy_ner_plus.utf16 import is_wide

# Where Prodigy's exports say when, in seconds since 1970.
TIMESTAMP = "_timestamp"
# And in which view: that of its recipe `review` shows what all annotators said, and its answer is what was decided.
VIEW, DECIDED = "_view_id", "review"
# Writes tasks to a new file or folder, and gives notes for the user.
Write = Callable[[Sequence[Task], LabelSet, Path], list[str]]
# Says of which of a file's places a person has submitted what is there; None for all.
Submitted = Callable[[Source, IssueLog], set[str] | None]
LABELS_ENDING = ".labels.json"
UTF_16_MARKS = (BOM_UTF16_LE, BOM_UTF16_BE)


@settings
class FileOptions:
    """How a tool's files are read."""

    offsets: str = setting(
        "How the tool's offsets count, as in `convert`: code-points, utf-16, ...; auto finds out where spans carry "
        "their own text.",
        "auto",
    )
    annotator: str = setting(
        "Who annotated, where the file doesn't say it. Default: the file's name without its ending.", ""
    )
    encoding: str = setting(
        "Encoding of the files. UTF-16 with a byte-order mark, as PowerShell writes it, is read all the same.",
        "utf-8",
    )


class FileProject:
    """A file as a project, as `tool.py` says.

    name (str): The file or folder.
    format (str): The format of the exports.
    write (Callable): Writes tasks.
    submitted (Callable): Finds what was submitted.
    options (FileOptions): How it is read.
    about_labels (Callable | None): Gives the labels as the tool imports them, for a file beside; None for no file.
    can_write (Callable | None): Tells which tasks `write` writes; the others it leaves out. None for all.
    file_a_text (bool): Whether each text has a file of its own, whose name says nothing of who annotated it.
    about_wide (str): What a user should know where submitted texts have characters of two UTF-16 units; '' for nothing.
    nobody (str): Name of a file, without its ending, that is nobody's; '' where each is named after a person.
    """

    def __init__(
        self,
        name: str,
        format: str,
        write: Write,
        submitted: Submitted,
        options: FileOptions,
        about_labels: Callable[[LabelSet], str] | None = None,
        *,
        file_a_text: bool = False,
        can_write: Callable[[Task], bool] | None = None,
        about_wide: str = "",
        nobody: str = "",
    ):
        self.name = name
        self._format, self._write, self._submitted, self._options = format, write, submitted, options
        self._about_labels, self._file_a_text = about_labels, file_a_text
        self._can_write, self._about_wide, self._nobody = can_write, about_wide, nobody
        self._plan: ProjectPlan | None = None
        self._notes: list[str] = []

    @property
    def _beside(self) -> Path | None:
        return None if self._about_labels is None else Path(self.name).with_suffix(LABELS_ENDING)

    def __enter__(self) -> "FileProject":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def set_up(self, plan: ProjectPlan, notes: list[str]) -> None:
        for path in (Path(self.name), self._beside):
            if path is not None and path.exists():
                raise UserError(Errors.E742.format(path=path))
        self._plan, self._notes = plan, notes
        if plan.twice:
            notes.append(
                f"{self.name}: who gets which task is decided in the tool; `twice` (--twice) isn't written"
            )

    def labels(self) -> tuple[str, ...] | None:
        if not Path(self.name).exists():
            raise UserError(Errors.E101.format(path=self.name, reason="there is no such file"))
        return None

    def tasks(self) -> Iterator[StoredTask]:
        if Path(self.name).exists():
            for number, (one, is_submitted) in enumerate(self._read(IssueLog(), []), start=1):
                yield StoredTask(str(number), one.id, one.text, annotations=int(is_submitted))

    def kept(self, task: Task) -> tuple[TaskSpan, ...] | None:
        return task.predictions

    def add(self, tasks: Sequence[Task]) -> Iterator[int]:
        with written_whole(Path(self.name)) as path:
            self._notes += self._write(tasks, self._plan.labels, path)
        if self._beside is not None:
            beside = self._beside
            write_whole(beside, self._about_labels(self._plan.labels).encode())
            self._notes.append(
                f"{beside}: the labels, with colours and shortcuts, to import before the tasks"
            )
        yield len(tasks) if self._can_write is None else sum(map(self._can_write, tasks))

    def replace(self, pairs: Sequence[tuple[StoredTask, Task]]) -> Iterable[Sequence[StoredTask]]:
        return ()

    def remove(self, tasks: Sequence[StoredTask]) -> Sequence[StoredTask]:
        return ()

    def submissions(self, issues: IssueLog, notes: list[str]) -> Iterator[Submission]:
        wide = 0
        for one, is_submitted in self._read(issues, notes):
            if is_submitted:
                wide += is_wide(one.text)
                yield one
        if wide and self._about_wide:
            notes.append(f"{self.name}: {wide:,} submitted texts have emojis or the like: {self._about_wide}")

    def _read(self, issues: IssueLog, notes: list[str]) -> Iterator[tuple[Submission, bool]]:
        """YIELDS (tuple[Submission, bool]): What is in the file, and whether a person has submitted it."""
        found: Iterable[tuple[Path, Record, bool]] = self._records(issues, notes)
        if not self._file_a_text:
            for path, record, is_submitted in found:
                who = "" if path.stem == self._nobody else path.stem
                yield submission_of(record, self._options.annotator or who), is_submitted
            return
        found = list(found)
        people = annotators_of([(path, record.doc.text) for path, record, _ in found], Path(self.name))
        for (path, record, is_submitted), who in zip(found, people, strict=True):
            one = submission_of(record, self._options.annotator or who)
            yield replace(one, is_final=one.is_final or is_curators(path)), is_submitted

    def _records(self, issues: IssueLog, notes: list[str]) -> Iterator[tuple[Path, Record, bool]]:
        """YIELDS (tuple[Path, Record, bool]): A file, what is in it, and whether a person has submitted that."""
        # Those that the format has are options of it, too.
        given: dict[str, Any] = {one.name: getattr(self._options, one.name) for one in fields(self._options)}
        nlp, encoding, path = blank("xx"), self._options.encoding, None
        try:
            for found in find_sources([self.name], self._format, encoding, notes):
                path = found.source.path
                reading = Reading(nlp, options_for(found.format, given), issues, notes)
                yield from self._records_of(found, reading)
        except UserError as error:
            raise unreadable(error, self._format, given, path, encoding) from error

    def _records_of(self, found: FoundSource, reading: Reading) -> Iterator[tuple[Path, Record, bool]]:
        source = found.source
        if source.head_bytes.startswith(UTF_16_MARKS):
            source = Source(source.name, source.path, "utf-16")
        submitted = self._submitted(source, reading.issues)
        for record in found.format.read(source, reading):
            is_submitted = submitted is None or record.where in submitted
            if is_submitted and not record.doc.has_annotation("ENT_IOB"):
                reading.issues.add("task without annotation, left out", record.doc.text[:60], record.where)
                is_submitted = False
            yield source.path, record, is_submitted


def submission_of(record: Record, annotator: str) -> Submission:
    """Take what was read of an export as what a person submitted.

    annotator (str): Who, where the record doesn't say it.
    """
    doc = record.doc
    found = list(doc.spans[SPANS_KEY]) if SPANS_KEY in doc.spans else list(doc.ents)
    return Submission(
        id=str(record.meta.get(ID_KEY) or record.meta.get("documentId") or ""),
        text=doc.text,
        spans=tuple(TaskSpan(span.start_char, span.end_char, span.label_, text=span.text) for span in found),
        annotator=record.annotator or annotator,
        submitted=_when(record.meta.get(TIMESTAMP)),
        missing=tuple(_missing(doc)),
        where=record.where,
        is_final=record.meta.get(VIEW) == DECIDED,
    )


def _when(seconds: Any) -> str:
    """RETURNS (str): A time in ISO 8601, of seconds since 1970; '' for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return ""


def _missing(doc: Doc) -> Iterator[tuple[int, int]]:
    for token in doc:
        if token.ent_iob == IOB_MISSING:
            yield token.idx, token.idx + len(token)
