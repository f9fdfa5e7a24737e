"""`prodigy`: tasks for `prodigy ner.manual`, and what `prodigy db-out` gives of it.

{"text": "Ann left", "tokens": [...], "spans": [{"start": 0, "end": 3, "token_start": 0, "token_end": 0,
 "label": "PER"}], "meta": {"spacy_ner_plus_id": "d-1", "score": 0.3}}
"""

import json
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from spacy_ner_plus.annotation.review.files.file_project import FileOptions, FileProject
from spacy_ner_plus.annotation.review.files.submitted import submitted_places
from spacy_ner_plus.annotation.review.tasks import ID_KEY, Task
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.labels import LabelSet

UNANSWERED = "task without an answer, left out"


class Prodigy:
    """The tool, as `tool.py` says."""

    name = "prodigy"
    about = "Prodigy: tasks for ner.manual, and what db-out gives"
    options = FileOptions
    requirements = ()

    def open(self, project: str, options: FileOptions) -> FileProject:
        return FileProject(project, "prodigy", write_tasks, answered, options)


PRODIGY = Prodigy()


def write_tasks(tasks: Sequence[Task], labels: LabelSet, path: Path) -> list[str]:
    """Write tasks without tokens, which Prodigy makes itself, and without an answer.

    RETURNS (list[str]): The command to run.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for task in tasks:
            spans = [
                {"start": span.start, "end": span.end, "label": span.label}
                | ({} if span.score is None else {"score": span.score})
                for span in task.predictions or ()
            ]
            about = {ID_KEY: task.id}
            about |= {} if task.uncertainty is None else {"score": round(1 - task.uncertainty, 4)}
            row = {"text": task.text, "spans": spans, "meta": about}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    names = quote(",".join(labels.names))
    return [f"Prodigy: prodigy ner.manual DATASET blank:LANG FILE --label {names}"]


def answered(source: Source, issues: IssueLog) -> set[str]:
    """RETURNS (set[str]): Which tasks have an answer."""
    return submitted_places(source, lambda record: record.get("answer") is not None, UNANSWERED, issues)
