"""What people submitted, checked against the corpus that was sent, as Docs."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.annotation.review.tasks import (
    Submission,
    TaskSpan,
    match_texts,
    predictions_of,
    task_ids,
    task_text,
)
from spacy_ner_plus.annotation.review.uniting import lost_spans, unite
from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.offset_units import AS_GIVEN
from spacy_ner_plus.data.records.record import RECORD, SPANS_KEY, Record, mark_record, record_of, spans_of
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import IOB_MISSING, without_overlaps

# Key of a record's meta under which it stands who reviewed it, and when.
META = "review"
# There: whether it was decided for the text, and whether nobody looked at it and the corpus's annotation was kept.
FINAL, KEPT = "final", "kept"
PART = "submission of a part of a text, such as a sentence: the rest is missing unless others are of it"
SEVERAL_TEXTS = "submission without our id of a text that the corpus has several times, left out"
UNITED = "submissions of the same person about the same text, put together"
UNKNOWN_TASK = "submission of a task that isn't in the corpus, left out"
CHANGED_TEXT = "submission of a text that isn't the corpus's any more, left out"
OTHER_LABEL = "span with a label that isn't one of the project's, dropped: its tokens are missing"
UNSAID = "entity of the corpus in a stretch of which a submission says nothing, or nothing agreed on: missing"
UNASKED = (
    "entity of the corpus with a label that people couldn't choose, in a text that they submitted: missing"
)
SUPERSEDED = "earlier submission of the same person about the same text, left out"
SHAPES = "spans with offsets within the text and labels of the project"


def chosen_submissions(
    submissions: Iterable[Submission], docs: Sequence[Doc], issues: IssueLog
) -> list[Submission]:
    """Take what each person submitted about each text of a corpus; where a tool lost our id, the text tells.

    A later submission takes the place of an earlier one wherever it says anything. One of a part of a text, as of a
    sentence, is laid on the whole, where the text has that part once.

    submissions (Iterable[Submission]): Of all people.
    docs (Sequence[Doc]): The corpus that was sent.
    issues (IssueLog): Where is counted what is left out.
    RETURNS (list[Submission]): In the order of the corpus, then of time; one of each person and text.
    RAISES (UserError): Where there are submissions, and none is of a text of the corpus.
    """
    numbers = {name: i for i, name in enumerate(task_ids(docs))}
    submissions = list(submissions)
    chosen = list(_chosen(submissions, docs, numbers, issues))
    if submissions and not chosen:
        first = submissions[0]
        values = {"count": len(submissions), "where": first.where, "text": repr(first.text[:60])}
        raise UserError(Errors.E835.format(**values))
    return sorted(chosen, key=lambda one: (numbers[one.id], one.submitted))


def reviewed_records(
    chosen: Sequence[Submission],
    docs: Sequence[Doc],
    nlp: Language,
    labels: Collection[str] | None,
    issues: IssueLog,
    notes: list[str],
    where: str,
) -> list[Record]:
    """Lay submissions on the tokens of the Docs that were sent.

    A span is checked against its text; what can't be laid is dropped, counted, and missing rather than O. Where a
    span begins or ends within a token, the token is split. The labels that people could choose are those that were
    annotated; of others nothing is known.

    chosen (Sequence[Submission]): Of `chosen_submissions`.
    docs (Sequence[Doc]): The corpus that was sent.
    nlp (Language): Of the Docs.
    labels (Collection[str] | None): Those that count; None for all.
    issues (IssueLog): Where is counted what is left out or repaired.
    notes (list[str]): Where is written what was found out.
    where (str): The project, for messages.
    RETURNS (list[Record]): One for each submission; its meta says under `review` who, when and how long.
    RAISES (UserError): Where there are spans, and none of them can be laid.
    """
    numbers = {name: i for i, name in enumerate(task_ids(docs))}

    def parse(log: IssueLog, _: list[str]) -> Iterator[MarkedText]:
        for one in chosen:
            yield _marked(one, docs[numbers[one.id]], labels, log)

    options = TextOptions(offsets=AS_GIVEN)
    try:
        records = list(
            texts_to_records(parse, nlp, options, issues=issues, notes=notes, where=where, shapes=SHAPES)
        )
    except UserError as error:
        if not str(error).startswith("[E171]"):
            raise
        # That one names options of `convert`.
        raise UserError(Errors.E790.format(project=where, shapes=SHAPES)) from error
    for record in records:
        sent = docs[numbers[record.meta[META]["id"]]]
        # Else training would take the corpus's tokens for those of a tokenizer.
        record.doc.has_unknown_spaces = sent.has_unknown_spaces
        looked_for = labels if labels is not None else annotated_labels(sent)
        if looked_for:
            # Those that stand there were looked for, too, where the tool doesn't say which could be chosen.
            set_annotated_labels(
                record.doc, {*looked_for, *(span.label_ for span, _ in spans_of(record.doc))}
            )
    if labels is None:
        found = {span.label for one in chosen for span in one.spans}
        unused = {span.label_ for doc in docs for span, _ in spans_of(doc)} - found
        if chosen and unused:
            notes.append(
                f"{where}: nobody left a span of {', '.join(sorted(unused))}, which the corpus has: taken as O, unless "
                "`labels` (--labels) says which labels people could choose"
            )
    return records


def _chosen(
    submissions: Sequence[Submission], docs: Sequence[Doc], numbers: Mapping[str, int], issues: IssueLog
) -> Iterator[Submission]:
    by_person: dict[tuple[str, str], list[Submission]] = {}
    for one in _of_corpus(submissions, docs, numbers, issues):
        by_person.setdefault((one.id, one.annotator), []).append(one)
    for several in by_person.values():
        several = [one for one in several if one.is_final] or several
        # Where none says when, the last of the file is the last.
        yield _united(sorted(several, key=lambda one: one.submitted), issues)


def _united(several: Sequence[Submission], issues: IssueLog) -> Submission:
    """RETURNS (Submission): What one person said about a text in several submissions, in the order of time."""
    found = several[0]
    for later in several[1:]:
        earlier, found = found, unite(found, later)
        lost = lost_spans(earlier, found)
        is_united = len(found.spans) > len(later.spans) or found.missing != later.missing
        if is_united:
            issues.add(UNITED, later.annotator or later.text[:60], later.where)
        if lost or not is_united:
            issues.add(SUPERSEDED, later.annotator or later.text[:60], earlier.where)
    return found


def _of_corpus(
    submissions: Sequence[Submission], docs: Sequence[Doc], numbers: Mapping[str, int], issues: IssueLog
) -> Iterator[Submission]:
    """YIELDS (Submission): Those that are of a text of the corpus, with its id; of a part of one, laid on the whole."""
    texts = {name: task_text(docs[i].text) for name, i in numbers.items()}
    by_text: dict[str, list[str]] = {}
    for name, text in texts.items():
        by_text.setdefault(text, []).append(name)
    found = match_texts(texts, ((one.id, task_text(one.text)) for one in submissions))
    for one in submissions:
        text = task_text(one.text)
        same = by_text.get(text, ())
        name = found.get((one.id, text)) or (same[0] if len(same) == 1 else one.id)
        one = replace(one, id=name)
        if one.id not in numbers:
            issues.add(SEVERAL_TEXTS if same else UNKNOWN_TASK, one.text[:60], one.where)
        elif text == texts[one.id]:
            yield one
        elif text.strip() and texts[one.id].count(text.strip()) == 1:
            issues.add(PART, one.text[:60], one.where)
            yield _on_whole(one, texts[one.id])
        else:
            issues.add(CHANGED_TEXT, one.text[:60], one.where)


def _on_whole(part: Submission, text: str) -> Submission:
    """RETURNS (Submission): What was submitted of a part of a text that is there once, as one of the whole, of which
    nothing else is known."""
    shown = part.text.strip()
    start = text.index(shown)
    by, end = start - part.text.index(shown), start + len(shown)

    def laid(span: TaskSpan) -> TaskSpan:
        # One that isn't within the part is nowhere, and not in what follows.
        is_within = 0 <= span.start < span.end <= len(part.text)
        return (
            span._replace(start=span.start + by, end=span.end + by) if is_within else span._replace(start=-1)
        )

    return replace(
        part,
        text=text,
        spans=tuple(map(laid, part.spans)),
        missing=((0, start), *((low + by, high + by) for low, high in part.missing), (end, len(text))),
        predictions=None,
    )


def _marked(submission: Submission, doc: Doc, labels: Collection[str] | None, issues: IssueLog) -> MarkedText:
    known = record_of(doc)
    about = {"id": submission.id, "annotator": submission.annotator}
    about |= {"submitted": submission.submitted} if submission.submitted else {}
    about |= {} if submission.seconds is None else {"seconds": submission.seconds}
    about |= {FINAL: True} if submission.is_final else {}
    marked = MarkedText(
        doc.text,
        submission.where,
        spans=[],
        words=[token.text for token in doc],
        spaces=[bool(token.whitespace_) for token in doc],
        sentence_starts=_sentence_starts(doc),
        lost=list(submission.missing),
        id=known["id"],
        meta=known["meta"] | {META: about},
        annotator=submission.annotator,
    )
    for span in submission.spans:
        if labels is not None and span.label not in labels:
            is_within = 0 <= span.start < span.end <= len(doc.text)
            text = repr(doc.text[span.start : span.end]) if is_within else f"at {span.start} to {span.end}"
            issues.add(OTHER_LABEL, f"{span.label} {text}", submission.where)
            # Where it isn't within the text, it may have meant any part of it.
            marked.lost.append((span.start, span.end) if is_within else (0, len(doc.text)))
        else:
            marked.spans.append(MarkedSpan(span.start, span.end, span.label, text=span.text))
    return marked


def _sentence_starts(doc: Doc) -> list[int]:
    return [token.idx for token in doc if token.is_sent_start] if doc.has_annotation("SENT_START") else []


def review_of(doc: Doc) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Who reviewed a Doc (`annotator`), when (`submitted`), how long (`seconds`) and under
    which id of a task (`id`), whether that was decided for the text (`final`); whether its annotation is that of a
    corpus at which nobody looked (`kept`). Empty where none of that is known."""
    found = record_of(doc)["meta"].get(META)
    return found if isinstance(found, dict) else {}


