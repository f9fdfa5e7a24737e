"""Tokens by their places, as words that make up the text again."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.data.records.words import words_between

NLP = spacy.blank("en")


@pytest.mark.parametrize(
    ("text", "bounds", "words"),
    [
        ("Ann left.", [(0, 3), (4, 8), (8, 9)], ["Ann", "left", "."]),
        ("Ann  left", [(0, 3), (5, 9)], ["Ann", " ", "left"]),
        ("Ann\nleft", [(0, 3), (4, 8)], ["Ann", "\n", "left"]),
        (" Ann ", [(1, 4)], [" ", "Ann"]),
        ("Ann was there \n now", [(0, 3), (8, 13)], ["Ann", "was", "there", "\n ", "now"]),
        ("", [], []),
    ],
)
def test_words_are_cut_as_spacy_does(text, bounds, words):
    found = words_between(text, bounds)
    assert found[0] == words
    assert Doc(NLP.vocab, *found).text == text


@pytest.mark.parametrize("bounds", [[(0, 4), (3, 5)], [(2, 2)], [(4, 9)], [(3, 5), (0, 2)], [(-1, 2)]])
def test_words_are_none_where_tokens_are_impossible(bounds):
    assert words_between("Ann left", bounds) is None


@settings(max_examples=100, deadline=None)
@given(st.text("ab \n\t", max_size=12), st.sets(st.integers(0, 12)))
def test_words_make_up_any_text(text, cuts):
    cuts = sorted(cut for cut in cuts if cut <= len(text))
    found = words_between(text, list(zip(cuts[::2], cuts[1::2], strict=False)))
    assert Doc(NLP.vocab, *found).text == text
