import pytest
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.project.check_corpus import check_corpus

TABLE = """
mine:
  splits:
    train: {documents: 2, sentences: 3, entities: 1}
other: {title: no counts}
"""


@pytest.fixture
def folder(nlp, tmp_path):
    docs = [
        Doc(
            nlp.vocab,
            words=["Oslo", ".", "Rain", "."],
            ents=["B-LOC", "O", "O", "O"],
            sent_starts=[1, 0, 1, 0],
        ),
        Doc(nlp.vocab, words=["Sun"], ents=["O"]),
    ]
    DocBin(docs=docs).to_disk(tmp_path / "train.spacy")
    (tmp_path / "corpora.yml").write_text(TABLE)
    return tmp_path


def test_check_corpus_accepts_the_counts_of_its_row(folder):
    assert check_corpus(folder, "mine", folder / "corpora.yml") == ["train"]


def test_check_corpus_names_each_count_that_differs(folder):
    table = folder / "corpora.yml"
    table.write_text(TABLE.replace("entities: 1", "entities: 7").replace("documents: 2", "documents: 3"))
    with pytest.raises(UserError, match=r"E141.*2 documents, not 3; 1 entities, not 7"):
        check_corpus(folder, "mine", table)


@pytest.mark.parametrize("name", ["other", "unknown"])
def test_check_corpus_checks_nothing_where_no_counts_are_known(folder, name):
    assert check_corpus(folder, name, folder / "corpora.yml") == []


def test_check_corpus_needs_its_splits(folder):
    (folder / "train.spacy").unlink()
    with pytest.raises(UserError, match=r"train\.spacy"):
        check_corpus(folder, "mine", folder / "corpora.yml")


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "mine: 3",
        "a: [",
        None,
        "mine: {splits: [a]}",
        "mine:\n  splits:",
        "mine: {splits: {dev: 3}}",
        "mine: {splits: {dev: {foo: 3}}}",
        "mine: {splits: {dev: {entities: many}}}",
    ],
)
def test_check_corpus_refuses_a_table_that_is_none(folder, text):
    table = folder / "corpora.yml"
    table.unlink()
    if text is not None:
        table.write_text(text)
    with pytest.raises(UserError, match=r"E1[04]\d.*corpora\.yml"):
        check_corpus(folder, "mine", table)
