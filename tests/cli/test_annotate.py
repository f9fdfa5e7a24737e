import spacy
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app


def test_annotate_writes_a_corpus(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Anna"}])
    nlp.to_disk(tmp_path / "rules")
    (tmp_path / "texts.txt").write_text("Anna left\nNobody came\n")
    (tmp_path / "map.json").write_text('{"PERSON": "PER"}')
    out = tmp_path / "weak.jsonl"
    arguments = [tmp_path / "rules", tmp_path / "texts.txt", out, "--label-map", tmp_path / "map.json"]
    done = CliRunner().invoke(app, ["annotate", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    assert '"label":"PER"' in out.read_text().replace(" ", "")
    assert f"Wrote {out}" in done.stdout


def test_annotate_needs_a_pipeline():
    done = CliRunner().invoke(app, ["annotate", "texts.txt", "out.spacy"])
    assert done.exit_code == 1
    assert "[E655]" in done.stderr
