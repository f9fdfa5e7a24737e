from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.utf16 import is_wide, utf16_offsets

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, st.integers(0, 100), st.integers(0, 100))
def test_utf16_counts_offsets_as_javascript_does(text, start, end):
    start, end = sorted((min(start, len(text)), min(end, len(text))))
    offsets = utf16_offsets(text)
    units = text.encode("utf-16-le")
    assert units[2 * offsets[start] : 2 * offsets[end]].decode("utf-16-le") == text[start:end]


@given(TEXTS)
def test_utf16_tells_where_code_points_are_counted_otherwise(text):
    assert is_wide(text) == (list(utf16_offsets(text)) != list(range(len(text) + 1)))
