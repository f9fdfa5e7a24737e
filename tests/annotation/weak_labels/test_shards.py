import os
import signal
import subprocess
import sys
import time

import pytest
import spacy

from spacy_ner_plus.annotation.weak_labels.annotator import Annotator, TextAnswer
from spacy_ner_plus.annotation.weak_labels.shards import ShardStore
from spacy_ner_plus.annotation.weak_labels.texts import SourceText
from spacy_ner_plus.workflows.annotate import annotate
from tests.annotation.weak_labels.slow_pipeline import save_pipeline
from tests.conftest import ROOT


def text_of(*words):
    return SourceText(list(words), [True] * (len(words) - 1) + [False])


class Scripted(Annotator):
    """An annotator that says what it is told to, and notes what it was asked."""

    def __init__(self, identity="one", failures=()):
        super().__init__("scripted", spacy.blank("en"), identity)
        self.failures, self.asked = list(failures), []

    def annotate(self, texts):
        for text in texts:
            self.asked.append(text.text)
            failure = self.failures.pop(0) if self.failures else ""
            yield TextAnswer([[0, 1, "X", 0.5]], [], failure)


def answers_of(store, annotator, texts):
    steps = store.answers(annotator, texts)
    count = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            assert count == len(texts)
            return end.value
        count += 1


TEXTS = [text_of("a", "b"), text_of("c"), text_of("d")]


def test_shards_are_read_again_by_the_same_annotator_alone(tmp_path):
    store, first, same, other = ShardStore(tmp_path), Scripted(), Scripted(), Scripted("other")
    expected = answers_of(store, first, TEXTS)
    assert answers_of(store, same, TEXTS) == expected
    answers_of(store, other, TEXTS)
    assert (first.asked, same.asked, other.asked) == (["a b", "c", "d"], [], ["a b", "c", "d"])


def test_shards_of_other_texts_are_others(tmp_path):
    store, annotator = ShardStore(tmp_path), Scripted()
    names = {
        store.path(annotator, texts).name
        for texts in (TEXTS, TEXTS[:2], TEXTS[::-1], [text_of("a b", "c"), text_of("d")], [text_of("a b")])
    }
    assert len(names) == 5


def test_shards_texts_that_failed_are_tried_again(tmp_path):
    store = ShardStore(tmp_path)
    answers_of(store, Scripted(failures=["", "broken", ""]), TEXTS)
    again = Scripted()
    assert [answer.failure for answer in answers_of(store, again, TEXTS)] == ["", "", ""]
    assert again.asked == ["c"]


@pytest.mark.parametrize("content", ["", "{}", "[[], [], []]\n", '[[[0, 1, "X"', "\x00"])
def test_shards_that_are_broken_are_made_anew(tmp_path, content):
    store, annotator = ShardStore(tmp_path), Scripted()
    path = store.path(annotator, TEXTS)
    path.write_text(content)
    assert len(answers_of(store, annotator, TEXTS)) == 3
    assert annotator.asked == ["a b", "c", "d"]


def test_shards_of_one_that_may_change_are_not_kept(tmp_path):
    annotator = Scripted(identity="")
    for _ in range(2):
        answers_of(ShardStore(tmp_path), annotator, TEXTS)
    assert len(annotator.asked) == 6
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_shards_a_run_that_is_killed_loses_one_at_most(tmp_path):
    log, texts, target = tmp_path / "log", tmp_path / "texts.txt", tmp_path / "weak.spacy"
    texts.write_text("".join(f"text {i}\n" for i in range(40)))
    save_pipeline(tmp_path / "pipeline", log, seconds=0.2)
    program = ["-m", "tests.annotation.weak_labels.slow_pipeline"]
    killed = subprocess.Popen(
        [sys.executable, *program, str(tmp_path / "pipeline"), str(texts), str(target)], cwd=ROOT
    )
    work = tmp_path / "weak.spacy.answers"
    while len(list(work.glob("*.jsonl"))) < 3:
        assert killed.poll() is None
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done = len(list(work.glob("*.jsonl")))
    assert not target.exists()
    log.unlink()
    found = annotate(tmp_path / "pipeline", texts, target, shard_size=5, batch_size=1)
    assert log.read_text().splitlines() == [f"text {i}" for i in range(5 * done, 40)]
    assert found.counts.docs == 40
    # And nothing that was begun stays.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "log", "pipeline", "texts.txt", "weak.spacy", "weak.spacy.answers", "weak.spacy.report.json",
    ]  # fmt: skip
    assert all(path.suffix == ".jsonl" for path in work.iterdir())
