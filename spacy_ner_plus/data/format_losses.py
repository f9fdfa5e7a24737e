"""What Docs hold that a format has no place for, counted as it is written."""

from collections.abc import Iterable, Iterator

from spacy.language import Language
from spacy.tokens import Doc

from spacy_ner_plus.annotated_labels import annotated_labels
from spacy_ner_plus.data.formats.format import (
    ANNOTATOR,
    FEATURES,
    IDS,
    LABELS,
    META,
    MISSING,
    NESTED,
    SCORES,
    SENTENCES,
    SOFT,
    SPACES,
    SPAN_IDS,
    TOKENS,
    Format,
)
from spacy_ner_plus.data.records.record import record_of, spans_of
from spacy_ner_plus.data.records.whitespace import restore_spaces
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.soft_tags import read_soft_tags


def count_losses(docs: Iterable[Doc], format: Format, nlp: Language, issues: IssueLog) -> Iterator[Doc]:
    """Count what a format is going to lose of Docs.

    nlp (Language): By whose tokenizer a text gets its tokens again, and by whose language its white space.
    issues (IssueLog): Where each kind of thing is counted, with its number of cases.
    YIELDS (Doc): The Docs as they are.
    """
    lacking = [feature for feature in FEATURES if feature not in format.keeps]
    for number, doc in enumerate(docs, start=1):
        for feature in lacking:
            count, example = _COUNTS[feature](doc, nlp)
            if count:
                kind = f"{feature} that {format.name} has no place for"
                issues.add(kind, example, f"document {number}", count)
        yield doc


def _tokens(doc: Doc, nlp: Language) -> tuple[int, str]:
    again = nlp.make_doc(doc.text)
    if [token.idx for token in doc] == [token.idx for token in again]:
        return 0, ""
    starts = {token.idx for token in again}
    return 1, next((token.text for token in doc if token.idx not in starts), doc[:3].text)


def _sentences(doc: Doc, nlp: Language) -> tuple[int, str]:
    if not doc.has_annotation("SENT_START"):
        return 0, ""
    starts = [token for token in doc[1:] if token.is_sent_start]
    return len(starts), starts[0].text if starts else ""


def _spaces(doc: Doc, nlp: Language) -> tuple[int, str]:
    for sent in doc.sents if doc.has_annotation("SENT_START") else [doc[:]]:
        if sent.end < len(doc) and not sent[-1].whitespace_ and not sent[-1].is_space:
            # Between sentences there will be a space.
            return 1, repr(doc[sent.end - 1 : sent.end + 1].text)
        words = [token for token in sent if not token.is_space]
        rule = restore_spaces([token.text for token in words], nlp.lang)
        if len(words) < len(sent):
            return 1, repr(sent.text[:40])
        for token, space in zip(words[:-1], rule, strict=False):
            if bool(token.whitespace_) != space:
                return 1, repr(doc[token.i : token.i + 2].text)
    return 0, ""


def _nested(doc: Doc, nlp: Language) -> tuple[int, str]:
    ents = {(ent.start, ent.end, ent.label) for ent in doc.ents}
    inner = [span for span, _ in spans_of(doc) if (span.start, span.end, span.label) not in ents]
    return len(inner), f"{inner[0].label_} {inner[0].text!r}" if inner else ""


def _missing(doc: Doc, nlp: Language) -> tuple[int, str]:
    # A Doc that isn't annotated at all is written so by every format.
    missing = [token.text for token in doc if not token.ent_iob]
    return (len(missing), missing[0]) if 0 < len(missing) < len(doc) else (0, "")


def _value(key: str):
    def count(doc: Doc, nlp: Language) -> tuple[int, str]:
        value = record_of(doc)[key]
        return (1, str(value)[:60]) if value else (0, "")

    return count


def _span_ids(doc: Doc, nlp: Language) -> tuple[int, str]:
    named = [span for span, _ in spans_of(doc) if span.id_]
    return len(named), named[0].id_ if named else ""


def _scores(doc: Doc, nlp: Language) -> tuple[int, str]:
    scored = [(span, score) for span, score in spans_of(doc) if score is not None]
    return len(scored), f"{scored[0][0].text!r}: {scored[0][1]:.3g}" if scored else ""


def _labels(doc: Doc, nlp: Language) -> tuple[int, str]:
    labels = annotated_labels(doc)
    return (0, "") if labels is None else (1, ", ".join(sorted(labels)))


def _soft(doc: Doc, nlp: Language) -> tuple[int, str]:
    soft = read_soft_tags(doc)
    return (0, "") if soft is None else (1, " ".join(doc.text.split())[:60])


# How many cases of each feature a Doc has, and the first of them.
_COUNTS = {
    TOKENS: _tokens,
    SENTENCES: _sentences,
    SPACES: _spaces,
    NESTED: _nested,
    MISSING: _missing,
    IDS: _value("id"),
    META: _value("meta"),
    ANNOTATOR: _value("annotator"),
    SPAN_IDS: _span_ids,
    SCORES: _scores,
    LABELS: _labels,
    SOFT: _soft,
}
