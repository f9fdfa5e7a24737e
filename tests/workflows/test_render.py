import pytest
from spacy.tokens import Doc, DocBin

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.render import render


def save(path, nlp, *tags):
    DocBin(docs=[Doc(nlp.vocab, words=["Anna", "Oslo"], ents=each.split()) for each in tags]).to_disk(path)
    return path


@pytest.fixture
def gold(nlp, tmp_path):
    return save(tmp_path / "gold.spacy", nlp, "B-PER O", "B-PER B-LOC")


def test_render_takes_all_a_limit_and_a_title(nlp, gold, tmp_path):
    predictions = save(tmp_path / "p.spacy", nlp, "B-PER O")
    render(gold, predictions, tmp_path / "out.html", show_all=True, limit=1, title="A <title>")
    page = (tmp_path / "out.html").read_text(encoding="utf8")
    assert "<h1>A &lt;title&gt;</h1>" in page
    assert 'id="document-1"' in page
    assert 'id="document-2"' not in page


def test_render_refuses_another_number_of_documents(nlp, gold, tmp_path):
    predictions = save(tmp_path / "p.spacy", nlp, "B-PER O")
    with pytest.raises(UserError, match=r"E306.*2 documents.*--limit"):
        render(gold, predictions, tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


def test_render_refuses_files_that_are_no_corpus(gold, tmp_path):
    (tmp_path / "p.spacy").write_bytes(b"x")
    with pytest.raises(UserError, match=r"E125.*p\.spacy"):
        render(gold, tmp_path / "p.spacy", tmp_path / "out.html")
    with pytest.raises(UserError, match="E507"):
        render(gold, gold, tmp_path / "out.html", limit=-1)


@pytest.mark.parametrize("name", ["gold.spacy", "p.spacy"])
def test_render_overwrites_nothing_that_it_reads(nlp, gold, tmp_path, name):
    predictions = save(tmp_path / "p.spacy", nlp, "B-PER O", "B-PER B-PER")
    before = (tmp_path / name).read_bytes()
    with pytest.raises(UserError, match=f"E320.*{name}"):
        render(gold, predictions, tmp_path / name)
    assert (tmp_path / name).read_bytes() == before


def test_render_gives_the_page_of_docs_and_writes_nothing(nlp, gold, tmp_path):
    before = sorted(tmp_path.iterdir())
    docs = [Doc(nlp.vocab, words=["Anna", "Oslo"], ents=tags) for tags in (["B-PER", "O"], ["O", "O"])]
    page = render(gold, docs)
    assert "1 of 2 documents differs." in page
    assert render(docs, docs, show_all=True).count("<title>Docs: gold and predicted</title>") == 1
    assert sorted(tmp_path.iterdir()) == before
