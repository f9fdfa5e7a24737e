import csv
import json
import re

import pytest
from spacy.language import Language
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from tests.workflows.own_code import own_pipeline, write_code


@Language.component("cli_fails_on_bad")
def fails_on_bad(doc):
    if "bad" in doc.text:
        raise ValueError("bad text")
    return doc


@pytest.fixture
def ruler(nlp):
    patterns = [{"label": "PER", "pattern": "Anna Smith"}, {"label": "LOC", "pattern": "Oslo"}]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    return nlp


@pytest.fixture
def pipeline(ruler, tmp_path):
    ruler.to_disk(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


def run(*arguments, text=None):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)], input=text)
    assert not result.exception or result.stderr.startswith("Error: [E"), result.exception
    return result


def rows(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_predict_writes_jsonl_of_pasted_text(pipeline):
    result = run(pipeline, "--text", "Anna Smith is in Oslo", "--text", "x", "--format", "jsonl")
    assert rows(result) == [
        {
            "text": "Anna Smith is in Oslo",
            "ents": [
                {"start": 0, "end": 10, "label": "PER", "text": "Anna Smith"},
                {"start": 17, "end": 21, "label": "LOC", "text": "Oslo"},
            ],
        },
        {"text": "x", "ents": []},
    ]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8", "utf_8"])
@pytest.mark.parametrize(("name", "head"), [("a.csv", "id;text\r\n1;"), ("a.txt", "")])
def test_predict_reads_files_as_office_programs_write_them(pipeline, tmp_path, name, head, encoding):
    marked = "utf-8-sig" if encoding.startswith("utf_8") else encoding
    (tmp_path / name).write_bytes(f"{head}Zo\u00eb fliegt f\u00fcr 5 \u20ac\r\n".encode(marked))
    (found,) = rows(run(pipeline, tmp_path / name, "--encoding", encoding, "--format", "jsonl"))
    assert found["text"] == "Zo\u00eb fliegt f\u00fcr 5 \u20ac"


@pytest.mark.parametrize("dash", [(), ("-",)])
def test_predict_reads_stdin_a_text_a_line(pipeline, dash):
    result = run(pipeline, *dash, "--format", "jsonl", text="Oslo\n\n  \nin Oslo ü\n")
    assert [row["text"] for row in rows(result)] == ["Oslo", "in Oslo ü"]


def test_predict_reads_files_by_line_or_whole(pipeline, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfOslo\r\nin Oslo\r\n")
    assert [row["text"] for row in rows(run(pipeline, path, "--format", "jsonl"))] == ["Oslo", "in Oslo"]
    whole = rows(run(pipeline, path, "--whole", "--format", "jsonl"))
    assert [(row["text"], len(row["ents"])) for row in whole] == [("Oslo\nin Oslo", 2)]


def test_predict_keeps_other_keys_of_jsonl(pipeline, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 7, "text": "Oslo", "ents": "old"}\n\n{"text": ""}\n', encoding="utf8")
    result = run(pipeline, path, "--format", "jsonl")
    assert rows(result)[0] == {
        "id": 7,
        "text": "Oslo",
        "ents": [{"start": 0, "end": 4, "label": "LOC", "text": "Oslo"}],
    }
    assert rows(result)[1] == {"text": "", "ents": []}
    assert "1 x record that had 'ents' already" in result.stderr


def test_predict_reads_stdin_as_jsonl_if_told(pipeline):
    result = run(pipeline, "--input-format", "jsonl", "--format", "jsonl", text='{"text": "Oslo", "n": 1}\n')
    assert rows(result)[0]["n"] == 1


def test_predict_runs_transformer_ner(trained_folder):
    text = "Anna Berg lives in Oslo and works for Acme Corp ."
    result = run(trained_folder, "--text", text, "--format", "jsonl")
    assert [entity["text"] for entity in rows(result)[0]["ents"]] == ["Anna Berg", "Oslo", "Acme Corp"]


def test_predict_keeps_the_order_when_a_text_fails(ruler, tmp_path):
    ruler.add_pipe("cli_fails_on_bad", first=True)
    ruler.to_disk(tmp_path / "pipeline")
    text = "bad\nOslo\nbad\nOslo 2\n"
    result = run(tmp_path / "pipeline", "--format", "jsonl", "--batch-size", 2, text=text)
    assert [(row["text"], row["ents"] is None) for row in rows(result)] == [
        ("bad", True),
        ("Oslo", False),
        ("bad", True),
        ("Oslo 2", False),
    ]
    assert "bad text" in rows(result)[0]["error"]
    assert "2 x text on which the pipeline failed" in result.stderr
    table = run(tmp_path / "pipeline", text="bad\nOslo\n").stdout.splitlines()
    assert table[1].split() == ["1", "failed", "cli_fails_on_bad:", "bad", "text"]


def test_predict_uses_several_processes(pipeline):
    text = "\n".join(f"Oslo {i}" for i in range(20))
    result = run(pipeline, "--n-process", 2, "--batch-size", 5, "--format", "jsonl", text=text)
    assert [row["text"] for row in rows(result)] == text.split("\n")


def test_predict_prints_a_table_with_context(pipeline):
    text = "x " * 100 + "Oslo [red] " + "y " * 100 + "\nnothing\n"
    lines = run(pipeline, text=text).stdout.splitlines()
    assert lines[0].split() == ["Text", "Entity", "Label", "Offsets", "Score", "Context"]
    assert lines[1].split()[:4] == ["1", "Oslo", "LOC", "200-204"]
    assert "x Oslo [red] y" in lines[1]
    assert lines[1].rstrip().endswith("…")
    assert lines[2].split() == ["2", "no", "entity", "nothing"]


def test_predict_writes_a_page(pipeline, tmp_path):
    result = run(pipeline, "--text", "<b> Oslo", "--format", "html", "--output", tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text(encoding="utf8")
    assert "&lt;b&gt;" in page
    assert '<mark class="entity"' in page
    assert "p.html" in result.stderr
    assert result.stdout == ""


def test_predict_leaves_no_half_written_file(pipeline, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "Oslo"}\n{"text": 1}\n', encoding="utf8")
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / "o.jsonl"
    result = run(pipeline, tmp_path / "a.jsonl", "--format", "jsonl", "--output", output)
    assert "E504" in result.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text": \n', (), r"a\.jsonl:2 is no JSON object"),
        ("a.jsonl", b'{"words": "x"}\n', (), r"a\.jsonl:1 .* it has no 'text'"),
        ("a.jsonl", b"[1]\n", (), r"a\.jsonl:1 .* of type list"),
        ("a.jsonl", b'{"text": "x", "n": [{"a": 1, "a": 2}]}\n', (), r"E504.*a\.jsonl:1 .*'a' twice"),
        ("a.jsonl", b'{"text": "x", "n": 1e400}\n', (), r"E504.*a\.jsonl:1 .*1e400 is too large"),
        ("a.jsonl", b"{}", ("--whole",), "E505"),
        ("a.txt", b"Oslo\n\xff\xfe\n", (), r"E103.*a\.txt.*utf-8.*--encoding"),
        ("a.txt", b"Oslo\n", ("--encoding", "utf-16"), r"E103.*a\.txt.*utf-16"),
        ("a.txt", b"Oslo\n", ("--encoding", "utf-99"), r"E129.*'utf-99'"),
        ("a.txt", b"Oslo\n", ("--encoding", "undefined"), r"E129.*'undefined'"),
        ("b.txt", None, (), r"E503.*b\.txt.*No such file"),
        ("a.txt", b"x", ("--format", "xml"), "E506.*'xml' is no --format.*table, jsonl, csv"),
        ("a.txt", b"x", ("--input-format", "xml"), "E506.*'xml' is no input_format"),
        ("a.jsonl", b'{"text": "x \\ud800"}\n', (), r"a\.jsonl:1 .*lone surrogate"),
        (
            "a.jsonl",
            b'{"text": "x"}\n',
            ("--text-column", "body"),
            r"E504.*under 'body'.*no 'body'.*--text-column",
        ),
        ("a.txt", b"x", ("--text-column", "body"), r"E785.*'body'"),
        ("a.csv", b"id,body\n1,x\n", (), r"E783.*no column of texts.*id, body.*--text-column"),
        ("a.csv", b"id,body\n1,x\n", ("--text-column", "Body"), r"E783.*no column 'Body'.*id, body"),
        ("a.csv", b"text,text\n1,x\n", (), r"E784.*'text' twice"),
        ("a.csv", b"", (), r"E783.*nothing"),
        ("a.csv", b"id,text\n1,x\n2,y,z\n", (), r"E677.*a\.csv:3.*3 cells, and the header 2"),
        ("a.csv", b'id,text\n1,x\n2,"y\n', (), r"E192.*a\.csv:3"),
        ("a.csv", b"text\nx\n", ("--whole",), "E505"),
        ("a.txt", b"x", ("--mask", "label"), r"E787.*table has no place"),
        ("a.txt", b"x", ("--batch-size", "0"), "E507"),
        ("a.txt", b"x", ("--override", "device"), "E502"),
    ],
)
def test_predict_refuses_wrong_input(pipeline, tmp_path, name, content, options, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run(pipeline, tmp_path / name, *options)
    assert result.exit_code == 1
    assert re.search(message, result.stderr), result.stderr


def test_predict_overwrites_no_text_that_it_reads(pipeline, tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("Anna Smith\n")
    assert "E320" in run(pipeline, path, "--output", path).stderr
    assert path.read_text() == "Anna Smith\n"


def test_predict_runs_code_of_the_users(tmp_path):
    code = write_code(tmp_path)
    result = run(own_pipeline(tmp_path, code), "--text", "Anna left", "--format", "jsonl", "--code", code)
    assert [ent["text"] for ent in rows(result)[0]["ents"]] == ["Anna"]


TABLE = 'id;body;note\n1;Anna Smith is in Oslo;"a; ""b"\n2;;\n3;"in\nOslo";x\n'


def test_predict_writes_the_table_that_it_reads_with_columns_more(pipeline, tmp_path):
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbf" + TABLE.encode())
    out = tmp_path / "out.csv"
    run(pipeline, tmp_path / "in.csv", "--text-column", "body", "--mask", "numbered", "--output", out)
    with out.open(encoding="utf8", newline="") as stream:
        header, *found = csv.reader(stream, delimiter=";")
    assert header == ["id", "body", "note", "ents", "masked", "error"]
    assert [row[:3] for row in found] == [
        ["1", "Anna Smith is in Oslo", 'a; "b'],
        ["2", "", ""],
        ["3", "in\nOslo", "x"],
    ]
    assert [[ent["label"] for ent in json.loads(row[3])] for row in found] == [["PER", "LOC"], [], ["LOC"]]
    assert [row[4:] for row in found] == [["[PER_1] is in [LOC_1]", ""], ["", ""], ["in\n[LOC_1]", ""]]
    # The whole is what it was, if it is read again.
    again = tmp_path / "again.csv"
    result = run(pipeline, out, "--text-column", "body", "--mask", "numbered", "--output", again)
    assert again.read_bytes() == out.read_bytes()
    assert "3 x record that had 'ents' already" in result.stderr


@pytest.mark.parametrize(
    ("name", "arguments", "delimiter"), [("a.tsv", (), "\t"), ("a.x", ("--format", "csv"), ",")]
)
def test_predict_writes_tables_of_lines(pipeline, tmp_path, name, arguments, delimiter):
    run(pipeline, "--text", "in Oslo", "--output", tmp_path / name, *arguments)
    with (tmp_path / name).open(encoding="utf8", newline="") as stream:
        header, row = csv.reader(stream, delimiter=delimiter)
    assert header == ["text", "ents", "error"]
    assert json.loads(row[1]) == [{"start": 3, "end": 7, "label": "LOC", "text": "Oslo"}]


def test_predict_writes_the_header_of_a_table_without_rows(pipeline):
    result = run(pipeline, "--input-format", "csv", "--format", "csv", text="id,text\r\n")
    assert result.stdout == "id,text,ents,error\n"


def test_predict_tables_are_corpora(pipeline, tmp_path):
    """`convert` finds the entities again."""
    from spacy_ner_plus import convert

    (tmp_path / "in.csv").write_text("text\nAnna Smith 😀 in Oslo\nnothing\n")
    run(pipeline, tmp_path / "in.csv", "--output", tmp_path / "out.csv")
    docs = convert(tmp_path / "out.csv").docs
    assert [[(ent.text, ent.label_) for ent in doc.ents] for doc in docs] == [
        [("Anna Smith", "PER"), ("Oslo", "LOC")],
        [],
    ]


def test_predict_loses_no_key_in_a_table(pipeline, tmp_path):
    lines = ['{"text": "x", "n": 1}', '{"text": "y"}', '{"text": "z", "m": 2}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines[:2]))
    result = run(pipeline, tmp_path / "a.jsonl", "--format", "csv")
    assert result.stdout == "text,n,ents,error\nx,1,[],\ny,,[],\n"
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    result = run(pipeline, tmp_path / "a.jsonl", "--output", tmp_path / "out.csv")
    assert "E782" in result.stderr
    assert "Text 3 has 'm'" in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_predict_prints_a_masked_letter(pipeline, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Anna Smith,\n\nOslo waits.\n")
    result = run(pipeline, tmp_path / "letter.txt", "--whole", "--mask", "label", "--format", "text")
    assert result.stdout == "Dear [PER],\n\n[LOC] waits.\n"
    (tmp_path / "a.jsonl").write_text('{"text": "in\\nOslo"}\n')
    result = run(pipeline, tmp_path / "a.jsonl", "--mask", "label", "--format", "text")
    assert "E787" in result.stderr
    assert "text 1 has several lines" in result.stderr
