"""Docs as corpora have them, drawn by hypothesis: nested spans, ids, scores, meta, an annotator."""

import spacy
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record, record_of, spans_of

NLP = spacy.blank("en")
FUSED = ["a", "May", "7", "can", "not", ".com", "-", "."]
SCRIPTS = ["ß", "e\u0301", "東京", "🙂", "👩\u200d💻", "שלום", '"', "\\"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "x", "é"]),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.sampled_from("ab"), values, max_size=2),
    max_leaves=3,
)
KEYS = st.sampled_from(["source", "meta", "url", "_view_id", "pattern"])


@st.composite
def docs(draw, *, nested=True, ids=True, scores=True, meta=JSON, spaces=True, annotator=True):
    """A Doc with entities, as a reader makes it."""
    words = draw(st.lists(st.sampled_from(FUSED + SCRIPTS), min_size=1, max_size=12))
    size = len(words)
    gaps = draw(st.lists(st.booleans(), min_size=size, max_size=size)) if spaces else None
    doc = Doc(NLP.vocab, words=words, spaces=gaps)
    bounds = draw(st.sets(st.tuples(st.integers(0, size - 1), st.integers(1, 3)), max_size=4))
    spans = [
        Span(doc, start, min(start + length, size), label=draw(st.sampled_from("XY")), span_id=name)
        for (start, length), name in zip(
            sorted(bounds), ["a1", "", "b2", "7"] if ids else [""] * 4, strict=False
        )
    ]
    spans = list({(span.start, span.end, span.label): span for span in spans}.values())
    kept = spacy.util.filter_spans(spans)
    spans = spans if nested else kept
    doc.set_ents(kept, default="outside")
    score = st.none() | st.sampled_from([0.0, 0.25, 1.0]) if scores else st.none()
    record = Record(
        doc,
        "f:1",
        draw(st.sampled_from(["", "r1", "7"])) if ids else "",
        draw(st.dictionaries(KEYS, meta, max_size=2)) if meta is not None else {},
        draw(st.sampled_from(["", "ann"])) if annotator else "",
    )
    return mark_record(record, [ScoredSpan(span, draw(score)) for span in spans]).doc


def told(doc):
    """What a Doc says, in values that can be compared."""
    known = record_of(doc)
    del known["where"]
    spans = sorted(
        (span.start_char, span.end_char, span.label_, span.id_, -1.0 if score is None else score)
        for span, score in spans_of(doc)
    )
    entities = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    return doc.text, spans, entities, known
