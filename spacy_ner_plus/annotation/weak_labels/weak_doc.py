"""A text's Doc with what its annotators agree on: entities, what is missing, and who said what."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotation.weak_labels.annotator import TextAnswer
from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.data.records.record import Record, mark_record
from spacy_ner_plus.data.records.record import ScoredSpan as RecordSpan
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.pipeline.entity_vote.ballot import NO_SCORE, Answer, ScoredSpan
from spacy_ner_plus.pipeline.entity_vote.decision import Decision
from spacy_ner_plus.pipeline.entity_vote.votes import write_votes

MISALIGNED = "span that begins or ends within a token: its tokens are missing"
# Key of a record's meta that says, for formats other than .spacy, who said what.
META = "weak_labels"


def align_answer(
    doc: Doc, answer: TextAnswer, labels: frozenset[str] | None, issues: IssueLog, who: str
) -> Answer:
    """Lay what an annotator says on a Doc's tokens.

    labels (frozenset[str] | None): Those that the annotator looks for.
    issues (IssueLog): Where is counted what doesn't fit the tokens.
    who (str): The annotator and the text's place, for the count.
    """
    missing, cut = np.zeros(len(doc), dtype=bool), np.zeros(len(doc), dtype=bool)
    spans = []
    for start, end in answer.missing:
        _mark(doc, start, end, missing)
    for start, end, _ in answer.within:
        _mark(doc, start, end, cut)
    for start, end, label, score in answer.spans:
        span = doc.char_span(start, end) if start < end else None
        if span is None:
            issues.add(MISALIGNED, f"{doc.text[start:end][:60]!r} {label}", who)
            # Something is there: it isn't O.
            _mark(doc, start, end, cut)
        else:
            spans.append(ScoredSpan(span.start, span.end, label, NO_SCORE if score is None else score))
    # It has no say, not even that this is O, about what others name there.
    missing |= cut
    for span in spans:
        missing[span.start : span.end] = cut[span.start : span.end] = False
    return Answer(spans, missing, labels, cut)


def _mark(doc: Doc, start: int, end: int, missing: np.ndarray) -> None:
    span = doc.char_span(start, min(end, len(doc.text)), alignment_mode="expand") if start < end else None
    if span is not None:
        missing[span.start : span.end] = True


def weak_record(
    text: SourceText, doc: Doc, decision: Decision, annotators: Sequence[str], failures: Sequence[str]
) -> Record:
    """Write on a Doc what was decided, as a record that every format can write.

    failures (Sequence[str]): Why each annotator says nothing of the text, or of a part; '' where it does.
    """
    kept = [
        (Span(doc, candidate.start, candidate.end, label=candidate.label), score)
        for candidate, score, is_kept in zip(decision.candidates, decision.scores, decision.kept, strict=True)
        if is_kept
    ]
    missing = [doc[i : i + 1] for i in np.flatnonzero(decision.missing).tolist()]
    doc.set_ents([span for span, _ in kept], missing=missing, default="outside")
    write_votes(doc, decision, annotators)
    meta = {**text.meta, META: _provenance(doc, decision, annotators, failures)}
    record = Record(doc, text.where, text.id, meta, " + ".join(annotators))
    return mark_record(record, [RecordSpan(span, score) for span, score in kept])


def _provenance(
    doc: Doc, decision: Decision, annotators: Sequence[str], failures: Sequence[str]
) -> dict[str, Any]:
    spans = []
    for candidate, score, kept in zip(decision.candidates, decision.scores, decision.kept, strict=True):
        span = doc[candidate.start : candidate.end]
        said = {
            name: round(given, 6)
            for name, given in zip(annotators, candidate.scores, strict=True)
            if given is not None
        }
        bounds = {"start": span.start_char, "end": span.end_char, "label": candidate.label}
        spans.append({**bounds, "score": round(score, 6), "kept": kept, "annotators": said})
    found: dict[str, Any] = {"annotators": list(annotators), "spans": spans}
    failed = {name: failure for name, failure in zip(annotators, failures, strict=True) if failure}
    return {**found, "failures": failed} if failed else found
