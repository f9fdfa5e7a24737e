"""Argilla's records, suggestions and answers, as tasks and spans and back.

    {"external_id": "7", "fields": {"text": "Ann left"}, "metadata": {"spacy_ner_plus_id": "7"},
     "suggestions": [{"question_id": "f279...", "value": [{"start": 0, "end": 3, "label": "PER"}], "score": [0.9]}]}

Offsets are code points in the API.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from spacy_ner_plus.annotation.review.tasks import ID_KEY, Task, TaskSpan
from spacy_ner_plus.labels import LabelSet
from spacy_ner_plus.spans import without_overlaps

TEXT_FIELD, OUR_QUESTION = "text", "spans"
AGENT = "spacy-ner-plus"
DIGITS = 6


def question_settings(labels: LabelSet) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The span question of a new dataset, as the API takes it."""
    options = [
        {"value": row["name"], "text": row["name"], "description": row["definition"][:1000] or None}
        for row in labels.rows
    ]
    return {
        "name": OUR_QUESTION,
        "title": "Mark the entities",
        # A dataset needs a question that is; an answer without any span is one, too.
        "required": True,
        "settings": {
            "type": "span",
            "field": TEXT_FIELD,
            "options": options,
            "allow_overlapping": True,
            "allow_character_annotation": True,
        },
    }


def to_row(task: Task, question: Mapping[str, Any]) -> dict[str, Any]:
    """Write a task as a record, as the API takes it.

    question (Mapping[str, Any]): The span question, as the server describes it: where it takes no overlapping spans,
        the longest stay.
    """
    about = {} if task.uncertainty is None else {"uncertainty": round(task.uncertainty, 4)}
    row: dict[str, Any] = {
        "external_id": task.id,
        "fields": {question["settings"].get("field") or TEXT_FIELD: task.text},
        "metadata": {ID_KEY: task.id, **about},
    }
    if task.predictions is None:
        return row
    spans = list(task.predictions)
    if not question["settings"].get("allow_overlapping"):
        spans, _ = without_overlaps(spans)
    suggestion: dict[str, Any] = {
        "question_id": question["id"],
        "value": [{"start": span.start, "end": span.end, "label": span.label} for span in spans],
        "type": "model",
        "agent": task.annotator[:200] or AGENT,
    }
    scores = [span.score for span in spans]
    if scores and all(score is not None for score in scores):
        # A list has to be of one for each.
        suggestion["score"] = [round(min(max(float(score), 0.0), 1.0), DIGITS) for score in scores]
    return {**row, "suggestions": [suggestion]}


def suggested_spans(record: Mapping[str, Any], question_id: str) -> tuple[TaskSpan, ...] | None:
    """RETURNS (tuple[TaskSpan, ...] | None): What a record suggests as the answer to a question; None for nothing."""
    for suggestion in record.get("suggestions") or ():
        if suggestion.get("question_id") == question_id:
            return to_spans(suggestion.get("value") or (), suggestion.get("score"))
    return None


def to_spans(value: Iterable[Mapping[str, Any]], score: Any = None) -> tuple[TaskSpan, ...]:
    """RETURNS (tuple[TaskSpan, ...]): The spans of a value; with a score each where there are as many."""
    value = list(value)
    scores = score if isinstance(score, list) and len(score) == len(value) else [None] * len(value)
    return tuple(
        TaskSpan(int(span["start"]), int(span["end"]), str(span["label"]), one)
        for span, one in zip(value, scores, strict=True)
    )
