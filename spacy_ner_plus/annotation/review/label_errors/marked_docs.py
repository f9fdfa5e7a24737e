"""Suggestions as people get them: rows of a report, and documents that a review tool takes."""

from collections.abc import Iterable, Sequence
from typing import Any

from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.annotation.review.label_errors.suggestions import Suggestion
from spacy_ner_plus.annotation.review.tasks import keep_task_ids
from spacy_ner_plus.data.records.record import RECORD, record_of
from spacy_ner_plus.pipeline.uncertainty import UNCERTAINTY
from spacy_ner_plus.spans import IOB_MISSING, TokenSpan

# Words on each side of a place.
CONTEXT = 8
DIGITS = 6
# Key of the spans that are suspicious, with their probabilities, and of the rows in a record's meta.
SPANS_KEY = "label_errors"
META = "suggestions"
# Of a row, what goes into the meta of its document.
_OF_PLACE = ("rank", "kind", "score", "start", "end", "text", "annotated", "found")


def to_row(suggestion: Suggestion, doc: Doc, rank: int) -> dict[str, Any]:
    """Describe a suggestion in JSON's types.

    doc (Doc): Its document.
    rank (int): Its place among all, from 1.
    RETURNS (dict[str, Any]): Offsets are characters of the document.
    """
    known, start, end = record_of(doc), suggestion.start, suggestion.end
    place = doc[start:end]
    return {
        "rank": rank,
        "score": round(suggestion.score, DIGITS),
        "kind": suggestion.kind,
        "document": suggestion.document + 1,
        "id": known["id"],
        "where": known["where"],
        "start": place.start_char,
        "end": place.end_char,
        "text": place.text,
        "before": doc[max(0, start - CONTEXT) : start].text,
        "after": doc[end : end + CONTEXT].text,
        "annotated": _spans(suggestion.annotated, doc),
        "found": _spans(suggestion.found, doc),
        "annotated_probability": round(suggestion.annotated_probability, DIGITS),
        "found_probability": round(suggestion.found_probability, DIGITS),
    }


def _spans(entities: Iterable[TokenSpan], doc: Doc) -> list[dict[str, Any]]:
    spans = [Span(doc, *entity[:2], label=entity.label) for entity in entities]
    return [
        {"start": span.start_char, "end": span.end_char, "label": span.label_, "text": span.text}
        for span in spans
    ]


def marked_docs(
    docs: Sequence[Doc], chosen: Sequence[Suggestion], rows: Sequence[dict[str, Any]], *, show_found: bool
) -> list[Doc]:
    """Write suggestions on their documents: how sure readers are of each suspicious entity as its score, how suspicious
    the document is as its uncertainty, and all that is known of each place in the record's meta.

    docs (Sequence[Doc]): The corpus, which is changed.
    chosen (Sequence[Suggestion]): In the order of rank.
    rows (Sequence[dict[str, Any]]): Each as `to_row` gives it.
    show_found (bool): Whether the entities of each place become those that were found there.
    RETURNS (list[Doc]): Those with a suggestion, in the order of their most suspicious one.
    """
    # A text that the corpus has twice would have another id here.
    keep_task_ids(docs)
    by_document: dict[int, list[tuple[Suggestion, dict[str, Any]]]] = {}
    for suggestion, row in zip(chosen, rows, strict=True):
        by_document.setdefault(suggestion.document, []).append((suggestion, row))
    for number, pairs in by_document.items():
        _mark(docs[number], pairs, show_found=show_found)
    return [docs[number] for number in by_document]


def _mark(doc: Doc, pairs: Sequence[tuple[Suggestion, dict[str, Any]]], *, show_found: bool) -> None:
    # What another component was unsure of isn't what this is about.
    for group in doc.spans.values():
        group.attrs.pop(UNCERTAINTY, None)
    if show_found:
        _replace(doc, [suggestion for suggestion, _ in pairs])
    spans, scores = [], []
    for one, _ in sorted(pairs, key=lambda pair: pair[0].start):
        shown = one.found if show_found else one.annotated
        spans += [Span(doc, *entity[:2], label=entity.label) for entity in shown]
        scores += [one.found_probability if show_found else one.annotated_probability] * len(shown)
    attrs = {
        "scores": [round(score, DIGITS) for score in scores],
        UNCERTAINTY: round(pairs[0][0].score, DIGITS),
    }
    doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=spans, attrs=attrs)
    record = record_of(doc)
    about = [{key: row[key] for key in _OF_PLACE} for _, row in pairs]
    doc.user_data[RECORD] = {**record, "meta": {**record["meta"], META: about}}


def _replace(doc: Doc, suggestions: Sequence[Suggestion]) -> None:
    places = {i for one in suggestions for i in range(one.start, one.end)}
    ents = [ent for ent in doc.ents if places.isdisjoint(range(ent.start, ent.end))]
    ents += [Span(doc, *entity[:2], label=entity.label) for one in suggestions for entity in one.found]
    missing = [doc[token.i : token.i + 1] for token in doc if token.ent_iob == IOB_MISSING]
    doc.set_ents(ents, missing=missing, default="outside")
