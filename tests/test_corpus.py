"""What the spool writes is what spaCy's DocBin writes."""

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from spacy_ner_plus.corpus import LIMIT, DocSpool, read_docs
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


def test_docbin_is_read_by_spacy_as_its_own(docs, tmp_path):
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


def test_docbin_spool_gives_docs_back(docs, nlp, tmp_path):
    spool = DocSpool(tmp_path)
    for doc in docs:
        spool.add(doc)
    assert [as_bytes(doc) for doc in spool.docs(nlp.vocab)] == [as_bytes(doc) for doc in docs]
    assert len(spool) == len(docs)


def test_docbin_spool_leaves_no_file(docs, tmp_path):
    spool = DocSpool(tmp_path)
    spool.add(docs[0])
    assert not list(tmp_path.iterdir())


def test_docbin_writes_an_empty_corpus(tmp_path):
    DocSpool(tmp_path).write(tmp_path / "empty.spacy")
    assert len(DocBin().from_disk(tmp_path / "empty.spacy")) == 0


def test_docbin_refuses_more_than_the_format_holds(docs, tmp_path):
    spool = DocSpool(tmp_path)
    spool._size = LIMIT + 1
    with pytest.raises(UserError, match="--shards 2"):
        spool.write(tmp_path / "big.spacy")


@pytest.mark.parametrize("content", [b"", b"no docbin", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_docbin_refuses_what_is_none(content, tmp_path, nlp):
    path = tmp_path / "bad.spacy"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.spacy"):
        list(read_docs(path, nlp.vocab))


def test_docbin_refuses_a_missing_file(tmp_path, nlp):
    with pytest.raises(UserError, match="No such file"):
        list(read_docs(tmp_path / "none.spacy", nlp.vocab))


def test_docbin_without_its_words_is_refused(nlp, tmp_path):
    import zlib

    import srsly

    message = srsly.msgpack_loads(zlib.decompress(DocBin(docs=[Doc(nlp.vocab, words=["Zyxwv"])]).to_bytes()))
    path = tmp_path / "damaged.spacy"
    path.write_bytes(zlib.compress(srsly.msgpack_dumps({**message, "strings": []})))
    with pytest.raises(UserError, match=r"E125.*damaged"):
        list(read_docs(path, Vocab()))
