"""How sources spell their tags."""

import pytest

from spacy_ner_plus.data.records.schemes import TagReader, split_cells
from spacy_ner_plus.data.records.spellings import PLAIN, find_spelling
from spacy_ner_plus.issues import IssueLog


@pytest.mark.parametrize(
    ("cells", "kind", "plain"),
    [
        ("B-PER I-PER O", "prefix", "B-PER I-PER O"),
        ("B_PER I_PER O _ -", "prefix", "B_PER I_PER O _ -"),
        ("b-per i-per O", "lower", "B-per I-per O"),
        ("b-per e-per s-loc b-loc o", "lower", "B-per E-per S-loc B-loc O"),
        # 'mail' is no label of the others.
        ("b-per i-per e-mail O", "lower", None),
        ("PER-B PER-I O LOC_B", "suffix", "B-PER I-PER O B-LOC"),
        ("PERSON PERSON O LOCATION", "labels", "I-PERSON I-PERSON O I-LOCATION"),
        ("person e-mail O O", "labels", "I-person I-e-mail O O"),
        ("B-PER 0 0", "prefix", "B-PER O O"),
        ("PER-B 0 0", "suffix", "B-PER O O"),
        ("B-PER|B-ART O", "prefix", "B-PER|B-ART O"),
        ("B-PER,B-ART O", "prefix", "B-PER|B-ART O"),
        ("B-PER/B-ART B-work/art O", "prefix", "B-PER|B-ART B-work/art O"),
        ("O O", "prefix", "O O"),
    ],
)
def test_spellings_are_found_and_written_plainly(cells, kind, plain):
    spelling = find_spelling(cells.split() * 3)
    assert spelling.kind == kind
    if plain is None:
        assert spelling.plain("e-mail") == "e-mail"
        assert not spelling.is_tag("e-mail")
    else:
        assert " ".join(map(spelling.plain, cells.split())) == plain
        assert all(map(spelling.is_tag, set(cells.split()) - {"_", "-"}))


@pytest.mark.parametrize(
    "cells",
    [
        "NN VB NNP",
        "NOUN VERB O NOUN PROPN",
        "N O V O ! N",  # Gimpel's parts of speech, in which O is a pronoun
        "0 0 0",
        "0 1 0 2",
        "0.5 0.7",
        "PER LOC",
        "one two three four O five six seven",
        "_ - _",
        "",
    ],
)
def test_spellings_refuse_what_are_no_tags(cells):
    assert find_spelling(cells.split()) is None


def test_spellings_take_a_label_and_a_mark_for_outside():
    bare = find_spelling(["B", "I", "O"], label="DISEASE")
    assert [bare.plain(tag) for tag in ("B", "I", "O", "x")] == ["B-DISEASE", "I-DISEASE", "O", "x"]
    assert find_spelling(["PER", "OTHER", "OTHER"], outside="OTHER").plain("OTHER") == "O"


def test_spellings_say_what_is_unusual():
    assert str(PLAIN) == ""
    assert "'0' read as O" in str(find_spelling(["B-PER", "0"]))


def test_spellings_of_labels_are_the_scheme_io():
    issues = IssueLog()
    reader = TagReader("auto", issues, find_spelling(["PER", "PER", "O"]))
    assert reader.read_layers(["PER", "PER", "O", "LOC"], str) == [["B-PER", "I-PER", "O", "B-LOC"]]
    reader.count_repairs()
    assert reader.scheme == "IO"
    assert not issues.kinds


@pytest.mark.parametrize(
    ("cells", "layers"),
    [
        ("B-PER|B-ART I-PER|I-ART O", ["B-PER I-PER O", "B-ART I-ART O"]),
        ("B-PER|B-ART I-ART", ["B-PER O", "B-ART I-ART"]),
        ("B-ORG|O I-ORG|B-LOC O|O", ["B-ORG I-ORG O", "O B-LOC O"]),
        ("B-PER B-ART|I-PER I-ART", ["B-PER I-PER O", "O B-ART I-ART"]),
        ("O|B-PER O", ["B-PER O"]),
        ("B-a|b I-a|b", ["B-a|b I-a|b"]),
        ("B-A|B-B|B-C _", ["B-A _", "B-B O", "B-C O"]),
    ],
)
def test_cells_of_several_tags_become_layers(cells, layers):
    assert split_cells(cells.split()) == [layer.split() for layer in layers]
