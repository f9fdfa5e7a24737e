"""Outputs of several files: shards and parts, whole or not at all."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Corpus

from spacy_ner_plus.data.outputs import part_path
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.convert import convert


def documents(count):
    return "".join(f"-DOCSTART- O\n\nPerson{i} B-PER\nleft O\n\n" for i in range(count))


def load(path):
    return list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))


def test_outputs_deal_shards_that_a_corpus_reads(tmp_path, nlp):
    source = tmp_path / "a.conll"
    source.write_text(documents(10))
    folder = tmp_path / "shards"
    convert([str(source)], folder, shards=4)
    assert [len(load(path)) for path in sorted(folder.iterdir())] == [3, 3, 2, 2]
    assert len(list(Corpus(folder)(nlp))) == 10
    # Fewer shards leave none of the old ones.
    convert([str(source)], folder, shards=2)
    assert [path.name for path in sorted(folder.iterdir())] == ["part-00001.spacy", "part-00002.spacy"]
    assert len(list(Corpus(folder)(nlp))) == 10


def test_outputs_split_into_shards(tmp_path):
    source = tmp_path / "a.conll"
    source.write_text(documents(10))
    convert([str(source)], tmp_path / "c", shards=2, split="train=0.5,dev=0.5")
    assert len(list((tmp_path / "c-dev").iterdir())) == 2


def test_outputs_leave_a_folder_alone_that_holds_other_things(tmp_path):
    source = tmp_path / "a.conll"
    source.write_text(documents(2))
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("x")
    with pytest.raises(UserError, match=r"thesis\.txt"):
        convert([str(source)], folder, shards=2)
    assert (folder / "thesis.txt").exists()


def test_outputs_name_their_parts():
    assert part_path(Path("a/corpus.spacy"), "dev") == Path("a/corpus-dev.spacy")
    assert part_path(Path("a/corpus.spacy"), "") == Path("a/corpus.spacy")
