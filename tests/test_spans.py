"""Characters, tokens and tags: nothing is moved, nothing is lost without a word."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, Span, SpanGroup
from spacy.util import filter_spans

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import (
    ENTS_GROUP,
    MISSING,
    CharSpan,
    TokenSpan,
    align,
    doc_to_tags,
    is_blocked,
    span_scores,
    spans_to_tags,
    split_tag,
    tags_to_spans,
    without_overlaps,
)

NLP = spacy.blank("en")
LABELS = st.sampled_from(["PER", "LOC", "B-X", "work-of-art", "-", "a b"])
SLOW = settings(max_examples=150, deadline=None)


@st.composite
def span_sets(draw, length):
    """Spans that do not overlap, some of them adjacent, of one label, or long."""
    spans, at = [], 0
    while at < length:
        end = min(length, at + draw(st.integers(1, 6)))
        if draw(st.booleans()):
            spans.append(TokenSpan(at, end, draw(LABELS)))
        at = end
    return spans


@st.composite
def annotated(draw):
    length = draw(st.integers(0, 15))
    return draw(span_sets(length)), length


@st.composite
def docs(draw, with_ents=True):
    words = draw(st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=10))
    spaces = draw(st.one_of(st.none(), st.lists(st.booleans(), min_size=len(words), max_size=len(words))))
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    if with_ents:
        spans = draw(span_sets(len(doc)))
        doc.set_ents(
            [Span(doc, *span) for span in spans], default=draw(st.sampled_from(["outside", "missing"]))
        )
    return doc


# Tags


@SLOW
@given(annotated())
def test_spans_come_back_from_their_tags(case):
    spans, length = case
    tags = spans_to_tags(spans, length)
    assert len(tags) == length
    issues = IssueLog()
    assert tags_to_spans(tags, issues) == spans
    assert not issues.kinds


@SLOW
@given(docs())
def test_tags_of_a_doc_say_what_its_entities_are(doc):
    tags = doc_to_tags(doc)
    assert tags_to_spans(tags) == [TokenSpan(ent.start, ent.end, ent.label_) for ent in doc.ents]
    assert spans_to_tags(doc.ents, len(doc)) == ["O" if tag == MISSING else tag for tag in tags]


def test_tags_of_a_doc_tell_missing_from_outside():
    doc = Doc(NLP.vocab, words=["a", "b", "c"], ents=["B-X", "O", ""])
    assert doc_to_tags(doc) == ["B-X", "O", MISSING]


@SLOW
@given(
    st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y", "", MISSING, "B-", "X", "I-a-b"]), max_size=12)
)
def test_tags_of_any_sequence_give_valid_spans(tags):
    issues = IssueLog()
    spans = tags_to_spans(tags, issues, "f:1")
    places = [i for span in spans for i in range(span.start, span.end)]
    labelled = [i for i, tag in enumerate(tags) if tag[:2] in ("B-", "I-") and len(tag) > 2]
    assert places == labelled
    assert all(tags[i][2:] == span.label for span in spans for i in range(span.start, span.end))
    assert all(tags[i][0] == "I" for span in spans for i in range(span.start + 1, span.end))
    opened = sum(tags[span.start][0] == "I" for span in spans)
    assert issues["I- that opens an entity"] == opened
    assert issues["invalid tag"] == sum(tag in ("B-", "X") for tag in tags)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["I-X", "I-X"], [(0, 2, "X")]),
        (["B-X", "I-Y"], [(0, 1, "X"), (1, 2, "Y")]),
        (["B-X", "B-X"], [(0, 1, "X"), (1, 2, "X")]),
        (["B-X", MISSING, "I-X"], [(0, 1, "X"), (2, 3, "X")]),
        (["B-X", "", "I-X"], [(0, 1, "X"), (2, 3, "X")]),
    ],
)
def test_tags_that_break_the_rules_are_read_as_far_as_they_go(tags, spans):
    assert tags_to_spans(tags) == spans


def test_tags_are_counted_where_they_stand():
    issues = IssueLog()
    tags_to_spans(["O", "I-X"], issues, "f:3")
    assert (
        issues.kinds["I- that opens an entity"].example,
        issues.kinds["I- that opens an entity"].where,
    ) == (
        "I-X",
        "f:3",
    )


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("O", ("O", "")),
        ("B-PER", ("B", "PER")),
        ("S_work-of-art", ("S", "work-of-art")),
        ("E-B-X", ("E", "B-X")),
        ("B-", None),
        ("B- ", None),
        ("PER", None),
        ("O-PER", None),
        ("b-PER", None),
        ("", None),
        (MISSING, None),
        ("B-PER\n", None),
    ],
)
def test_split_tag(tag, parts):
    assert split_tag(tag) == parts


# Characters


@SLOW
@given(docs())
def test_align_finds_every_span_of_a_doc(doc):
    spans = [CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    fitting, misaligned = align(doc, spans)
    assert [(span.start, span.end, span.label_) for span in fitting] == [
        (ent.start, ent.end, ent.label_) for ent in doc.ents
    ]
    assert not misaligned


@SLOW
@given(docs(), st.lists(st.tuples(st.integers(-3, 45), st.integers(-3, 45)), max_size=6))
@pytest.mark.parametrize("mode", ["strict", "contract", "expand"])
def test_align_loses_no_span_without_saying_so(mode, doc, offsets):
    spans = [CharSpan(start, end, "X") for start, end in offsets]
    fitting, misaligned = align(doc, spans, mode)
    assert len(fitting) + len(misaligned) == len(spans)
    starts, ends = {token.idx for token in doc}, {token.idx + len(token) for token in doc}
    fits = [span for span in spans if span.start in starts and span.end in ends and span.start < span.end]
    assert all(len(span) for span in fitting)
    if mode == "strict":
        assert [CharSpan(span.start_char, span.end_char, span.label_) for span in fitting] == fits
    else:
        assert not set(fits) & set(misaligned)


# Overlaps


@SLOW
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=8), st.integers(0, 2))
def test_without_overlaps_keeps_what_spacy_keeps_and_what_is_first(places, number):
    doc = Doc(NLP.vocab, words=list("abcdefghijklmno"))
    spans = [Span(doc, start, start + length, label=f"L{i}") for i, (start, length) in enumerate(places)]
    first = filter_spans(spans[:number])
    kept, dropped = without_overlaps(spans, first)
    assert len(kept) + len(dropped) == len(spans) + len(first)
    assert kept == sorted(kept, key=lambda span: span.start)
    taken = [token.i for span in kept for token in span]
    assert len(taken) == len(set(taken))
    assert all(any(span is one for one in kept) for span in first)
    assert all(not set(range(span.start, span.end)).isdisjoint(taken) for span in dropped)
    if not first:
        assert kept == filter_spans(spans)


def test_spans_scores_are_those_of_groups_that_go_with_the_entities():
    doc = Doc(NLP.vocab, words=["Anna", "Berg", "here"])
    person, other = Span(doc, 0, 2, label="PER"), Span(doc, 2, 3, label="LOC")
    own = {"scores": [0.9], ENTS_GROUP: True}
    doc.spans["a"] = SpanGroup(doc, spans=[person], attrs=own)
    doc.spans["b"] = SpanGroup(doc, spans=[person, other], attrs={"scores": [0.1, 0.2]})
    doc.spans["c"] = SpanGroup(doc, spans=[other], attrs={"scores": []})
    assert span_scores(doc) == {(0, 2, person.label): 0.9, (2, 3, other.label): 0.2}


def test_spans_scores_of_merged_tokens_are_none():
    doc = Doc(NLP.vocab, words=["in", "Anna", "Berg"])
    span = Span(doc, 1, 3, label="PER")
    doc.spans["a"] = SpanGroup(doc, spans=[span], attrs={"scores": [0.9], ENTS_GROUP: True})
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[1:3])
    assert span_scores(doc) == {}


def test_spans_blocked_tokens_are_o(nlp):
    doc = Doc(nlp.vocab, words=["Anna", "Berg", "in", "Oslo"])
    doc.set_ents([Span(doc, 3, 4, label="LOC")], blocked=[doc[0:2]], default="missing")
    assert doc_to_tags(doc) == ["O", "O", "-", "B-LOC"]
    assert is_blocked(doc).tolist() == [True, True, False, False]
    assert is_blocked(Doc(nlp.vocab)).tolist() == []
