"""Docs to review, hand-made."""

import spacy
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.annotation.review.tasks import Submission, TaskSpan, task_ids
from spacy_ner_plus.data.records.record import Record, mark_record

NLP = spacy.blank("en")
PEOPLE = "Ann Lee met Bob in Oslo."
EMOJI = "🚀🚀 Rosa Quint moved to Lund."
NONE = "It rains in U.S.-based places."


def make_doc(text: str, *ents: tuple[str, str], id: str = "", annotator: str = "") -> Doc:
    """Mark mentions in a text, at their first occurrence."""
    doc = NLP(text)
    spans = [
        doc.char_span(text.index(mention), text.index(mention) + len(mention), label)
        for mention, label in ents
    ]
    doc.set_ents(spans, default="outside")
    return mark_record(Record(doc, "corpus", id, {}, annotator), None).doc


def corpus() -> list[Doc]:
    """RETURNS (list[Doc]): Three texts with predictions, of which the first has a wrong label."""
    return [
        make_doc(PEOPLE, ("Ann Lee", "PER"), ("Bob", "ORG"), ("Oslo", "LOC"), id="d-1"),
        make_doc(EMOJI, ("Rosa Quint", "PER"), ("Lund", "LOC"), id="d-2"),
        make_doc(NONE),
    ]


def write_corpus(path) -> list[Doc]:
    docs = corpus()
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return docs


def submission(text: str, *spans: tuple[str, str], annotator: str = "ann", **about) -> Submission:
    """Submit mentions of a text of `corpus`, at their first occurrence."""
    docs = corpus()
    ids = dict(zip((doc.text for doc in docs), task_ids(docs), strict=True))
    placed = tuple(
        TaskSpan(text.index(mention), text.index(mention) + len(mention), label, text=mention)
        for mention, label in spans
    )
    return Submission(about.pop("id", ids.get(text, "")), text, placed, annotator, **about)


def ents(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]
