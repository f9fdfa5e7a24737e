"""Regions of Label Studio's annotations and predictions, as spans and back.

    {"id": "p0", "from_name": "label", "to_name": "text", "type": "labels", "score": 0.9,
     "value": {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}}

Label Studio counts code points, and a line end of two characters as two (version 1.23, tried in its page on texts with
emojis).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from spacy_ner_plus.annotation.review.tasks import TaskSpan
from spacy_ner_plus.issues import IssueLog

OTHER_KIND = "result that marks no span by these labels, left out"
OTHER_CONTROL = "region by labels that the project hasn't, left out: its tokens are missing"
NO_LABEL = "region without a label: its tokens are missing"
NO_OFFSETS = "region without offsets: all that isn't in an entity is missing"


def to_regions(spans: Iterable[TaskSpan], text: str, control: str, to_name: str) -> list[dict[str, Any]]:
    """Write spans as the regions of a prediction."""
    regions = []
    for number, span in enumerate(spans):
        value = {
            "start": span.start,
            "end": span.end,
            "text": text[span.start : span.end],
            "labels": [span.label],
        }
        region = {
            "id": f"p{number}",
            "from_name": control,
            "to_name": to_name,
            "type": "labels",
            "value": value,
        }
        regions.append(region | ({} if span.score is None else {"score": round(float(span.score), 6)}))
    return regions


def to_spans(
    results: Iterable[Any], text: str, control: str, to_name: str, issues: IssueLog, where: str
) -> tuple[tuple[TaskSpan, ...], tuple[tuple[int, int], ...]]:
    """Read the regions of an annotation or a prediction.

    results (Iterable[Any]): All its results, of whatever kind.
    text (str): The task's text.
    control (str): The name of the tag by which spans are labelled.
    to_name (str): The name of the text's tag.
    RETURNS (tuple[tuple[TaskSpan, ...], tuple[tuple[int, int], ...]]): A span for each label of each region, and
        stretches of which nothing can be said.
    """
    spans, missing = [], []
    for result in results:
        value = result.get("value") if isinstance(result, Mapping) else None
        if (
            not isinstance(value, Mapping)
            or result.get("from_name") != control
            or result.get("type") != "labels"
        ):
            place = _marked_by_others(result, control, to_name)
            issues.add(OTHER_KIND if place is None else OTHER_CONTROL, str(result)[:60], where)
            missing += [] if place is None else [place]
            continue
        start, end = value.get("start"), value.get("end")
        if not _is_offset(start) or not _is_offset(end):
            issues.add(NO_OFFSETS, str(value)[:60], where)
            missing.append((0, len(text)))
            continue
        labels = [label for label in value.get("labels") or () if isinstance(label, str)]
        if not labels:
            issues.add(NO_LABEL, repr(text[start:end][:60]), where)
            missing.append((start, end))
        score = result.get("score")
        score = float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None
        said = _said(value.get("text"), text[max(0, start) : max(0, end)])
        spans += [TaskSpan(start, end, label, score, said) for label in labels]
    return tuple(spans), tuple(missing)


def _marked_by_others(result: Any, control: str, to_name: str) -> tuple[int, int] | None:
    """RETURNS (tuple[int, int] | None): What is marked by labels of another tag, as before the project's were renamed;
    None for what marks nothing of the text."""
    if not isinstance(result, Mapping) or result.get("from_name") == control:
        return None
    value = result.get("value")
    if result.get("type") != "labels" or result.get("to_name") != to_name or not isinstance(value, Mapping):
        return None
    start, end = value.get("start"), value.get("end")
    return (start, end) if _is_offset(start) and _is_offset(end) else None


def _said(given: Any, there: str) -> str | None:
    """RETURNS (str | None): A region's own text; the page writes a line break in it as a backslash and an n."""
    if not isinstance(given, str):
        return None
    # The text may have such a backslash beside its line breaks.
    is_there = given.replace("\\n", "\n") == there.replace("\\n", "\n")
    return there if is_there else given.replace("\\n", "\n")


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