def without_annotation(doc: Doc) -> Doc:
    """RETURNS (Doc): A copy of a Doc of which nothing is known: its tokens, sentences and record alone."""
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    starts = [bool(token.is_sent_start) for token in doc] if doc.has_annotation("SENT_START") else None
    copy = Doc(doc.vocab, words=words, spaces=spaces, sent_starts=starts)
    copy.has_unknown_spaces = doc.has_unknown_spaces
    known = record_of(doc)
    return mark_record(Record(copy, known["where"], known["id"], known["meta"]), None).doc


def kept_doc(doc: Doc) -> Doc:
    """RETURNS (Doc): A Doc of the corpus at which nobody looked, which says so."""
    copy = doc.copy()
    known = record_of(doc)
    copy.user_data[RECORD] = {**known, "meta": {**known["meta"], META: {**review_of(doc), KEPT: True}}}
    return copy


def count_lost(docs: Iterable[Doc], reviewed: Iterable[Doc], issues: IssueLog) -> None:
    """Count what a corpus loses where its entities are replaced by what people submitted.

    docs (Iterable[Doc]): Those of the corpus that people submitted.
    reviewed (Iterable[Doc]): For each of them, what that is.
    issues (IssueLog): Where is counted.
    """
    for old, new in zip(docs, reviewed, strict=True):
        known = annotated_labels(new)
        for span, _ in spans_of(old):
            touched = new.char_span(span.start_char, span.end_char, alignment_mode="expand")
            if known is not None and span.label_ not in known:
                kind = UNASKED
            elif any(token.ent_iob == IOB_MISSING for token in touched):
                kind = UNSAID
            else:
                continue
            issues.add(kind, f"{span.label_} {span.text[:60]!r}", record_of(old)["where"])


def predicted_doc(
    doc: Doc, predictions: Sequence[TaskSpan] | None, labels: Collection[str] | None = None
) -> Doc:
    """Say what a person began with.

    doc (Doc): Of the corpus.
    predictions (Sequence[TaskSpan] | None): As the tool has them; None where it doesn't say, and the Doc tells.
    labels (Collection[str] | None): Those that were sent; None for all.
    RETURNS (Doc): Its tokens with these, all of them in `doc.spans["sc"]`.
    """
    if predictions is None:
        predictions = predictions_of(doc)
    copy = without_annotation(doc)
    if predictions is None:
        return copy
    found = [
        copy.char_span(one.start, one.end, one.label, alignment_mode="expand")
        for one in predictions
        if labels is None or one.label in labels
    ]
    spans = [span for span in found if span is not None]
    kept, _ = without_overlaps(spans)
    copy.set_ents(kept, default="outside")
    copy.spans[SPANS_KEY] = spans
    return copy
