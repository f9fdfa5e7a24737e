"""`doccano`: JSON lines that doccano imports, the labels beside them, and its exports.

    {"text": "Ann left", "label": [[0, 3, "PER"]], "spacy_ner_plus_id": "d-1"}

In a project of the type Sequence Labeling, import NAME.labels.json under Labels, then the file as JSONL with `label` as
the column of labels. Export only approved documents: the file doesn't say which are.

Its page counts UTF-16 units since version 1.5 (doccano#2290; its v-annotator takes JavaScript's lengths), and exports
what was imported as it came, so that files in both directions count them.

Its export has a file for each person, and texts without any label, which it can't tell of whom they are, in one of a
user `unknown` (doccano#2116): most of them nobody has opened.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from spacy_ner_plus.annotation.review.files.file_project import FileOptions, FileProject
from spacy_ner_plus.annotation.review.files.submitted import submitted_places
from spacy_ner_plus.annotation.review.shortcuts import shortcuts
from spacy_ner_plus.annotation.review.tasks import ID_KEY, Task
from spacy_ner_plus.data.formats.doccano import SPAN_KEYS
from spacy_ner_plus.data.records.offset_units import AS_GIVEN, MEANINGS
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.settings import setting, settings
from spacy_ner_plus.utf16 import is_wide, utf16_offsets

NOT_EXPORTED = "row without doccano's `id`: not of an export, left out"
# Its file of texts of which it doesn't know who annotated them.
NOBODY = "unknown"
LEAVE = "leave"
OF_NOBODY = (
    "text without labels in doccano's file `unknown`, of which nobody is known to have looked at it, left out"
)
UTF_16 = "utf-16"
ABOUT_WIDE = (
    "offsets count {meaning}; doccano counts UTF-16 units from version 1.5 on (`offsets` utf-16), and code points "
    "before (`offsets` code-points), where its project doesn't count grapheme clusters as one character"
)


@settings
class DoccanoOptions(FileOptions):
    """How doccano's files are written and read."""

    offsets: str = setting(
        "How doccano's offsets count: utf-16, or code-points, of versions before 1.5; texts without emojis and the "
        "like are the same in both.",
        UTF_16,
    )
    labels: str | None = setting(
        "File with the names of labels that are numbers, as in exports of versions before 1.5: a list of objects with "
        'id and text, as doccano\'s API gives it, or an object such as {"2": "PER"}.',
        None,
    )
    unknown: Literal["leave", "take"] = setting(
        "What becomes of texts without labels in doccano's file `unknown`: leave, or take, as O. Texts that people "
        "approved without labels are there, and those that nobody has opened: take them of an export of approved "
        "documents alone.",
        LEAVE,
    )

    def __post_init__(self) -> None:
        if self.offsets not in (UTF_16, AS_GIVEN):
            units = f"{UTF_16}, {AS_GIVEN}"
            raise UserError(Errors.E170.format(offsets=self.offsets, units=units))


class Doccano:
    """The tool, as `tool.py` says."""

    name = "doccano"
    about = "doccano: JSON lines to import, and its exports of approved documents"
    options = DoccanoOptions
    requirements = ()

    def open(self, project: str, options: DoccanoOptions) -> FileProject:
        write = partial(write_tasks, offsets=options.offsets)
        about = ABOUT_WIDE.format(meaning=MEANINGS[options.offsets])
        submitted = partial(exported, unknown=options.unknown)
        return FileProject(
            project, "doccano", write, submitted, options, doccano_labels, about_wide=about, nobody=NOBODY
        )


DOCCANO = Doccano()


def write_tasks(tasks: Sequence[Task], labels: LabelSet, path: Path, *, offsets: str = UTF_16) -> list[str]:
    """Write tasks with the same keys on each row, as doccano wants them.

    offsets (str): How spans count: 'utf-16' or 'code-points'. Default: 'utf-16'.
    RETURNS (list[str]): How to set the project up.
    """
    wide = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for task in tasks:
            wide += is_wide(task.text)
            places = utf16_offsets(task.text) if offsets == UTF_16 else range(len(task.text) + 1)
            spans = [[places[span.start], places[span.end], span.label] for span in task.predictions or ()]
            row = {"text": task.text, "label": spans, ID_KEY: task.id}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    notes = [
        "doccano: import the tasks as JSONL into a project of Sequence Labeling, with `label` as the column of labels",
        "doccano: export only approved documents, as its files don't say which are",
    ]
    if wide:
        about = ABOUT_WIDE.format(meaning=MEANINGS[offsets])
        notes.append(f"doccano: {wide:,} texts have emojis or the like: {about}")
    return notes


def doccano_labels(labels: LabelSet) -> str:
    """RETURNS (str): Labels as JSON, with colours and shortcuts, as doccano imports them."""
    colours = label_colours(labels.names)
    rows = [
        {"text": name, "suffix_key": key or None, "background_color": colours[name], "text_color": "#000000"}
        for name, key in shortcuts(labels.names).items()
    ]
    return json.dumps(rows, ensure_ascii=False)


def exported(source: Source, issues: IssueLog, *, unknown: str = LEAVE) -> set[str]:
    """Find the rows that a person may have submitted.

    unknown (str): Whether rows without labels in the file of nobody are: 'leave' or 'take'. Default: 'leave'.
    RETURNS (set[str]): Those that have an id of doccano's: what was written to import has none.
    """
    found = submitted_places(source, lambda record: record.get("id") is not None, NOT_EXPORTED, issues)
    if source.path.stem == NOBODY and unknown == LEAVE:
        found &= submitted_places(source, _has_labels, OF_NOBODY, issues)
    return found


def _has_labels(record: dict[str, Any]) -> bool:
    return any(record.get(key) for key in SPAN_KEYS)
