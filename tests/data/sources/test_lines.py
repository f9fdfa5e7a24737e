"""Lines of files and streams, and one message where there are none."""

import io

import pytest

from spacy_ner_plus.data.sources.lines import FileLines, StreamLines
from spacy_ner_plus.errors import UserError


def lines_of(content, tmp_path, kind, encoding="utf-8"):
    if kind == "stream":
        return StreamLines(io.BytesIO(content), encoding)
    path = tmp_path / "f.txt"
    path.write_bytes(content)
    return FileLines(path, encoding)


KINDS = pytest.mark.parametrize("kind", ["file", "stream"])


@KINDS
@pytest.mark.parametrize("content", [b"a\nb\n", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb"])
def test_lines_come_without_marks_and_carriage_returns(content, tmp_path, kind):
    lines = lines_of(content, tmp_path, kind)
    assert [line.strip("\n") for line in lines] == ["a", "b"]
    assert lines.number == 2


@KINDS
def test_lines_can_be_peeked_at(tmp_path, kind):
    lines = lines_of(b"a\nb\nc\n", tmp_path, kind)
    assert lines.peek(2) == ["a\n", "b\n"]
    assert lines.peek(1) == ["a\n"]
    assert list(lines) == ["a\n", "b\n", "c\n"]


def test_lines_of_a_file_come_as_often_as_asked_for(tmp_path):
    lines = lines_of(b"a\n", tmp_path, "file")
    assert list(lines) == list(lines) == ["a\n"]


@KINDS
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b"a\0b\n", "is binary"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"PAR1\x15\x04", "parquet"),
        ("a\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_lines_refuse_what_is_no_text(content, message, tmp_path, kind):
    with pytest.raises(UserError, match=message):
        lines_of(content, tmp_path, kind)


@KINDS
def test_lines_name_the_line_that_does_not_decode(tmp_path, kind):
    lines = lines_of(b"ok O\n" * 5000 + b"M\xfcller B-PER\n" + b"ok O\n" * 5000, tmp_path, kind)
    with pytest.raises(UserError, match=r"(f\.txt|stdin):5001: this is not utf-8"):
        list(lines)


@KINDS
def test_lines_read_another_encoding(tmp_path, kind):
    assert list(lines_of(b"M\xfcller\n", tmp_path, kind, "latin-1")) == ["Müller\n"]


def test_lines_read_utf_16_files(tmp_path):
    assert list(lines_of("Müller\nü\n".encode("utf-16"), tmp_path, "file", "utf-16")) == ["Müller\n", "ü\n"]


@KINDS
def test_lines_refuse_an_unknown_encoding(tmp_path, kind):
    with pytest.raises(UserError, match="no encoding 'utf-9'"):
        lines_of(b"a", tmp_path, kind, "utf-9")


def test_lines_refuse_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        FileLines(tmp_path / "none.txt")


def test_lines_refuse_a_folder(tmp_path):
    with pytest.raises(UserError, match="directory"):
        FileLines(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_a_stream_are_those_of_the_file(tmp_path, encoding, end):
    content = end.join(["Zoë B-PER", "", "x O", ""] * 5000).encode(encoding)
    read = [
        [line.strip("\n") for line in lines_of(content, tmp_path, kind, encoding)]
        for kind in ("file", "stream")
    ]
    assert read[0] == read[1]
    assert read[0][:3] == ["Zoë B-PER", "", "x O"]
    assert len(read[0]) >= 19_999


@KINDS
def test_lines_without_the_mark_of_utf_16_are_refused_at_the_first(tmp_path, kind):
    with pytest.raises(UserError, match=r"E103.*:1: "):
        list(lines_of(b"fine\n" * 10_001, tmp_path, kind, "utf-16"))
