import pytest
import spacy

from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.workflows.arguments.plain_texts import is_plain
from spacy_ner_plus.workflows.arguments.sources import read_texts
from spacy_ner_plus.workflows.progress import no_progress

NLP = spacy.blank("en")


def read(*paths, format="auto"):
    log = {"issues": IssueLog(), "notes": [], "progress": no_progress, "encoding": "utf-8", "written": []}
    return list(read_texts([str(path) for path in paths], NLP, format=format, options={}, **log))


def test_plain_texts_stand_on_lines(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("Anna left.\n\n  Oslo \n")
    assert [(record.text, record.where) for record in read(path)] == [
        ("Anna left.", f"{path}:1"),
        ("  Oslo ", f"{path}:3"),
    ]


def test_plain_texts_stand_in_a_column_of_a_table(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text('id;Text;source\n7;"Anna; left\nOslo.";news\n8;Bob.;mail\n')
    first, second = read(path)
    assert (first.text, first.id, first.meta, first.where) == (
        "Anna; left\nOslo.",
        "7",
        {"source": "news"},
        f"{path}:2",
    )
    assert (second.text, second.where) == ("Bob.", f"{path}:4")
    assert first.doc.user_data["record"]["meta"] == {"source": "news"}
    assert not first.doc.has_annotation("ENT_IOB")
    path.write_text("text\nAnna left.\n")
    assert [record.text for record in read(path)] == ["Anna left."]


def test_plain_texts_of_a_folder_are_those_of_its_files(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b.txt").write_text("Bob.\n")
    (tmp_path / "a.tsv").write_text("text\tn\nAnna.\t1\n")
    (tmp_path / "README.md").write_text("Not read\n")
    assert [record.text for record in read(tmp_path, format="text")] == ["Anna.", "Bob."]


def test_plain_texts_are_no_tables_without_a_column_of_texts(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("a,b\n1,2\n")
    assert not is_plain(Source(str(path)))
    with pytest.raises(UserError, match="E112"):
        read(path)
    path.write_text("text,b\nAnna\n")
    with pytest.raises(UserError, match=r"E677.*:2: the row has 1 cells"):
        read(path)
