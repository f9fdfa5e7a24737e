"""Texts with spans laid on tokens: what is dropped is missing, never O, and counted."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.records.marked import MarkedSpan, MarkedText
from spacy_ner_plus.data.records.texts import TextOptions, texts_to_records
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import doc_to_tags

NLP = spacy.blank("en")
TEXT = "Rosa Quint left New York City."
ROSA, CITY, YORK = MarkedSpan(0, 10, "PER"), MarkedSpan(16, 29, "LOC"), MarkedSpan(20, 24, "ORG")


def read(nlp, *texts, **options):
    issues, notes = IssueLog(), []
    records = list(
        texts_to_records(
            lambda log, said: iter([copy(text) for text in texts]),
            nlp,
            TextOptions(**options),
            issues=issues,
            notes=notes,
            where="f",
            shapes="spans",
        )
    )
    return records, issues, notes


def copy(text):
    # As a reader makes them anew each time.
    spans = text.spans and [
        MarkedSpan(span.start, span.end, span.label, span.text, span.id, span.score) for span in text.spans
    ]
    return MarkedText(
        text.text,
        text.where,
        spans if spans else text.spans,
        unread=list(text.unread),
        lost=list(text.lost),
    )


def tags_of(nlp, spans, **options):
    lost = options.pop("lost", [])
    unread = options.pop("unread", [])
    ((record,), issues, _) = read(nlp, MarkedText(TEXT, "f:1", spans, lost=lost, unread=unread), **options)
    return doc_to_tags(record.doc), issues


ALL_MISSING = ["-"] * 7


def test_texts_without_annotation_are_missing_and_told(nlp):
    ((record,), issues, notes) = read(nlp, MarkedText(TEXT, "f:1", None))
    assert doc_to_tags(record.doc) == ALL_MISSING
    assert not issues.kinds
    assert "sc" not in record.doc.spans
    assert any("1 records have no annotation" in note for note in notes)


def test_texts_with_no_spans_are_o(nlp):
    assert tags_of(nlp, [])[0] == ["O"] * 7


def test_texts_have_nested_spans_beside_the_longest(nlp):
    ((record,), issues, notes) = read(nlp, MarkedText(TEXT, "f:1", [YORK, CITY, ROSA]))
    assert [(ent.text, ent.label_) for ent in record.doc.ents] == [
        ("Rosa Quint", "PER"),
        ("New York City", "LOC"),
    ]
    assert [(span.text, span.label_) for span in record.doc.spans["sc"]] == [
        ("York", "ORG"),
        ("New York City", "LOC"),
        ("Rosa Quint", "PER"),
    ]
    assert not issues.kinds
    assert any("1 spans inside of or across others" in note for note in notes)


def test_texts_miss_what_a_crossing_span_covers_beyond_the_one_that_is_kept(nlp):
    crossing = MarkedSpan(11, 19, "X")  # "left New"
    tags, _ = tags_of(nlp, [CITY, crossing])
    assert tags == ["O", "O", "-", "B-LOC", "I-LOC", "I-LOC", "O"]


def test_texts_miss_the_tokens_of_a_span_that_is_dropped(nlp):
    wrong = MarkedSpan(0, 4, "LOC", "York")
    tags, issues = tags_of(nlp, [wrong, MarkedSpan(0, 10, "PER", "Rosa Quint")])
    # Where it points at, an entity is; its own text is where it may be meant.
    assert tags == ["B-PER", "I-PER", "O", "O", "-", "O", "O"]
    assert issues["span whose text isn't at its offsets"] == 1


@pytest.mark.parametrize("span", [MarkedSpan(25, 99, "X"), MarkedSpan(99, 120, "X"), MarkedSpan(29, 16, "X")])
def test_texts_count_spans_outside_of_the_text(nlp, span):
    tags, issues = tags_of(nlp, [ROSA, span])
    assert issues["misaligned span"] == 1
    assert tags[:2] == ["B-PER", "I-PER"]
    assert "O" not in tags[5:6] or span.start > 29


def test_texts_of_which_a_part_cant_be_read_have_no_o(nlp):
    tags, _ = tags_of(nlp, [ROSA], unread=["{}"])
    assert tags == ["B-PER", "I-PER", *["-"] * 5]


def test_texts_miss_what_is_lost(nlp):
    tags, _ = tags_of(nlp, [ROSA], lost=[(16, 19)])
    assert tags == ["B-PER", "I-PER", "O", "-", "O", "O", "O"]


@pytest.mark.parametrize(
    ("align", "ents", "tags"),
    [
        ("split", ["ork"], None),
        ("strict", [], ["O", "O", "O", "O", "-", "O", "O"]),
        ("expand", ["York"], ["O", "O", "O", "O", "B-X", "O", "O"]),
        ("contract", [], ["O", "O", "O", "O", "-", "O", "O"]),
    ],
)
def test_texts_align_spans_within_tokens_as_they_are_told(nlp, align, ents, tags):
    texts = [MarkedText(TEXT, "f:1", [MarkedSpan(21, 24, "X")]), MarkedText(TEXT, "f:2", [ROSA])]
    records, issues, _ = read(nlp, *texts, align=align)
    assert [ent.text for ent in records[0].doc.ents] == ents
    assert tags is None or doc_to_tags(records[0].doc) == tags
    assert len(issues) == 1


def test_texts_refuse_a_source_of_which_nothing_could_be_read(nlp):
    with pytest.raises(UserError, match=r"E171.*'f' has annotation, and none of it could be read: 2 pieces"):
        read(nlp, MarkedText(TEXT, "f:1", [MarkedSpan(40, 44, "X")], unread=["?"]))


def test_texts_of_which_some_could_be_read_are_not_refused(nlp):
    records, _issues, _ = read(
        nlp, MarkedText(TEXT, "f:1", [MarkedSpan(40, 44, "X")]), MarkedText(TEXT, "f:2", [ROSA])
    )
    assert [len(record.doc.ents) for record in records] == [0, 1]


SPANS = st.lists(
    st.builds(
        MarkedSpan,
        st.integers(-3, 40),
        st.integers(-3, 40),
        st.sampled_from(["X", "Y"]),
        st.sampled_from([None, "Rosa", "York", "nowhere"]),
    ),
    max_size=5,
)


@given(SPANS, st.sampled_from(["split", "strict", "contract", "expand"]))
@settings(max_examples=200, deadline=None)
def test_texts_never_write_o_where_a_span_was_given(spans, align):
    try:
        records, issues, _ = read(
            NLP, MarkedText(TEXT, "f:1", spans), MarkedText(TEXT, "f:2", [ROSA]), align=align
        )
    except UserError:
        return
    doc = records[0].doc
    for span in spans:
        for token in doc:
            if span.start <= token.idx and token.idx + len(token) <= span.end and span.start < span.end:
                assert token.ent_iob_ != "O", (span, token)
    kept = len(doc.spans["sc"])
    assert kept <= len(spans)
    assert kept == len(spans) or len(issues)


@pytest.mark.parametrize("place", [(40, 50), (12, 12), (16, 11), (-9, -2), (10, 11)])
def test_texts_have_no_o_where_a_place_may_mean_any(nlp, place):
    """Outside of the text, empty, backwards, or of white space: which tokens were meant can't be seen."""
    tags, issues = tags_of(nlp, [ROSA, MarkedSpan(*place, "LOC")])
    assert tags == ["B-PER", "I-PER", "-", "-", "-", "-", "-"]
    assert issues["misaligned span"] == 1


@pytest.mark.parametrize("text", ["Rosa left.", " Rosa  \u3000 left.\r\n", "\ud83d Rosa", "罗莎 🚀"])
def test_texts_are_those_of_their_docs(nlp, text):
    ((record,), _, _) = read(nlp, MarkedText(text, "f:1", []))
    assert record.text == record.doc.text
