import tomllib

from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.learning.tensorzero.toml_values import toml_key, toml_table

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(TEXT, st.dictionaries(TEXT, VALUES, max_size=3))
def test_toml_values_are_read_as_they_were(name, values):
    read = tomllib.loads(toml_table(toml_key("a", name), {**values}))
    assert read == {"a": {name: values}}


def test_toml_values_leave_out_what_is_none():
    assert toml_table("a", {"b": None, "c": 1}) == "[a]\nc = 1"
