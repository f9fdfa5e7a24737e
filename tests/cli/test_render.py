import pytest
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app


def save(path, nlp, *tags):
    DocBin(docs=[Doc(nlp.vocab, words=["Anna", "Oslo"], ents=each.split()) for each in tags]).to_disk(path)
    return path


@pytest.fixture
def gold(nlp, tmp_path):
    return save(tmp_path / "gold.spacy", nlp, "B-PER O", "B-PER B-LOC")


def test_render_writes_one_page(nlp, gold, tmp_path):
    predictions = save(tmp_path / "p.spacy", nlp, "B-PER O", "B-PER B-PER")
    output = tmp_path / "new" / "out.html"
    result = CliRunner().invoke(app, ["render", str(gold), str(predictions), str(output)])
    assert result.exit_code == 0, result.output
    page = output.read_text(encoding="utf8")
    assert "<title>gold.spacy: gold and predicted</title>" in page
    assert "1 of 2 documents differs." in page
    assert 'id="document-2"' in page
    assert "wrong label" in page
