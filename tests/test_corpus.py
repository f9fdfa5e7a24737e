"""Corpora are read in one way, and what the spool writes is what spaCy's DocBin writes."""

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_ner_plus.corpus import (
    LIMIT,
    DocSpool,
    corpus_files,
    doc_lengths,
    load_docs,
    read_docs,
    save_docs,
    to_vocab,
)
from spacy_ner_plus.errors import UserError


@pytest.fixture
def docs(nlp):
    full = Doc(
        nlp.vocab,
        words=["Ann", "left", "Oslo"],
        spaces=[True, False, False],
        tags=["NNP", "VBD", "NNP"],
        lemmas=["ann", "leave", "oslo"],
        ents=["B-PER", "", "B-LOC"],
        sent_starts=[True, False, True],
    )
    full.cats = {"x": 0.5}
    full.user_data["source"] = "a"
    full.spans["sc"] = [Span(full, 0, 2, label="ONLY-IN-SPANS")]
    full.spans["sc"].attrs["scores"] = [0.5]
    return [full, Doc(nlp.vocab, words=["unknown", "spaces"]), Doc(nlp.vocab), full]


def as_bytes(doc):
    return (
        doc.to_bytes(exclude=["user_data"]),
        doc.user_data,
        doc.cats,
        dict(doc.spans["sc"].attrs) if doc.spans else {},
    )


def test_corpus_is_read_by_spacy_as_its_own(docs, tmp_path):
    spool = DocSpool(tmp_path)
    for doc in docs:
        spool.add(doc)
    spool.write(tmp_path / "ours.spacy")
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "theirs.spacy")
    ours, theirs = (DocBin().from_disk(tmp_path / name) for name in ("ours.spacy", "theirs.spacy"))
    assert ours.strings == theirs.strings
    ours, theirs = (list(part.get_docs(spacy.blank("en").vocab)) for part in (ours, theirs))
    assert [as_bytes(doc) for doc in ours] == [as_bytes(doc) for doc in theirs]
    assert [doc.has_unknown_spaces for doc in ours] == [doc.has_unknown_spaces for doc in theirs]


def test_corpus_spool_gives_docs_back(docs, nlp, tmp_path):
    spool = DocSpool(tmp_path)
    for doc in docs:
        spool.add(doc)
    assert [as_bytes(doc) for doc in spool.docs(nlp.vocab)] == [as_bytes(doc) for doc in docs]
    assert len(spool) == len(docs)


def test_corpus_spool_leaves_no_file(docs, tmp_path):
    spool = DocSpool(tmp_path)
    spool.add(docs[0])
    assert not list(tmp_path.iterdir())


def test_corpus_writes_an_empty_corpus(tmp_path):
    DocSpool(tmp_path).write(tmp_path / "empty.spacy")
    assert len(DocBin().from_disk(tmp_path / "empty.spacy")) == 0


def test_corpus_refuses_more_than_the_format_holds(docs, tmp_path):
    spool = DocSpool(tmp_path)
    spool._size = LIMIT + 1
    with pytest.raises(UserError, match=r"2 `shards` \(--shards\)"):
        spool.write(tmp_path / "big.spacy")


def test_corpus_without_its_words_is_refused(nlp, tmp_path):
    import zlib

    import srsly

    message = srsly.msgpack_loads(zlib.decompress(DocBin(docs=[Doc(nlp.vocab, words=["Zyxwv"])]).to_bytes()))
    path = tmp_path / "damaged.spacy"
    path.write_bytes(zlib.compress(srsly.msgpack_dumps({**message, "strings": []})))
    with pytest.raises(UserError, match=r"E125.*damaged"):
        list(read_docs(path, Vocab()))


def test_corpus_reads_a_folder_in_order_and_up_to_the_limit(nlp, tmp_path):
    for name in "ba":
        save_docs([Doc(nlp.vocab, words=[name, str(i)]) for i in range(2)], tmp_path / f"{name}.spacy")
    assert [doc[0].text for doc in load_docs(tmp_path, nlp.vocab)] == ["a", "a", "b", "b"]
    assert len(load_docs(tmp_path, nlp.vocab, limit=3)) == 3


def test_corpus_is_the_same_after_save_and_load(nlp, tmp_path):
    tags = ["B-X", "B-X", "I-X", "O", ""]
    doc = Doc(nlp.vocab, words=list("abcde"), spaces=[False] * 5, ents=tags)
    doc.user_data["object"] = object()
    save_docs([doc, Doc(nlp.vocab)], tmp_path / "new" / "p.spacy")
    loaded, empty = load_docs(tmp_path / "new" / "p.spacy", spacy.blank("en").vocab)
    assert [token.ent_iob_ + token.ent_type_ for token in loaded] == ["BX", "BX", "IX", "O", ""]
    assert len(empty) == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "E125"), (b"no docbin", "E125"), (b"x\x9c\x03\x00\x00\x00\x00\x01", "E125"), (None, "E301")],
)
@pytest.mark.parametrize("read", [load_docs, lambda path, vocab: list(read_docs(path, vocab))])
def test_corpus_unreadable_file_is_refused(nlp, tmp_path, content, code, read):
    path = tmp_path / "corpus.spacy"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{code}.*corpus\.spacy"):
        read(path, nlp.vocab)


def test_corpus_that_is_empty_is_refused(nlp, tmp_path):
    with pytest.raises(UserError, match=r"holds no \.spacy file"):
        load_docs(tmp_path, nlp.vocab)
    save_docs([], tmp_path / "empty.spacy")
    with pytest.raises(UserError, match="E302"):
        load_docs(tmp_path / "empty.spacy", nlp.vocab)


def test_corpus_leaves_nothing_behind_where_it_cannot_be_written(nlp, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match="E303"):
        save_docs([Doc(nlp.vocab)], tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_corpus_hidden_files_and_folders_do_not_count(nlp, tmp_path):
    for name in ("a.spacy", ".b.spacy", ".c/d.spacy", "e/f.spacy"):
        save_docs([Doc(nlp.vocab, words=["w"])], tmp_path / name)
    assert [str(path.relative_to(tmp_path)) for path in corpus_files(tmp_path)] == ["a.spacy", "e/f.spacy"]


def test_corpus_lengths_are_those_of_its_docs(nlp, tmp_path):
    for name, lengths in (("b", [0, 2]), ("a", [3])):
        save_docs([Doc(nlp.vocab, words=["w"] * n) for n in lengths], tmp_path / f"{name}.spacy")
    assert doc_lengths(tmp_path) == [3, 0, 2]
    (tmp_path / "c.spacy").write_bytes(b"no docbin")
    with pytest.raises(UserError, match="E125"):
        doc_lengths(tmp_path)


def test_corpus_gives_docs_of_another_vocab_a_copy_in_this_one(docs, nlp):
    vocab = Vocab()
    copies = to_vocab(docs, vocab)
    assert all(doc.vocab is vocab for doc in copies)
    assert [doc.to_json() for doc in copies] == [doc.to_json() for doc in to_vocab(docs, nlp.vocab)]
    assert to_vocab(docs, nlp.vocab) == list(docs)
