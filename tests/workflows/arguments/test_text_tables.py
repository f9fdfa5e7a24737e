import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.text_tables import BLANK, find_text_column, read_text_table


@pytest.mark.parametrize(
    ("header", "name", "delimiter", "text"),
    [
        ("id,text\n", None, ",", "text"),
        ("id;Text;note, short\n", None, ";", "Text"),
        ("id\tmessage\n", None, "\t", "message"),
        ("text\n", None, ",", "text"),
        ('"a","b, c"\n', "b, c", ",", "b, c"),
    ],
)
def test_text_tables_finds_the_column(header, name, delimiter, text):
    found = find_text_column(header, name)
    assert (found.delimiter, found.text) == (delimiter, text)


def test_text_tables_reads_rows_as_they_stand():
    lines = ["id,text\r\n", '1,"a\r\n', '""b"""\r\n', "\r\n", "2,\r\n"]
    found, rows = read_text_table(lines, "x.csv")
    assert found.columns == ("id", "text")
    assert list(rows) == [(2, {"id": "1", "text": 'a\r\n"b"'}), (5, {"id": "2", "text": ""})]


@pytest.mark.parametrize(("header", "code"), [("id,body", "E783"), ("text,a,a", "E784"), ("", "E783")])
def test_text_tables_says_which_columns_there_are(header, code):
    with pytest.raises(UserError, match=code):
        read_text_table([header] if header else [], "x.csv")


def test_text_tables_reads_names_over_several_lines():
    lines = ['id;"text\r\n', 'of ""it"""\r\n', "1;a\r\n"]
    found, rows = read_text_table(lines, "x.csv", 'text\r\nof "it"')
    assert (found.delimiter, found.columns) == (";", ("id", 'text\r\nof "it"'))
    assert list(rows) == [(3, {"id": "1", found.text: "a"})]
    # Quotes that nobody closes are told of as before.
    found, rows = read_text_table(['text,"a\n', "b,c\n"], "x.csv")
    with pytest.raises(UserError, match=r"E192.*x\.csv:1"):
        list(rows)


def test_text_tables_take_blank_lines_for_cells_of_one_column():
    """As all programs write an empty cell that has no others beside it."""
    issues = IssueLog()
    _, rows = read_text_table(
        ["text\n", "Anna\n", "\n", "\r\n", "Oslo\n", "\n", "\n"], "x.csv", issues=issues
    )
    assert [(number, row["text"]) for number, row in rows] == [(2, "Anna"), (3, ""), (4, ""), (5, "Oslo")]
    assert issues[BLANK] == 2


def test_text_tables_count_blank_rows():
    issues = IssueLog()
    _, rows = read_text_table(["id,text\n", "\n", "1,Anna\n", "\n"], "x.csv", issues=issues)
    assert [number for number, _ in rows] == [3]
    assert issues[BLANK] == 2
    assert issues.kinds[BLANK].where == "x.csv:2"


@pytest.mark.parametrize(
    "before", [["sep=;\r\n"], ['"sep=;"\n', "\n"], ["\ufeffSEP=;\n"], [" \r\n", "sep=;\n"]]
)
def test_text_tables_begin_with_their_header(before):
    found, rows = read_text_table([*before, "text;id,a,b\n", "Anna;1\n"], "x.csv", "text")
    assert (found.delimiter, found.columns) == (";", ("text", "id,a,b"))
    assert [number for number, _ in rows] == [len(before) + 2]


def test_text_tables_may_begin_with_blank_lines():
    found, rows = read_text_table(["\n", "\n", "text,id\n", "Anna,1\n"], "x.csv")
    assert (found.columns, list(rows)) == (("text", "id"), [(4, {"text": "Anna", "id": "1"})])
