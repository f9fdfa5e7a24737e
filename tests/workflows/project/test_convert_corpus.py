import json

import pytest
import spacy

from spacy_ner_plus.corpus import read_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.project.convert_corpus import convert_corpus, find_splits
from tests.conftest import ROOT

SENTENCES = [f"Anna{number} B-PER\nlives O\nin O\nOslo B-LOC\n. O\n" for number in range(30)]


def conll(first, last):
    return "".join(f"-DOCSTART- O\n\n{sentence}\n" for sentence in SENTENCES[first:last])


def texts(path):
    return [doc.text for doc in read_docs(path, spacy.blank("en").vocab)]


@pytest.mark.parametrize(
    "names",
    [
        ("train.txt", "dev.txt", "test.txt"),
        ("eng.train", "eng.testa", "eng.testb"),
        ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"),
        ("mine_training.json", "mine-validation.json", "mine_test.json"),
    ],
)
def test_find_splits_knows_usual_names(tmp_path, names):
    for name in (*names, "README.md", ".train.swp"):
        (tmp_path / name).write_text("")
    found = {split: path.name for split, path in find_splits(tmp_path).items()}
    assert found == dict(zip(("train", "dev", "test"), names, strict=True))


def test_find_splits_refuses_what_it_cannot_tell(tmp_path):
    with pytest.raises(UserError, match=r"E557.*nowhere.*project assets"):
        find_splits(tmp_path / "nowhere")
    (tmp_path / "dev.txt").write_text("")
    with pytest.raises(UserError, match=r"E559.*dev\.txt.*train\.txt"):
        find_splits(tmp_path)
    (tmp_path / "train.json").write_text("")
    (tmp_path / "train.txt").write_text("")
    with pytest.raises(UserError, match=r"E558.*train\.json.*train\.txt"):
        find_splits(tmp_path)


def test_convert_corpus_writes_three_splits_and_the_labels(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name, first, last in (("train", 0, 20), ("dev", 20, 25), ("test", 25, 30)):
        (source / f"{name}.txt").write_text(conll(first, last))
    converted = convert_corpus(source, tmp_path / "corpus")
    assert {split: count.docs for split, count in converted.counts.items()} == {
        "train": 20, "dev": 5, "test": 5,
    }  # fmt: skip
    assert converted.dealt == []
    assert {path.name for path in (tmp_path / "corpus").iterdir()} == {
        "train.spacy", "dev.spacy", "test.spacy", "labels.json",
    }  # fmt: skip
    assert json.loads((tmp_path / "corpus" / "labels.json").read_text()) == {"LOC": None, "PER": None}


def test_convert_corpus_deals_documents_to_splits_without_a_file(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.txt").write_text(conll(0, 30))
    files = []
    for seed in (0, 0, 1):
        converted = convert_corpus(tmp_path / "source", tmp_path / "corpus", seed=seed)
        files.append([path.read_bytes() for path in converted.paths.values()])
    assert files[0] == files[1] != files[2]
    assert converted.dealt == ["dev", "test"]
    assert {split: count.docs for split, count in converted.counts.items()} == {
        "train": 24, "dev": 3, "test": 3,
    }  # fmt: skip
    parts = [texts(path) for path in converted.paths.values()]
    assert len({text for part in parts for text in part}) == 30


def test_convert_corpus_writes_all_or_nothing(tmp_path):
    (tmp_path / "source").mkdir()
    for name in ("train", "dev", "test"):
        (tmp_path / "source" / f"{name}.txt").write_text(conll(0, 3))
    convert_corpus(tmp_path / "source", tmp_path / "corpus")
    before = {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()}
    (tmp_path / "source" / "train.txt").write_text(conll(3, 9))
    (tmp_path / "source" / "test.txt").write_text("nothing of any format")
    with pytest.raises(UserError, match=r"E112.*test\.txt"):
        convert_corpus(tmp_path / "source", tmp_path / "corpus")
    assert {path.name: path.read_bytes() for path in (tmp_path / "corpus").iterdir()} == before


def test_convert_corpus_of_the_bundled_one_has_its_definitions(tmp_path):
    convert_corpus(ROOT / "assets" / "synthetic", tmp_path)
    labels = json.loads((tmp_path / "labels.json").read_text())
    assert "a person" in labels["NAME"]["definition"].lower()
