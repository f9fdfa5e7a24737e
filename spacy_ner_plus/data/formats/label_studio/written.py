"""Docs as tasks that Label Studio imports."""

from collections.abc import Mapping
from typing import Any

from spacy.tokens import Doc

from spacy_ner_plus.data.formats.label_studio.options import LabelStudioOptions
from spacy_ner_plus.data.formats.label_studio.tasks import OWN, TAGS, USUAL
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.issues import IssueLog

# Of what was read about an annotation, that which Label Studio takes back; it makes the rest itself.
TAKEN_BACK = ("lead_time", "ground_truth")


def doc_to_task(doc: Doc, options: LabelStudioOptions, issues: IssueLog, where: str) -> dict[str, Any]:
    """Make a task of a Doc.

    RETURNS (dict[str, Any]): With one annotation, or prediction; with none where the Doc isn't annotated.
    """
    known = record_of(doc)
    meta = known["meta"]
    key = options.text_key or "text"
    if key in meta:
        issues.add(f"meta under `{key}`, where the text is", repr(meta[key])[:60], where)
    own = meta.pop(OWN) if isinstance(meta.get(OWN), dict) else {}
    results = own.get("results")
    results = results if isinstance(results, list) else []
    about = {
        "id": known["id"],
        "annotator": known["annotator"],
        OWN: {name: value for name, value in own.items() if name != "results" or value is not results},
    }
    task: dict[str, Any] = {"data": meta | {key: doc.text}, "annotations": []}
    if any(about.values()):
        task["meta"] = {name: value for name, value in about.items() if value}
    if not doc.has_annotation("ENT_IOB"):
        return task
    made: dict[str, Any] = {"result": [*_regions(doc, own, options), *results]}
    if options.predictions:
        task["predictions"] = [made | ({"model_version": known["annotator"]} if known["annotator"] else {})]
        return task
    read = own.get("annotation")
    read = read if isinstance(read, dict) else {}
    # Without this, what was imported counts as the truth beside what people make of it.
    made |= USUAL
    task["annotations"] = [made | {name: read[name] for name in TAKEN_BACK if read.get(name) is not None}]
    return task


def _regions(doc: Doc, own: Mapping[str, Any], options: LabelStudioOptions) -> list[dict[str, Any]]:
    """A region for all spans of the same place, id and score."""
    shared = own.get("region")
    shared = shared if isinstance(shared, dict) else {}
    of_each = own.get("regions")
    of_each = of_each if isinstance(of_each, dict) else {}
    regions: dict[Any, dict[str, Any]] = {}
    for span, score in spans_of(doc):
        place = (span.start_char, span.end_char, span.id_, score)
        if place not in regions:
            each = of_each.get(span.id_)
            region = {**TAGS, **shared}
            region |= each if span.id_ and isinstance(each, dict) else {}
            region |= {
                name: given
                for name in ("from_name", "to_name")
                if (given := getattr(options, name)) is not None
            }
            region |= {"id": span.id_} if span.id_ else {}
            region |= {} if score is None else {"score": score}
            value = {"start": span.start_char, "end": span.end_char, "text": span.text, "labels": []}
            regions[place] = region | {"value": value}
        regions[place]["value"]["labels"].append(span.label_)
    return list(regions.values())
