import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotated_labels import annotated_labels, set_annotated_labels
from spacy_ner_plus.annotation.review.same_text import on_text
from spacy_ner_plus.data.records.record import Record, ScoredSpan, mark_record, record_of, spans_of
from tests.annotation.review.docs import NLP, ents, make_doc


@pytest.mark.parametrize(
    "text", ["Ann Lee left . \n", "Ann  Lee left.", "\r\nAnn Lee\tleft.", "Ann Lee left."]
)
def test_on_text_keeps_what_is_said_of_each_letter(text):
    doc = make_doc("Ann Lee left.", ("Ann Lee", "PER"), id="d-1", annotator="ann")
    doc.set_ents(list(doc.ents), missing=[doc[2:3]], default="outside")
    set_annotated_labels(doc, ["PER"])
    laid = on_text(doc, text)
    assert laid.text == text
    assert [(label, "".join(entity.split())) for entity, label in ents(laid)] == [("PER", "AnnLee")]
    assert [token.text for token in laid if token.ent_iob == 0] == ["left"]
    assert annotated_labels(laid) == {"PER"}
    assert record_of(laid) == record_of(doc)


def test_on_text_keeps_scores_and_sentences():
    doc = Doc(
        NLP.vocab, words=["Ann", "left", ".", "Bob", "too"], sent_starts=[True, False, False, True, False]
    )
    group = [ScoredSpan(Span(doc, 0, 1, "PER"), 0.5), ScoredSpan(Span(doc, 0, 2, "X"), None)]
    doc.set_ents([Span(doc, 0, 1, "PER")], default="outside")
    mark_record(Record(doc, "here"), group)
    laid = on_text(doc, "Ann left .\nBob too")
    assert [(span.text, span.label_, score) for span, score in spans_of(laid)] == [
        ("Ann left", "X", None),
        ("Ann", "PER", 0.5),
    ]
    assert [sent.text.strip() for sent in laid.sents] == ["Ann left .", "Bob too"]


@given(st.lists(st.text("ab ", min_size=1, max_size=3), min_size=1, max_size=5), st.data())
def test_on_text_of_any_white_space_has_the_text_and_the_tokens(words, data):
    doc = Doc(NLP.vocab, words=words)
    doc.set_ents([Span(doc, 0, len(doc), "X")], default="outside")
    letters = [char for char in doc.text if not char.isspace()]
    gaps = [data.draw(st.sampled_from(("", " ", "\n", "  "))) for _ in range(len(letters) + 1)]
    joined = {token.idx for token in doc}
    # Within a token there is no new white space; whether there is some between tokens may change.
    text, at = gaps[0], 0
    for i, char in enumerate(doc.text):
        if not char.isspace():
            text += (gaps[at] if i in joined and at else "") + char
            at += 1
    laid = on_text(doc, text)
    assert laid.text == text
    assert "".join(ent.text for ent in laid.ents).split() == (text.split() if letters else [])
