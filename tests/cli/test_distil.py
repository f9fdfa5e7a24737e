import spacy
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.soft_tags import read_soft_tags
from tests.conftest import make_docs


def test_distil_writes_a_corpus(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Anna"}])
    nlp.to_disk(tmp_path / "rules")
    (tmp_path / "texts.txt").write_text("Anna left\nNobody came\n")
    DocBin(docs=make_docs(nlp.vocab)).to_disk(tmp_path / "gold.spacy")
    out = tmp_path / "student.spacy"
    arguments = [tmp_path / "rules", tmp_path / "texts.txt", out, "--gold", tmp_path / "gold.spacy"]
    done = CliRunner().invoke(app, ["distil", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    printed = " ".join(done.stdout.split())
    assert "Soft tags: 4 of 4 tokens" in printed
    assert "Documents: 2 of the teachers, 6 gold; 6 gold ones are none of the texts." in printed
    assert "No teacher looks for LOC, ORG" in printed
    assert f"Wrote {out}" in done.stdout
    docs = list(DocBin().from_disk(out).get_docs(nlp.vocab))
    assert read_soft_tags(docs[0]).labels == ("PER",)


def test_distil_needs_a_teacher():
    done = CliRunner().invoke(app, ["distil", "texts.txt", "out.spacy"])
    assert done.exit_code == 1
    assert "[E655]" in done.stderr
