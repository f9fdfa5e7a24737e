"""Excel workbooks as openpyxl and pandas write them."""

import sys

import openpyxl
import pandas as pd
import pytest

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.tables.excel import EXCEL
from spacy_ner_plus.errors import UserError
from tests.data.formats.reading import ents, read_file

PER, LUND = ("Rosa Quint", "PER"), ("Lund", "LOC")
HEADER = ["Sentence #", "Word", "POS", "Tag"]
ROWS = [
    [1, "Rosa", "NNP", "B-PER"],
    [None, "Quint", "NNP", "I-PER"],
    [None, 7, "CD", "O"],
    [2.0, "Lund", "NNP", "B-LOC"],
]
MOVED = "Rosa Quint moved to Lund."
SPANS = [["text", "start", "end", "label"], [MOVED, 0, 10, "PER"], [MOVED, 20, 24.0, "LOC"]]
LISTS = [["tokens", "tags"], ["['Rosa', 'Quint', 'left']", "['B-PER', 'I-PER', 'O']"]]


def workbook(tmp_path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = tmp_path / "a.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("rows", "spans"),
    [([HEADER, *ROWS], [[PER], [LUND]]), (SPANS, [[PER, LUND]]), (LISTS, [[PER]])],
    ids=["tokens", "spans", "lists"],
)
def test_excel_reads_the_shapes_of_tables(rows, spans, tmp_path):
    path = workbook(tmp_path, data=rows)
    assert find_sources([str(path)], "auto", "utf-8", [])[0].format is EXCEL
    found = read_file(EXCEL, path)
    assert [ents(doc) for doc in found.docs] == spans
    assert len(found.issues) == 0


def test_excel_reads_numbers_as_they_are_shown(tmp_path):
    found = read_file(EXCEL, workbook(tmp_path, data=[HEADER, *ROWS]))
    assert [token.text for token in found.docs[0]] == ["Rosa", "Quint", "7"]


def test_excel_reads_what_pandas_writes(tmp_path):
    frame = pd.DataFrame(
        {"sentence_id": [0, 0, 1], "words": ["Rosa", "Quint", "Lund"], "labels": ["B-PER", "I-PER", "B-LOC"]}
    )
    frame.to_excel(tmp_path / "a.xlsx")
    found = read_file(EXCEL, tmp_path / "a.xlsx")
    assert [ents(doc) for doc in found.docs] == [[PER], [LUND]]


def test_excel_reads_one_sheet(tmp_path):
    path = workbook(
        tmp_path, about=[["a corpus"]], train=[HEADER, *ROWS], test=[HEADER, [1, "Lund", "NNP", "B-LOC"]]
    )
    found = read_file(EXCEL, path)
    assert [ents(doc) for doc in found.docs] == [[PER], [LUND]]
    assert any("others: about, test" in note for note in found.notes)
    assert [ents(doc) for doc in read_file(EXCEL, path, sheet="test").docs] == [[LUND]]


@pytest.mark.parametrize(
    ("sheets", "options", "message"),
    [
        ({"a": [HEADER, *ROWS]}, {"sheet": "b"}, "E162.*'b'; it has: a"),
        ({"a": [["x", "y"], [1, 2]]}, {}, r"E193.*\[a\].*first line has: x, y"),
        ({"a": [["x"]]}, {}, "E193"),
        ({"a": [HEADER, [1, "Rosa", "NNP", "B-PER", "more"]]}, {}, "E194.*:2.*5 cells"),
    ],
)
def test_excel_says_what_it_misses(sheets, options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read_file(EXCEL, workbook(tmp_path, **sheets), **options)


def test_excel_refuses_what_is_no_workbook(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(UserError, match=r"E101.*no Excel workbook"):
        read_file(EXCEL, tmp_path / "a.xlsx")


def test_excel_names_the_extra_without_openpyxl(tmp_path, monkeypatch):
    path = workbook(tmp_path, data=[HEADER, *ROWS])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UserError, match=r"E540.*\[excel\]"):
        read_file(EXCEL, path)
