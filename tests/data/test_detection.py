"""What a name stands for, and which format it has."""

import json
from importlib.metadata import EntryPoint

import pytest

from spacy_ner_plus.data.detection import find_sources
from spacy_ner_plus.data.formats.format import CERTAIN, Sniff
from spacy_ner_plus.data.formats.registered import get_format
from spacy_ner_plus.data.records.sentences import TokenOptions
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.format_names import format_points

CONLL = "Ann B-PER\nleft O\n"
OFFSETS = {"text": "Ann left", "spans": [{"start": 0, "end": 3, "label": "PER"}]}
DOCCANO = {"text": "Ann left", "label": [[0, 3, "PER"]]}
GLINER = {"tokenized_text": ["Ann"], "ner": [[0, 0, "PER"]]}
PAIRS = {"text": "Ann left", "labels": [["Ann", "B-PER"]]}


def find(path, format="auto", notes=None):
    return find_sources([str(path)], format, "utf-8", [] if notes is None else notes)


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.conll", CONLL, "conll"),
        ("a.iob", CONLL, "conll"),
        ("a.txt", CONLL, "conll"),
        ("a.tsv", CONLL.replace(" ", "\t"), "conll"),
        ("a", CONLL, "conll"),
        ("a.txt", "[ O\nAnn B-PER\n] O\n", "conll"),
        ("a.jsonl", json.dumps(OFFSETS), "jsonl"),
        ("a.jsonl", json.dumps(GLINER), "gliner"),
        ("a.jsonl", json.dumps(PAIRS), "bio-json"),
        ("a.jsonl", json.dumps({"text": "x"}), "jsonl"),
        (
            "a.jsonl",
            json.dumps({"text": "Ann", "entities": [{"token": "Ann", "label": "B-PER"}]}),
            "bio-json",
        ),
        ("a.json", json.dumps([PAIRS], indent=1), "bio-json"),
        ("a.json", json.dumps([DOCCANO], indent=1), "doccano"),
        ("a.json", json.dumps(["Ann left", {"entities": [[0, 3, "PER"]]}]) + "\n", "spacy-train"),
        ("a.json", json.dumps([["Ann left", {"entities": [[0, 3, "PER"]]}]]), "spacy-train"),
        ("a.json", json.dumps({"text": "x", "labels": []}), "jsonl"),
        ("a.txt", json.dumps(OFFSETS), "jsonl"),
        ("a.parquet", "x", "hub"),
        ("a.spacy", "x", "spacy"),
    ],
)
def test_sources_tell_the_format(name, content, format, tmp_path):
    path = tmp_path / name
    path.write_text(content)
    assert [source.format.name for source in find(path)] == [format]


@pytest.mark.parametrize("content", ["It was a dark night.\nAnd so on and on.\n", "a b\nc d\n", '{"x": 1}\n'])
def test_sources_say_where_the_format_cannot_be_told(content, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(content)
    with pytest.raises(UserError, match="Can't tell the format"):
        find(path)


def test_sources_take_the_format_that_is_given(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a b\n")
    assert find(path, "conll")[0].format.name == "conll"


def test_sources_of_a_folder_come_in_order_and_leave_the_rest(tmp_path):
    for name in ("b.conll", "a.txt", "README.md", "README.txt", ".hidden.conll"):
        (tmp_path / name).write_text(CONLL)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.iob").write_text(CONLL)
    notes = []
    assert [found.source.path.name for found in find(tmp_path, notes=notes)] == [
        "a.txt",
        "b.conll",
        "c.iob",
    ]
    assert "README.md" in notes[-1]
    assert "README.txt" in notes[-1]


def test_sources_of_a_folder_with_nothing_to_read(tmp_path):
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(UserError, match=r"it holds: a\.png"):
        find(tmp_path)


def test_sources_take_a_saved_dataset_for_a_dataset(tmp_path):
    (tmp_path / "state.json").write_text("{}")
    assert find(tmp_path)[0].format.name == "hub"


def test_sources_say_what_they_were_taken_for(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text(CONLL)
    notes = []
    find(path, notes=notes)
    assert notes == [f"{path}: read as conll: a token a line, token in column 1, tag in column 2 of 2"]


class Rival:
    """A format that is as sure of everything as any."""

    name, about, endings, options = "rival", "a test", (), TokenOptions
    keeps, writes, checked = frozenset(), False, False

    def sniff(self, source):
        return Sniff(CERTAIN, "it begins well")

    def read(self, source, reading):
        yield from ()


RIVAL = Rival()


@pytest.fixture
def rival(monkeypatch):
    point = EntryPoint("rival", f"{__name__}:RIVAL", "spacy_ner_plus_formats")
    points = {**format_points(), "rival": point}
    monkeypatch.setattr("spacy_ner_plus.format_names.format_points", lambda: points)
    monkeypatch.setattr("spacy_ner_plus.data.formats.registered.format_points", lambda: points)
    get_format.cache_clear()
    yield
    get_format.cache_clear()


@pytest.mark.usefixtures("rival")
def test_sources_of_two_formats_alike_are_refused_with_both(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text(CONLL)
    with pytest.raises(
        UserError, match=r"--format conll \(a token a line.*; --format rival \(it begins well"
    ):
        find(path)


def test_sources_say_what_does_not_exist(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        find(tmp_path / "none.conll")


def test_sources_refuse_an_unknown_format(tmp_path):
    with pytest.raises(UserError, match="no format 'xml'"):
        find(tmp_path, "xml")
