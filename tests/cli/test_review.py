import pytest
import spacy
from typer.testing import CliRunner

from spacy_ner_plus.cli.app import app
from spacy_ner_plus.corpus import load_docs, save_docs
from spacy_ner_plus.llm.store.store import Store
from tests.annotation.review.docs import write_corpus
from tests.learning.inferences import make_inference


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


def test_review_pull_gives_feedback_to_a_store(tmp_path):
    corpus, tasks, gold = (tmp_path / name for name in ("weak.spacy", "tasks.jsonl", "gold.spacy"))
    write_corpus(corpus)
    with Store(tmp_path / "replies.sqlite") as store:
        for doc in load_docs(corpus, spacy.blank("en").vocab):
            store.inferences.add(make_inference(doc.text, labels=("PER", "LOC", "ORG")))
    run("push", "prodigy", corpus, "-p", tasks, "--labels", "PER,LOC,ORG")
    lines = tasks.read_text(encoding="utf8").replace('"meta"', '"answer": "accept", "meta"')
    tasks.with_name("out.jsonl").write_text(lines, encoding="utf8")
    pull = ("pull", "prodigy", corpus, gold, "-p", tmp_path / "out.jsonl", "--store")
    refused = run(*pull, tmp_path / "typo.sqlite")
    assert refused.exit_code == 1
    assert not gold.exists()
    done = run(*pull, tmp_path / "replies.sqlite")
    assert done.exit_code == 0, done.output
    assert "3 of 3 answers about 3 gold documents scored" in done.stdout


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
    done = run("suggest", corpus, tmp_path / "out.spacy", "--predictions", predicted)
    assert done.exit_code == 0, done.output
    assert f"none      │ {text} {label}" in done.stdout
    assert "Wrote" in done.stdout
    assert "[E761]" in run("suggest", corpus, tmp_path / "out.spacy").output


def test_review_status_shows_a_curve(tmp_path, monkeypatch):
    from spacy_ner_plus.annotation.review.learning_curve import Point, describe_curve
    from spacy_ner_plus.workflows.review import curve

    def stub(corpus, config, target, **settings):
        right = {20: 60, 40: 70, 80: 78, 160: 84}
        points = [
            Point(size, k, [[n, 0, 0, 100 - n, 100 - n]] * 40) for size, n in right.items() for k in (0, 1)
        ]
        report = describe_curve(points, 160, resamples=50) | {"steps": 99, "trainings": [8, 8]}
        return curve.LearningCurve(report, target, notes=["a note"])

    # Trainings take too long here: they are tested beside the workflow.
    monkeypatch.setattr(curve, "learning_curve", stub)
    write_corpus(tmp_path / "weak.spacy")
    run("push", "prodigy", tmp_path / "weak.spacy", "-p", tmp_path / "tasks.jsonl")
    words = ("status", "prodigy", "-p", tmp_path / "tasks.jsonl", "--curve", tmp_path / "gold.spacy")
    done = run(*words, "--config", "x.cfg")
    assert done.exit_code == 0, done.output
    assert "320 documents in place of 160 give an F1 of" in done.stdout
    assert "(99 steps each)" in done.stdout
    assert "gold.spacy.curve.json" in done.stderr.replace("\n", "")
    assert "[E767]" in run(*words).output


@pytest.mark.parametrize("labels", ["PER", "Person,", "PER,"])
def test_review_push_takes_one_label(tmp_path, labels):
    write_corpus(tmp_path / "weak.spacy")
    done = run("push", "prodigy", tmp_path / "weak.spacy", "-p", tmp_path / "x.jsonl", "--labels", labels)
    assert f"--label {labels.strip(',')}" in done.stderr


def test_review_push_tells_a_label_from_a_set_that_is_none(tmp_path):
    write_corpus(tmp_path / "weak.spacy")
    done = run("push", "prodigy", tmp_path / "weak.spacy", "-p", tmp_path / "x.jsonl", "--labels", "conl")
    assert "[E797]" in done.output
    assert "conll" in done.output
    assert not (tmp_path / "x.jsonl").exists()
