"""`doccano`: JSON lines that doccano imports, the labels beside them, and its exports.

    {"text": "Ann left", "label": [[0, 3, "PER"]], "spacy_ner_plus_id": "d-1"}

In a project of the type Sequence Labeling, import NAME.labels.json under Labels, then the file as JSONL with `label` as
the column of labels. Export only approved documents: the file doesn't say which are.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from spacy_ner_plus.annotation.review.files.file_project import FileOptions, FileProject
from spacy_ner_plus.annotation.review.shortcuts import shortcuts
from spacy_ner_plus.annotation.review.tasks import ID_KEY, Task
from spacy_ner_plus.data.sources.json_records import json_records
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.evaluation.pages.colours import label_colours
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet

NOT_EXPORTED = "row without doccano's `id`: not of an export, left out"


class Doccano:
    """The tool, as `tool.py` says."""

    name = "doccano"
    about = "doccano: JSON lines to import, and its exports of approved documents"
    options = FileOptions
    requirements = ()

    def open(self, project: str, options: FileOptions) -> FileProject:
        return FileProject(project, "doccano", write_tasks, exported, options, doccano_labels)


DOCCANO = Doccano()


def write_tasks(tasks: Sequence[Task], labels: LabelSet, path: Path) -> list[str]:
    """Write tasks with the same keys on each row, as doccano wants them.

    RETURNS (list[str]): How to set the project up.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for task in tasks:
            spans = [[span.start, span.end, span.label] for span in task.predictions or ()]
            row = {"text": task.text, "label": spans, ID_KEY: task.id}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return [
        "doccano: import the tasks as JSONL into a project of Sequence Labeling, with `label` as the column of labels",
        "doccano: export only approved documents, as its files don't say which are",
    ]


def doccano_labels(labels: LabelSet) -> str:
    """RETURNS (str): Labels as JSON, with colours and shortcuts, as doccano imports them."""
    colours = label_colours(labels.names)
    rows = [
        {"text": name, "suffix_key": key or None, "background_color": colours[name], "text_color": "#000000"}
        for name, key in shortcuts(labels.names).items()
    ]
    return json.dumps(rows, ensure_ascii=False)


def exported(source: Source, issues: IssueLog) -> set[str]:
    """RETURNS (set[str]): Which rows have an id of doccano's: what was written to import has none."""
    found = set()
    for number, record in json_records(source.lines, source.name):
        if isinstance(record, dict) and record.get("id") is not None:
            found.add(f"{source.name}:{number}")
        else:
            issues.add(NOT_EXPORTED, json.dumps(record, ensure_ascii=False)[:60], f"{source.name}:{number}")
    return found
