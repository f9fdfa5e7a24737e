"""Chunks: the whole Doc in stretches under the budget, and what was found in them without doubles."""

from itertools import pairwise
from typing import NamedTuple

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.chunks import CUT, TOO_LONG, chunk_doc, halve, merge_chunks
from spacy_ner_plus.issues import IssueLog

NLP = spacy.blank("en")
MANY = settings(max_examples=150, deadline=None)


class Found(NamedTuple):
    start: int
    end: int
    label: str


def count(text):
    return len(text.split())


def count_characters(text):
    return -(-len(text) // 3)


def texts(doc, chunks):
    return [doc.text[start:end] for start, end in chunks]


@st.composite
def docs(draw):
    words = draw(
        st.lists(st.sampled_from(["a", "Rome", ".", "!", '"', "\n", "longish", "U.S."]), max_size=40)
    )
    spaces = draw(st.lists(st.booleans(), min_size=len(words), max_size=len(words)))
    starts = None
    if words and draw(st.booleans()):
        starts = [True, *draw(st.lists(st.booleans(), min_size=len(words) - 1, max_size=len(words) - 1))]
    return Doc(NLP.vocab, words=words, spaces=spaces, sent_starts=starts)


def test_chunks_of_a_short_doc_are_the_doc():
    doc = NLP("Ann left. Bo stayed.")
    assert chunk_doc(doc, budget=10, count_tokens=count, overlap=0) == [(0, len(doc.text))]


def test_chunks_end_where_sentences_end():
    doc = NLP("Ann left Rome. Bo stayed. Cy said nothing. Di did.")
    chunks = chunk_doc(doc, budget=5, count_tokens=count, overlap=0)
    assert texts(doc, chunks) == ["Ann left Rome. Bo stayed.", "Cy said nothing. Di did."]


def test_chunks_keep_closing_quotes_with_their_sentence():
    doc = NLP('"Ann left Rome." "Bo stayed (or not?)" Cy said so.')
    chunks = chunk_doc(doc, budget=4, count_tokens=count, overlap=0)
    assert texts(doc, chunks) == ['"Ann left Rome."', '"Bo stayed (or not?)"', "Cy said so."]


def test_chunks_break_at_lines():
    doc = NLP("Ann left\nBo stayed\nCy said")
    chunks = chunk_doc(doc, budget=3, count_tokens=count, overlap=0)
    assert texts(doc, chunks) == ["Ann left", "Bo stayed", "Cy said"]


def test_chunks_use_sentences_of_the_doc():
    doc = Doc(NLP.vocab, words=["a", "b", "c", "d"], sent_starts=[True, False, False, True])
    chunks = chunk_doc(doc, budget=3, count_tokens=count, overlap=0)
    assert texts(doc, chunks) == ["a b c", "d"]


def test_chunks_share_whole_sentences():
    doc = NLP("Ann left Rome. Bo stayed. Cy said nothing. Di did.")
    chunks = chunk_doc(doc, budget=6, count_tokens=count, overlap=3)
    assert texts(doc, chunks) == [
        "Ann left Rome. Bo stayed.",
        "Bo stayed. Cy said nothing.",
        "Cy said nothing. Di did.",
    ]


def test_chunks_share_nothing_where_a_sentence_is_longer_than_the_overlap():
    doc = NLP("Ann left Rome. Bo stayed.")
    chunks = chunk_doc(doc, budget=4, count_tokens=count, overlap=2)
    assert texts(doc, chunks) == ["Ann left Rome.", "Bo stayed."]


def test_chunks_cut_a_sentence_over_the_budget_between_tokens_and_count_it():
    doc = NLP(" ".join(["word"] * 25) + " end.")
    issues = IssueLog()
    chunks = chunk_doc(doc, budget=10, count_tokens=count, overlap=4, issues=issues)
    assert issues[CUT] == 1
    assert all(count(text) <= 10 for text in texts(doc, chunks))
    assert all(start <= before[1] for before, (start, _) in pairwise(chunks))


def test_chunks_leave_a_token_over_the_budget_whole_and_count_it():
    doc = Doc(NLP.vocab, words=["a", "x" * 90, "b"])
    issues = IssueLog()
    chunks = chunk_doc(doc, budget=10, count_tokens=count_characters, overlap=0, issues=issues)
    assert "x" * 90 in texts(doc, chunks)
    assert issues[TOO_LONG] == 1


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_chunks_of_a_doc_without_words_are_none(text):
    assert chunk_doc(NLP(text), budget=10, count_tokens=count, overlap=2) == []


@MANY
@given(docs(), st.integers(1, 20), st.integers(0, 10), st.sampled_from([count, count_characters]))
def test_chunks_hold_all_words_within_the_budget(doc, budget, overlap, count_tokens):
    issues = IssueLog()
    chunks = chunk_doc(doc, budget=budget, count_tokens=count_tokens, overlap=overlap, issues=issues)
    inside = {i for start, end in chunks for i in range(start, end)}
    for token in doc:
        if not token.is_space:
            assert inside.issuperset(range(token.idx, token.idx + len(token)))
    starts, ends = {token.idx for token in doc}, {token.idx + len(token) for token in doc}
    for start, end in chunks:
        assert start in starts
        assert end in ends
    assert [start for start, _ in chunks] == sorted({start for start, _ in chunks})
    assert [end for _, end in chunks] == sorted({end for _, end in chunks})
    over = [text for text in texts(doc, chunks) if count_tokens(text) > budget]
    assert len(over) <= issues[TOO_LONG]


def test_chunks_merged_have_no_doubles():
    doc = Doc(NLP.vocab, words=list("abcdefgh"))
    chunks = [(0, 9), (6, 15)]
    found = [[Found(0, 1, "X"), Found(4, 5, "X")], [Found(4, 5, "X"), Found(6, 7, "X")]]
    assert merge_chunks(doc, chunks, found) == [Found(0, 1, "X"), Found(4, 5, "X"), Found(6, 7, "X")]


def test_chunks_merged_follow_the_one_that_saw_more():
    doc = Doc(NLP.vocab, words=list("abcdefghij"))
    # The chunks share tokens 2 to 7.
    chunks = [(0, 15), (4, 19)]
    early, late = Found(3, 4, "X"), Found(6, 7, "X")
    assert merge_chunks(doc, chunks, [[early, late], []]) == [early]
    assert merge_chunks(doc, chunks, [[], [early, late]]) == [late]
    assert merge_chunks(doc, chunks, [[early], [late]]) == [early, late]
    other = Found(3, 4, "Y")
    assert merge_chunks(doc, chunks, [[early], [other]]) == [early]


def test_chunks_merged_without_a_reply_decide_nothing():
    doc = Doc(NLP.vocab, words=list("abcdefghij"))
    late = Found(6, 7, "X")
    assert merge_chunks(doc, [(0, 15), (4, 19)], [[late], None]) == [late]


def test_chunks_merged_ends_of_the_doc_are_no_cuts():
    doc = Doc(NLP.vocab, words=list("abcdef"))
    # The first token of the second chunk is nearer to the Doc's end than to the cut.
    chunks = [(0, 7), (6, 11)]
    span = Found(3, 4, "X")
    assert merge_chunks(doc, chunks, [[span], []]) == [span]
    assert merge_chunks(doc, chunks, [[], [span]]) == []


@MANY
@given(docs(), st.integers(2, 12), st.integers(0, 8), st.data())
def test_chunks_merged_equal_what_each_chunk_would_find(doc, budget, overlap, data):
    chunks = chunk_doc(doc, budget=budget, count_tokens=count, overlap=overlap)
    words = [token.i for token in doc if not token.is_space]
    gold = (
        sorted(Found(i, i + 1, "X") for i in data.draw(st.sets(st.sampled_from(words))) if words)
        if words
        else []
    )
    found = [
        [span for span in gold if start <= doc[span.start].idx and doc[span.start].idx < end]
        for start, end in chunks
    ]
    assert merge_chunks(doc, chunks, found) == gold


@MANY
@given(docs(), st.integers(0, 8))
def test_chunks_halved_share_a_little_and_lose_no_word(doc, overlap):
    words = [token for token in doc if not token.is_space]
    halves = halve(doc, (0, len(doc.text)), overlap=overlap)
    if len(words) < 2:
        assert halves == [(0, len(doc.text))]
        return
    (start, end), (second, last) = halves
    assert start == words[0].idx < second
    assert end < last == words[-1].idx + len(words[-1])
    for token in words:
        assert start <= token.idx < end or second <= token.idx < last
    shared = [token for token in words if second <= token.idx < end]
    assert len(shared) <= len(words) // 4


def test_chunks_halved_between_sentences_where_one_ends_near_the_middle():
    doc = NLP("Ann left Rome for good. Bo stayed. Cy said nothing about all that.")
    assert texts(doc, halve(doc, (0, len(doc.text)), overlap=0)) == [
        "Ann left Rome for good. Bo stayed.",
        "Cy said nothing about all that.",
    ]


def test_chunks_halved_within_a_sentence_share_some_of_it():
    doc = NLP(" ".join(f"w{number}" for number in range(80)))
    first, second = texts(doc, halve(doc, (0, len(doc.text)), overlap=0))
    assert first.split()[-16:] == second.split()[:16]
