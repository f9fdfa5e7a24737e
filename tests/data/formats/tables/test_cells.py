"""Lists in cells, as JSON, Python and numpy write them."""

import numpy as np
import pytest

from spacy_ner_plus.data.formats.tables.cells import looks_like_list, read_list

WORDS = ["Rosa", "it's", 'a "b"', "[", ",", "..."]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (repr(WORDS), WORDS),
        (str(np.array(WORDS)), WORDS),
        (str(np.array(WORDS * 30)), WORDS * 30),
        (repr(np.array(WORDS, dtype=object)), WORDS),
        (str(list(np.array(WORDS))), WORDS),
        ('["a", null, "\\u00e9"]', ["a", None, "é"]),
        ("['a' 'b']", ["a", "b"]),
        ("['a\\n' 'b']", ["a\n", "b"]),
        ("('a', 'b')", ["a", "b"]),
        ("[1 2 0]", [1, 2, 0]),
        ("[1. 0. nan]", [1.0, 0.0, None]),
        ("[[0 1]\n [2 3]]", [[0, 1], [2, 3]]),
        ("[B-PER, O, I-PER]", ["B-PER", "O", "I-PER"]),
        ("[None, 'a', nan]", [None, "a", None]),
        ("[(0, 4, 'PER')]", [[0, 4, "PER"]]),
        ("{'entities': [(0, 4, 'PER')]}", {"entities": [[0, 4, "PER"]]}),
        ("[{'start': 0, 'ok': True} {'start': 1}]", [{"start": 0, "ok": True}, {"start": 1}]),
        ("[]", []),
    ],
)
def test_cells_reads_what_python_and_numpy_write(cell, value):
    assert looks_like_list(cell)
    assert read_list(cell) == value


@pytest.mark.parametrize(
    "cell",
    [
        "['a' ... 'b']",
        "['a'",
        "['a",
        "[1 2",
        "['a'] b",
        "{'a'}",
        "[" * 2000 + "]" * 2000,
        "[__import__('os')",
    ],
)
def test_cells_refuses_what_is_cut_or_no_list(cell):
    with pytest.raises(ValueError, match=r"."):
        read_list(cell)


def test_cells_evaluates_nothing():
    assert read_list("[__import__('os').name]") != ["posix"]
