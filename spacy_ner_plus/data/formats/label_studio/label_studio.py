"""`label-studio`: what Label Studio exports as JSON and as JSON-MIN, and tasks that it imports.

    [{"id": 1, "data": {"text": "Ann left"}, "annotations": [{"completed_by": 1, "was_cancelled": false, "result": [
        {"id": "a0", "from_name": "label", "to_name": "text", "type": "labels",
         "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}}]}]}]
    [{"id": 1, "text": "Ann left", "label": [{"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}],
      "annotator": 1, "annotation_id": 7}]

Each label of a region is a span. A task without annotations isn't annotated; an annotation without results says that
there is nothing. Skipped annotations (`was_cancelled`) are left out, `completions` of old versions are read as
`annotations`. Predictions are no annotation unless `predictions` says so. Results of other kinds, such as choices and
relations, are kept in the Doc's meta and counted. Label Studio counts characters; before version 1.4 it counted UTF-16
units, which is found out where spans behind emojis show it, and is otherwise told by `offsets` utf-16. Regions of a
HyperText are read by their global offsets where the text has no markup.

What is written is imported into a project with a labelling interface of these names, with a Label for each label:

    <View>
      <Labels name="label" toName="text" choice="multiple"><Label value="PER"/></Labels>
      <Text name="text" value="$text"/>
    </View>

Ids and annotators are written into a task's `meta`, as Label Studio numbers tasks anew and knows its own users alone.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.format import (
    ANNOTATOR,
    CERTAIN,
    IDS,
    LIKELY,
    META,
    NESTED,
    SCORES,
    SPACES,
    SPAN_IDS,
    Reading,
    Sniff,
)
from spacy_ner_plus.data.formats.label_studio.options import LabelStudioOptions
from spacy_ner_plus.data.formats.label_studio.tasks import (
    ABOUT,
    ANNOTATIONS,
    is_task,
    look_through,
    marked_texts,
    results_of,
    span_lists,
)
from spacy_ner_plus.data.formats.label_studio.written import doc_to_task
from spacy_ner_plus.data.records.record import Record
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.issues import IssueLog

SHAPES = (
    "`annotations` (or `completions`) with a `result` of `labels`; of JSON-MIN, lists of objects with `start`, `end` "
    "and `labels`; predictions with `predictions` true"
)
# In the first bytes of a file whose first task is longer than what is looked at.
MARKS = (re.compile(r'"(annotations|completions|predictions)"\s*:\s*\['), re.compile(r'"from_name"\s*:'))


class LabelStudio:
    """The format, as `formats/format.py` says."""

    name = "label-studio"
    about = "Label Studio: JSON and JSON-MIN exports, and tasks to import"
    endings = (".json", ".jsonl")
    options = LabelStudioOptions
    keeps = frozenset({SPACES, NESTED, IDS, META, ANNOTATOR, SPAN_IDS, SCORES})
    writes = True
    checked = True

    def sniff(self, source: Source) -> Sniff | None:
        likely = None
        for record in source.head_records:
            if is_task(record):
                if results_of(record) or any(isinstance(record.get(key), list) for key in ANNOTATIONS):
                    return Sniff(CERTAIN, "tasks with `data` and `annotations`")
                if isinstance(record.get("predictions"), list):
                    return Sniff(CERTAIN, "tasks with `data` and `predictions`")
                likely = Sniff(LIKELY, "tasks with `data`")
            elif any("labels" in item for items in span_lists(record).values() for item in items):
                if any(key in record for key in ABOUT[:2]):
                    return Sniff(CERTAIN, "rows of JSON-MIN, with spans and `annotator`")
                likely = Sniff(LIKELY, "records with spans that have `start`, `end` and `labels`")
            elif "annotation_id" in record and "annotator" in record:
                likely = likely or Sniff(LIKELY, "rows of JSON-MIN, without spans")
        if likely is None and source.is_json and all(mark.search(source.head) for mark in MARKS):
            return Sniff(CERTAIN, "tasks with `annotations` and `from_name`")
        return likely

    def read(self, source: Source, reading: Reading) -> Iterator[Record]:
        known = look_through(source, reading.options)
        yield from reading.records_of_texts(
            lambda issues, notes: marked_texts(source, reading.options, known, issues, notes), source, SHAPES
        )

    def write(self, docs: Iterable[Doc], path: Path, options: LabelStudioOptions, issues: IssueLog) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            opening = "[\n"
            for number, doc in enumerate(docs, start=1):
                task = doc_to_task(doc, options, issues, f"document {number}")
                file.write(opening + json.dumps(task, ensure_ascii=False))
                opening = ",\n"
            file.write("[]\n" if opening == "[\n" else "\n]\n")


LABEL_STUDIO = LabelStudio()
