"""Which columns hold token and tag."""

import pytest

from spacy_ner_plus.data.formats.conll.columns import Layout, find_layout, split_line


def layout(text, **options):
    return find_layout(list(enumerate(text.split("\n"), start=1)), "f", **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EU NNP B-NP B-ORG\ncalls VBZ B-VP O", Layout(0, 3, 4)),
        ("EU\tB-ORG\ncalls\tO", Layout(0, 1, 2, tabs=True)),
        ("New York\tB-LOC\nis\tO", Layout(0, 1, 2, tabs=True)),
        ("EU NNP\tB-ORG\ncalls VBZ\tO", Layout(0, 2, 3)),
        ("1\tEU\tB-ORG\tO\n2\tcalls\tO\tO", Layout(1, 2, 4, tabs=True, indexed=True, inner=(3,))),
        ("0 EU B-ORG\n1 calls O\n\n0 Ann B-PER", Layout(1, 2, 3, indexed=True)),
        ("EU B-ORG 0.9\ncalls O 0.8", Layout(0, 1, 3)),
        ("EU B-ORG _\ncalls O _", Layout(0, 1, 3)),
        ("7 CD O\n8 CD O\n2 CD B-X", Layout(0, 2, 3)),
        ("#ner O\n# O", Layout(0, 1, 2)),
        ("EU\ncalls", Layout(0, None, 1)),
    ],
)
def test_columns_are_found(text, expected):
    assert layout(text) == expected


def test_columns_are_found_where_a_few_tags_are_none():
    assert layout("a O\n" * 20 + "b PER") == Layout(0, 1, 2)


@pytest.mark.parametrize(("column", "index"), [(1, 0), ("2", 1), (-1, 2), ("-3", 0)])
def test_columns_are_counted_from_either_end(column, index):
    assert layout("a b O", token_column=column).token == index


@pytest.mark.parametrize(
    ("line", "tabs", "columns"),
    [
        ("a  b \n", False, ["a", "b"]),
        ("a b\tc\r\n", True, ["a b", "c"]),
        ("a b\tc", False, ["a", "b", "c"]),
        ("a\t\tc", True, ["a", "", "c"]),
        ("a b", True, ["a", "b"]),
        ("a\u00a0b c", False, ["a\u00a0b", "c"]),
    ],
)
def test_columns_split(line, tabs, columns):
    assert split_line(line, tabs) == columns
