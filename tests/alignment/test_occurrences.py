"""Occurrences: where a mention may stand, whole words before parts of words."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.alignment.occurrences import GAP, Occurrence, OccurrenceFinder, occurrences
from tests.alignment.docs import docs_with_gold, make_doc

MANY = settings(max_examples=200, deadline=None)


def texts_of(finder, found):
    return [finder.text[occurrence.start : occurrence.end] for occurrence in found]


def test_occurrences_of_words_come_before_parts_of_words():
    assert occurrences("Iranian Iran-based Iran", "Iran") == [8, 19, 0]


def test_occurrences_are_widened_to_tokens_unless_that_cuts_a_word():
    finder = OccurrenceFinder.of_doc(make_doc("the U.S.-based firm in the USA"))
    assert finder.exact("U.S.") == [Occurrence(4, 14, snapped=True, chars=(4, 8))]
    assert finder.exact("US") == []
    assert finder.token_indices(finder.exact("U.S.")[0]) == (1, 2)


@pytest.mark.parametrize(
    ("words", "settings", "expected"),
    [
        (["New", "York"], {}, ["New York", "NewYork"]),
        (["new", "york"], {"other_spelling": True}, ["New York", "NewYork", "NEW  YORK"]),
        (["New", "Ark"], {"gap": GAP}, ["New, Ark"]),
        (["New", "Ark"], {}, []),
        (["York"], {"gap": GAP}, ["York", "York"]),
        (["\u200b"], {"other_spelling": True}, []),
    ],
)
def test_occurrences_of_words_forgive_what_is_said_of_them(words, settings, expected):
    finder = OccurrenceFinder("New York, NewYork, NEW  YORK and New, Ark")
    assert texts_of(finder, finder.words(words, **settings)) == expected


@MANY
@given(
    st.text(st.sampled_from("aAb -."), max_size=20),
    st.lists(st.text(st.sampled_from("aAb-."), min_size=1, max_size=3), min_size=1, max_size=3),
    st.sampled_from([0, GAP]),
)
def test_occurrences_of_words_hold_just_these_words(text, words, gap):
    between = r"[^\w]{0,3}" if gap else r"\s*"
    finder = OccurrenceFinder(text)
    exact = finder.words(words, gap=gap)
    for found in texts_of(finder, exact):
        assert re.fullmatch(between.join(map(re.escape, words)), found)
    folded = {found.casefold() for found in texts_of(finder, finder.words(words, other_spelling=True))}
    assert {found.casefold() for found in texts_of(finder, finder.words(words))} <= folded


def test_occurrences_of_words_take_a_bounded_number_of_steps():
    # One dot may be any of the next four, which would be 4 to the power of 200 ways.
    finder = OccurrenceFinder("." * 400)
    assert finder.words(["."] * 200 + ["b"], gap=GAP) == ()
    assert finder.words(["."] * 200, gap=GAP)[0] == Occurrence(0, 200)
    words = ["a"] * 2000
    assert OccurrenceFinder("a " * 2000).words(words) == (Occurrence(0, 3999),)


@pytest.mark.parametrize(
    ("mention", "expected"), [("Us", ["US", "Us"]), ("US", ["US", "Us"]), ("us", ["US", "us", "Us"])]
)
def test_occurrences_in_lower_case_are_of_a_mention_in_lower_case(mention, expected):
    finder = OccurrenceFinder.of_doc(make_doc("The US told us : Us"))
    assert texts_of(finder, finder.without_lower_case(mention, finder.normalised(mention))) == expected


@MANY
@given(docs_with_gold(), st.data())
def test_occurrences_of_a_stretch_are_those_of_its_text(doc, data):
    first = data.draw(st.integers(0, len(doc) - 1))
    last = data.draw(st.integers(first + 1, len(doc)))
    span = doc[first:last]
    finder = OccurrenceFinder.of_doc(doc, span.start_char, span.end_char)
    assert finder.text == span.text
    assert finder.starts == [token.idx - span.start_char for token in span]
    assert finder.first == first
