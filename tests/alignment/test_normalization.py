"""Normalisation: the same as of the whole text, with a way back for each character."""

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacy_ner_plus.alignment.normalization import SAME, Normalised, normalise

MANY = settings(max_examples=200, deadline=None)
# Letters that change their length or meet others when they are normalised.
ODD = st.text(
    st.sampled_from(
        "aZ .'\u2019\u201c-\u2013\u00a0\n\u00e9e\u0301\ufb01\u00dfI\u0130\u0131\u1100\u1161\u11a8"
    )
    | st.sampled_from("\uff76\uff9e\u200b\u00ad\u2026\u00b4\u00a8\u0660\U0001f600"),
    max_size=12,
)


@MANY
@given(st.text() | ODD)
@example("\u1100 \u1161")
@example("e\u200b\u0301")
def test_normalization_is_that_of_the_whole_text(text):
    visible = "".join(c for c in text.translate(SAME) if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold()).translate(SAME)
    words = folded.split()
    expected = "".join(words[:1])
    for word in words[1:]:
        expected += (" " if expected[-1].isalnum() and word[0].isalnum() else "") + word
    assert normalise(text) == expected
    assert Normalised(text).text == expected


@MANY
@given(st.text() | ODD)
def test_normalization_offsets_lead_back(text):
    normalised = Normalised(text)
    assert len(normalised.starts) == len(normalised.ends) == len(normalised.text)
    assert normalised.starts == sorted(normalised.starts)
    for i, character in enumerate(normalised.text):
        start, end = normalised.original(i, i + 1)
        assert 0 <= start < end <= len(text)
        assert character in normalise(text[start:end]) or (character == " " and text[start:end].isspace())
