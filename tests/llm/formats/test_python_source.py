"""Labels and texts as Python source: what is written reads as what it was."""

import ast
import keyword

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.llm.formats.python_source import class_names, comment, docstring, python_string

MANY = settings(max_examples=80, deadline=None)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("PER", "PER"),
        ("work_of_art", "work_of_art"),
        ("work-of-art", "WorkOfArt"),
        ("programming language", "ProgrammingLanguage"),
        ("class", "Class"),
        ("None", "LabelNone"),
        ("result", "Result"),
        ("3D", "Label3D"),
        ("C++", "C"),
        ("★", "Label"),
        ("A·", "A"),
        ("ﬁ", "Fi"),
        ("人名", "人名"),
    ],
)
def test_python_source_names_classes_after_labels(label, name):
    assert class_names([label]) == {label: name}


def test_python_source_names_classes_apart():
    labels = ["work of art", "work-of-art", "WorkOfArt", "WorkOfArt2", "C++", "C#", "C"]
    names = ["WorkOfArt3", "WorkOfArt4", "WorkOfArt", "WorkOfArt2", "C2", "C3", "C"]
    assert list(class_names(labels).values()) == names


@MANY
@given(st.lists(TEXTS, unique=True, max_size=8))
def test_python_source_names_are_names_that_python_reads_as_they_are(labels):
    names = class_names(labels)
    assert list(names) == labels
    assert len(set(names.values())) == len(labels)
    for name in names.values():
        assert ast.parse(name).body[0].value.id == name
        assert not keyword.iskeyword(name)


@MANY
@given(TEXTS)
def test_python_source_comments_are_no_code(text):
    assert ast.parse(comment(text.replace("\0", ""))).body == []


@MANY
@given(TEXTS)
def test_python_source_strings_are_what_they_say(text):
    assert ast.literal_eval(python_string(text)) == text
    assert "\n" not in python_string(text)


@MANY
@given(
    st.text(
        st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from(['"', "\\", "\n", "'"]), max_size=20
    )
)
def test_python_source_docstrings_say_the_words_of_a_text(text):
    assert ast.literal_eval(docstring(text)).split() == text.split()
