"""Which scheme a file uses, and what it counts as a repair."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.data.records.schemes import TagReader
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.spans import TokenSpan, spans_to_tags, tags_to_spans


def encode(spans, length, scheme):
    tags = spans_to_tags(spans, length)
    if scheme == "IOB2":
        return tags
    starts = {span.start for span in spans}
    ends = {span.end: span.label for span in spans}
    last, single = {"BILUO": "LU", "IOBES": "ES", "BMES": "ES", "IOB1": "  "}[scheme]
    for span in spans:
        if scheme == "IOB1":
            if ends.get(span.start) != span.label:
                tags[span.start] = f"I-{span.label}"
            continue
        if scheme == "BMES":
            for i in range(span.start + 1, span.end):
                tags[i] = f"M-{span.label}"
        tags[span.end - 1] = f"{last}-{span.label}"
        if span.end - 1 in starts:
            tags[span.start] = f"{single}-{span.label}"
    return tags


@st.composite
def sentences(draw):
    length = draw(st.integers(1, 15))
    spans, at = [], 0
    while at < length:
        end = min(length, at + draw(st.integers(1, 5)))
        if draw(st.booleans()):
            spans.append(TokenSpan(at, end, draw(st.sampled_from(["A", "B", "L-X"]))))
        at = end
    return spans, length


@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BILUO", "IOBES", "BMES"])
@settings(max_examples=80, deadline=None)
@given(corpus=st.lists(sentences(), min_size=1, max_size=5))
def test_schemes_read_alike_whatever_the_scheme(scheme, corpus):
    issues = IssueLog()
    detected = TagReader("auto", IssueLog())
    given_one = TagReader(scheme, issues)
    for spans, length in corpus:
        tags = encode(spans, length, scheme)
        for reader in (detected, given_one):
            assert tags_to_spans(reader.read(tags, str)) == spans
    given_one.count_repairs()
    assert not issues.kinds


@pytest.mark.parametrize(
    ("sentence", "scheme"),
    [
        ("I-A I-A O I-A B-A", "IOB1"),
        ("I-A I-B", "IOB1"),
        ("B-A I-A O B-A", "IOB2"),
        ("B-A I-A O B-A O I-A", "IOB2"),
        ("B-A L-A", "BILUO"),
        ("U-A O", "BILUO"),
        ("S-A O", "IOBES"),
        ("B-A M-A E-A", "BMES"),
        ("B-A I-A B-A B-A S-A", "IOB2"),
        ("O O", "IOB2"),
    ],
)
def test_schemes_are_detected(sentence, scheme):
    reader = TagReader("auto", IssueLog())
    reader.read(sentence.split(), str)
    assert reader.scheme == scheme


@pytest.mark.parametrize(
    ("sentence", "scheme", "kind"),
    [
        ("I-A", "IOB2", "I- that opens an entity"),
        ("B-A I-B", "IOB2", "I- that opens an entity"),
        ("B-A", "IOB1", "B- that follows no entity of its label"),
        ("L-A", "BILUO", "L- that opens an entity"),
        ("U-A L-A", "BILUO", "L- that opens an entity"),
        ("B-A O", "BILUO", "entity without its end"),
        ("B-A B-A L-A", "BILUO", "entity without its end"),
        ("B-A", "IOBES", "entity without its end"),
        ("U-A", "IOB2", "prefix that IOB2 does not have"),
        ("B-", "IOB2", "invalid tag"),
        ("A", "IOB2", "invalid tag"),
    ],
)
def test_schemes_count_one_repair(sentence, scheme, kind):
    issues = IssueLog()
    reader = TagReader(scheme, issues)
    reader.read(sentence.split(), lambda i: f"f:{i}")
    reader.count_repairs()
    assert {name: issue.count for name, issue in issues} == {kind: 1}
    assert issues.kinds[kind].where.startswith("f:")


def test_schemes_end_an_entity_at_missing_annotation():
    assert TagReader("IOB2", IssueLog()).read(["B-A", "_", "I-A"], str) == ["B-A", "", "B-A"]
