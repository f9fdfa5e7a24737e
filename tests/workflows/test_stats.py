"""stats: what corpora hold, and which texts they share."""

import pytest
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.stats import stats


@pytest.fixture
def corpora(tmp_path, nlp):
    ann = Doc(nlp.vocab, words=["Ann", "left"], ents=["B-PER", "O"])
    bob = Doc(nlp.vocab, words=["Bob", "Lee", "left"], ents=["B-PER", "I-PER", ""])
    DocBin(docs=[ann, bob, ann]).to_disk(tmp_path / "train.spacy")
    folder = tmp_path / "dev"
    folder.mkdir()
    DocBin(docs=[ann]).to_disk(folder / "part-1.spacy")
    DocBin(docs=[Doc(nlp.vocab, words=["Oslo"], ents=["B-LOC"])]).to_disk(folder / "part-2.spacy")
    return [tmp_path / "train.spacy", folder]


def test_stats_count_each_corpus(corpora):
    train, dev = stats(corpora).values()
    assert (train.docs, train.tokens, train.missing, train.duplicates) == (3, 7, 1, 1)
    assert train.entities == {"PER": 3}
    assert dev.entities == {"PER": 1, "LOC": 1}
    assert train.shared_with(dev) == 2


def test_stats_refuse_what_is_no_corpus(tmp_path):
    (tmp_path / "a.conll").write_text("Ann B-PER\n")
    with pytest.raises(UserError, match="Convert it first"):
        stats([tmp_path / "a.conll"])
    (tmp_path / "a.spacy").write_text("x")
    with pytest.raises(UserError, match=r"not a \.spacy corpus"):
        stats([tmp_path / "a.spacy"])
    with pytest.raises(UserError, match="no such file"):
        stats([tmp_path / "none.spacy"])
