"""Offset mapping: where the characters of a copy come from, whatever slips are before them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.alignment.offset_mapping import OffsetMapping

TEXT = "  Ann Lee left Rome.\nShe stayed (Rome is U.S.-based).  "


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_offset_mapping_of_a_whole_copy_moves_by_the_white_space_before_the_text(text):
    copy = text.strip()
    mapping = OffsetMapping(copy, text)
    assert mapping.share == 1.0
    found = [mapping.original(offset) for offset in range(len(copy))]
    assert [text[offset] for offset in found] == list(copy)


@pytest.mark.parametrize(
    "copy",
    [
        "ann lee left ROME. She stayed (rome is U.S. - based).",
        "Anna Lee has left Rome. She stayed (Rome is U.S.-based).",
        "Ann left Rome. She stayed (Rome is U.S.-based).",
    ],
)
def test_offset_mapping_isnt_shifted_by_slips(copy):
    mapping = OffsetMapping(copy, TEXT)
    assert mapping.original(copy.index("She")) == TEXT.index("She")
    assert mapping.original(copy.index("U.S.")) == TEXT.index("U.S.")
    assert mapping.share > 0.8


def test_offset_mapping_says_how_much_was_copied():
    assert OffsetMapping("Ann Lee left Rome.", TEXT).share < 0.5
    assert OffsetMapping("", TEXT).share == 0.0
    assert OffsetMapping("", "").share == 1.0
