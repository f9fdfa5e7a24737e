import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.letters import OtherSpace, without_space

spaces = st.text(" \n\t\u2028\xa0", max_size=2)


@given(st.lists(st.tuples(spaces, st.sampled_from("aé🚀"), spaces), max_size=6))
def test_other_space_finds_each_stretch_with_the_same_letters(parts):
    own = "".join(before + char for before, char, _ in parts)
    other = "".join(char + after for _, char, after in parts)
    assert without_space(own) == without_space(other)
    there = OtherSpace(own, other)
    for start in range(len(own) + 1):
        for end in range(start, len(own) + 1):
            found = there.bounds(start, end)
            text = "" if found is None else other[found[0] : found[1]]
            assert without_space(text) == without_space(own[start:end])
            assert text == text.strip()


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 4)])
def test_other_space_has_no_place_for_white_space_alone(start, end):
    assert OtherSpace("Ann left", "Annleft").bounds(start, end) is None
