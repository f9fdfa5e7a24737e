"""stats and debug_data: what corpora hold, which texts they share, what would spoil a training."""

import pytest
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.stats import debug_data, stats
from tests.conftest import ROOT

CONFIGS = sorted((ROOT / "configs").glob("*.cfg"))


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


@pytest.fixture
def chinese(nlp, tmp_path):
    """A corpus with a token a character, which a tokenizer that cuts at white space can't be taught by."""
    gold = Doc(
        nlp.vocab,
        words=list("张伟住在北京。"),
        spaces=[False] * 7,
        ents=["B-PER", "I-PER", *"OO", "B-LOC", "I-LOC", "O"],
    )
    DocBin(docs=[gold] * 2, store_user_data=True).to_disk(tmp_path / "zh.spacy")
    return tmp_path / "zh.spacy"


def test_debug_data_looks_through_the_tokens_of_the_language(chinese):
    assert debug_data([chinese, chinese], lang="zh").train.misaligned.total() == 0
    report = debug_data([chinese, chinese], lang="xx")
    assert report.train.misaligned == {"PER": 2, "LOC": 2}
    assert any(
        "4 of 4 entities of the training data begin or end within a token" in f.text for f in report.findings
    )
    assert report.failed


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_debug_data_reads_every_config_and_no_encoder(path, chinese):
    settings = {"paths.train": str(chinese), "paths.dev": str(chinese), "nlp.lang": "zh"}
    report = debug_data([path], overrides=settings)
    assert report.train.gold.docs == 2
    assert not report.train.misaligned


def test_debug_data_knows_the_labels_of_a_sourced_component(trained_folder, small_corpus, tmp_path):
    config = (ROOT / "configs" / "cnn_ner.cfg").read_text(encoding="utf8")
    start, end = config.index("[components.transformer_ner]"), config.index("[corpora]")
    sourced = f'[components.transformer_ner]\nsource = "{trained_folder}"\n\n'
    (tmp_path / "sourced.cfg").write_text(config[:start] + sourced + config[end:], encoding="utf8")
    settings = {"paths.train": str(small_corpus), "paths.dev": str(small_corpus)}
    report = debug_data([tmp_path / "sourced.cfg"], overrides=settings)
    assert report.known == ["LOC", "ORG", "PER"]
    assert not report.failed


def test_debug_data_tells_documents_that_stock_spacy_leaves_out(nlp, tmp_path):
    gold = Doc(nlp.vocab, words=["Anna"] * 30, ents=["B-PER"] * 30)
    DocBin(docs=[gold]).to_disk(tmp_path / "long.spacy")
    path = str(tmp_path / "long.spacy")
    settings = {"paths.train": path, "paths.dev": path, "vars.batch_words": 20}
    report = debug_data([ROOT / "configs" / "stock_ner.cfg"], overrides=settings)
    assert any("discard_oversize" in finding.text for finding in report.findings)


@pytest.mark.parametrize(
    ("sources", "more", "code"),
    [
        (["configs/cnn_ner.cfg"], {}, "E545"),
        (
            ["configs/cnn_ner.cfg"],
            {"overrides": {"paths.train": "no.spacy", "paths.dev": "no.spacy"}},
            "E545",
        ),
        (["no.cfg"], {}, "E545"),
        (["configs/cnn_ner.cfg"], {"lang": "de"}, "E543"),
        (["one.spacy"], {}, "E544"),
        (["one.spacy", "two.spacy"], {"overrides": {"nlp.lang": "de"}}, "E544"),
        (["README.md", "README.md"], {}, "E130"),
        (["one.spacy", "two.spacy"], {"lang": "no-such"}, "E118"),
    ],
)
def test_debug_data_refuses_what_it_cannot_read(sources, more, code, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=code):
        debug_data(sources, **more)
