"""Demonstrations from a store: which answers are good enough, which are corrected, and which are left out."""

import time

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.prompting.store_demonstrations import (
    EXCLUDED_EXAMPLE,
    OF_DRY_RUN,
    OTHER_LABELS,
    WRONG_SPANS,
    Snapshot,
    StoreExamples,
    read_snapshot,
)
from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.llm.store.feedback import Metric
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.spans import CharSpan


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path):
    with Store(path) as opened:
        yield opened


def add(store, text, *spans, labels=("PER", "LOC"), valid=True, episode="e", **feedback) -> str:
    inference = Inference(
        id=new_id(),
        episode=episode,
        variant="",
        probability=1.0,
        fallback_of="",
        text=text,
        text_hash=text_hash(text),
        labels=labels,
        format="label_lists",
        model="m",
        request_keys=(text,),
        entities=tuple(CharSpan(*span) for span in spans),
        scores=(1.0,) * len(spans),
        valid=valid,
        failure="" if valid else "none",
        usage=Usage(),
        seconds=0.0,
        cost=None,
        created=time.time(),
    )
    store.inferences.add(inference)
    for metric, value in feedback.items():
        store.feedback.add(inference.id, metric, value)
    return inference.id


def read(path, given="store", labels=("PER",), excluded=()):
    issues = IssueLog()
    snapshot = read_snapshot(path, StoreExamples.of(given), labels=labels, excluded=excluded, issues=issues)
    return snapshot, {kind: issue.count for kind, issue in issues}


def shown(path, *arguments, **options):
    return [(one.text, one.spans) for one in read(path, *arguments, **options)[0].examples]


def test_store_demonstrations_are_good_answers_and_corrected_ones_first(store, path):
    add(store, "Ann left.", (0, 3, "PER"), exact_match=True)
    add(store, "Bo left.", exact_match=False)
    add(store, "Cy left.", (0, 2, "LOC"), exact_match=False, demonstration=(CharSpan(0, 2, "PER"),))
    add(store, "Di left.", (0, 2, "PER"))
    add(store, "Ed left.", exact_match=True, valid=False)
    assert shown(path) == [("Cy left.", ((0, 2, "PER"),)), ("Ann left.", ((0, 3, "PER"),))]
    assert read(path)[0].position == store.position()


def test_store_demonstrations_of_one_text_are_one(store, path):
    add(store, "Ann left.", (0, 3, "PER"), demonstration=())
    add(store, "ann  left.", (0, 3, "LOC"), exact_match=True)
    assert shown(path) == [("Ann left.", ())]
    last = add(store, "Ann left.", demonstration=(CharSpan(0, 3, "PER"),))
    assert shown(path) == [("Ann left.", ((0, 3, "PER"),))]
    # The last that was said of an answer counts.
    store.feedback.add(last, "demonstration", (CharSpan(4, 8, "PER"),))
    assert shown(path) == [("Ann left.", ((4, 8, "PER"),))]


def test_store_demonstrations_go_by_a_metric_and_its_direction(store, path):
    store.feedback.declare(Metric("mistakes", "float", optimize="min", lower=0, upper=9))
    store.feedback.declare(Metric("thumb", "boolean", level="episode"))
    add(store, "Ann left.", jaccard=0.9, mistakes=3)
    add(store, "Bo left.", jaccard=0.5, mistakes=1, episode="f")
    store.feedback.add("f", "thumb", True)
    assert shown(path, {"store": {"metric": "jaccard", "least": 0.9}}) == [("Ann left.", ())]
    assert shown(path, {"store": {"metric": "mistakes", "least": 2}}) == [("Bo left.", ())]
    assert shown(path, {"store": {"metric": "thumb"}}) == [("Bo left.", ())]


def test_store_demonstrations_leave_out_what_must_not_be_seen_and_count_it(store, path):
    add(store, "Ann left.", exact_match=True)
    add(store, "Bo left.", exact_match=True)
    add(store, "Cy left.", exact_match=True, labels=("LOC",))
    overlapping = (CharSpan(0, 2, "PER"), CharSpan(0, 7, "PER"))
    add(store, "Di left.", exact_match=True)
    store.dry_texts.add([text_hash("ANN left.")])
    found, counts = read(path, excluded={text_hash("Bo left.")})
    assert [one.text for one in found.examples] == ["Di left."]
    assert counts == {OF_DRY_RUN: 1, EXCLUDED_EXAMPLE: 1, OTHER_LABELS: 1}
    add(store, "Ed left.", *overlapping, exact_match=True)
    assert read(path)[1][WRONG_SPANS] == 1


def test_store_demonstrations_see_nothing_newer_than_their_position(store, path):
    assert read(path) == (Snapshot(0, []), {})
    add(store, "Ann left.", exact_match=True)
    before = read(path)[0]
    add(store, "Bo left.", exact_match=True)
    after = read(path)[0]
    assert after.position > before.position
    assert [len(before.examples), len(after.examples)] == [1, 2]
    assert Snapshot.from_dict(after.to_dict()) == after


def test_store_demonstrations_of_no_store_are_none(path):
    assert read(path)[0] == Snapshot(0, [])
    assert not path.exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"store": {"metrics": "f1"}}, "E817.*metric and least"),
        ({"shop": {}}, "E817"),
        ({"store": {"least": "much"}}, r"E240.*examples\.store\.least"),
    ],
)
def test_store_demonstrations_that_can_not_be_meant_are_refused(given, message):
    with pytest.raises(UserError, match=message):
        StoreExamples.of(given)


def test_store_demonstrations_refuse_a_metric_that_is_none(store, path):
    for metric in ("unknown", "comment"):
        with pytest.raises(UserError, match=f"E818.*'{metric}'"):
            read(path, {"store": {"metric": metric}})


def test_store_demonstrations_are_not_meant_by_files_and_records():
    for given in (None, "examples.jsonl", [{"text": "Ann", "spans": []}]):
        assert StoreExamples.of(given) is None
