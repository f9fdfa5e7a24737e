import spacy
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.corpus import load_docs, save_docs
from tests.annotation.review.docs import write_corpus


def run(*words):
    return CliRunner().invoke(app, ["review", *map(str, words)])


def test_review_push_and_pull_tell_what_they_did(tmp_path):
    corpus, tasks, gold = (tmp_path / name for name in ("weak.spacy", "tasks.jsonl", "gold.spacy"))
    write_corpus(corpus)
    done = run("push", "prodigy", corpus, "-p", tasks, "--labels", "PER,LOC,ORG")
    assert done.exit_code == 0, done.output
    assert "3 tasks sent" in done.stdout
    assert "--label PER,LOC,ORG" in done.stderr
    lines = tasks.read_text(encoding="utf8").replace('"meta"', '"answer": "accept", "meta"')
    (tmp_path / "out.jsonl").write_text(lines, encoding="utf8")
    done = run("pull", "prodigy", corpus, gold, "-p", tmp_path / "out.jsonl", "-o", "annotator=eve")
    assert done.exit_code == 0, done.output
    assert "3 of 3 documents are reviewed" in done.stdout
    assert "What people changed: nothing" in done.stdout
    assert "eve: 3 submitted" in done.stdout
    done = run("merge", f"eve={gold}", "-O", tmp_path / "merged.spacy")
    assert done.exit_code == 0, done.output


def test_review_errors_are_one_message(tmp_path):
    write_corpus(tmp_path / "weak.spacy")
    done = run("push", "pencil", tmp_path / "weak.spacy", "-p", "x")
    assert done.exit_code == 1
    assert "[E740]" in done.output


def test_review_lists_its_tools():
    done = run("tools")
    assert "doccano: " in done.stdout
    assert "    annotator (str)" in done.stdout


def test_review_suggest_shows_what_is_suspicious(tmp_path):
    corpus, predicted = tmp_path / "gold.spacy", tmp_path / "predicted.spacy"
    for path in (corpus, predicted):
        write_corpus(path)
    docs = load_docs(corpus, spacy.blank("en").vocab)
    broken = next(doc for doc in docs if doc.ents)
    text, label = broken.ents[0].text, broken.ents[0].label_
    broken.set_ents(list(broken.ents[1:]), default="outside")
    save_docs(docs, corpus)
    done = run("suggest", corpus, tmp_path / "out.jsonl", "--predictions", predicted)
    assert done.exit_code == 0, done.output
    assert f"none      │ {text} {label}" in done.stdout
    assert "Wrote" in done.stdout
    assert "[E761]" in run("suggest", corpus, tmp_path / "out.jsonl").output
