import json

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.project.bootstrap_corpus import bootstrap_corpus

CONLL = "Rosa B-PER\nleft B-{label}\nAcme B-ORG\n\nOslo B-LOC\n. O\n"


@pytest.fixture
def source(tmp_path):
    def write(label, name="source"):
        folder = tmp_path / name
        folder.mkdir()
        for split in ("train", "dev", "test"):
            (folder / f"{split}.conll").write_text(CONLL.format(label=label))
        return folder

    return write


def test_bootstrap_corpus_takes_the_label_map_that_fits(source, tmp_path):
    made = bootstrap_corpus(source("MISC"), tmp_path / "corpus", otherwise=tmp_path / "none")
    assert (made.labels, made.source) == (["LOC", "MISC", "ORG", "PER"], tmp_path / "source")
    assert made.map_name == "ontonotes-conll"
    assert json.loads((tmp_path / "corpus" / "label_map.json").read_text())["GPE"] == "LOC"


def test_bootstrap_corpus_takes_the_other_folder(source, tmp_path):
    other = source("X", "other")
    made = bootstrap_corpus(tmp_path / "source", tmp_path / "corpus", otherwise=other, label_map="none")
    assert made.source == other
    found = json.loads((tmp_path / "corpus" / "label_map.json").read_text())
    assert found == {label: label for label in ("LOC", "ORG", "PER", "X")}
    assert (tmp_path / "corpus" / "gold" / "train.spacy").is_file()


def test_bootstrap_corpus_says_which_maps_there_are(source, tmp_path):
    with pytest.raises(UserError, match=r"E788.*LOC, ORG, PER, X.*ontonotes-conll.*none"):
        bootstrap_corpus(source("X"), tmp_path / "corpus")


def test_bootstrap_corpus_refuses_a_map_to_other_labels(source, tmp_path):
    (tmp_path / "map.json").write_text('{"PERSON": "NAME", "GPE": "LOC"}')
    with pytest.raises(UserError, match=r"E953.*NAME, and the corpus has LOC, ORG, PER, X alone"):
        bootstrap_corpus(source("X"), tmp_path / "corpus", label_map=str(tmp_path / "map.json"))


def ruler(folder, *labels):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": label, "pattern": label} for label in labels])
    nlp.to_disk(folder)
    return str(folder)


def test_bootstrap_corpus_drops_what_the_map_and_the_corpus_do_not_know(source, tmp_path):
    teacher = ruler(tmp_path / "teacher", "PERSON", "LOC", "CARDINAL")
    (tmp_path / "map.json").write_text('{"PERSON": "PER"}')
    made = bootstrap_corpus(
        source("X"), tmp_path / "corpus", label_map=str(tmp_path / "map.json"), teacher=teacher
    )
    assert made.dropped == ["CARDINAL"]
    found = json.loads((tmp_path / "corpus" / "label_map.json").read_text())
    assert found == {"PERSON": "PER", "CARDINAL": None}


def test_bootstrap_corpus_refuses_a_teacher_of_other_labels(source, tmp_path):
    teacher = ruler(tmp_path / "teacher", "PERSON", "GPE")
    with pytest.raises(UserError, match=r"E954.*GPE, PERSON.*LOC, ORG, PER, X"):
        bootstrap_corpus(source("X"), tmp_path / "corpus", label_map="none", teacher=teacher)
