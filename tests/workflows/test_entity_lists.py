"""Predictions without offsets: each entity of a row is scored, wherever the text has it, and also where it doesn't."""

import json

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.corpus import save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.workflows.evaluate import evaluate

VOCAB = spacy.blank("en").vocab


def gold(words, ents):
    return Doc(VOCAB, words=words.split(), ents=ents)


GOLDS = [
    gold(
        "Ann Lee met Bo in Rome and Ann Lee left",
        ["B-PER", "I-PER", "O", "B-PER", "O", "B-LOC", "O", "B-PER", "I-PER", "O"],
    ),
    gold("Oslo is cold", ["B-LOC", "O", "O"]),
]


@pytest.fixture
def score(tmp_path):
    def run(rows, golds=GOLDS, **given):
        path = tmp_path / "replies.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf8")
        return evaluate(path, golds, resamples=0, **given)

    return run


def test_entity_lists_that_are_right_are_right_everywhere(score):
    metrics = score([{"PER": ["Ann Lee", "Bo", "Ann Lee"], "LOC": ["Rome"]}, {"PER": [], "LOC": ["Oslo"]}])
    assert {name: row["f1"] for name, row in metrics["schemes"].items()} == dict.fromkeys(
        metrics["schemes"], 1.0
    )
    assert metrics["documents"]["exact_match"] == 1.0
    assert metrics["labels"]["PER"]["fuzzy"]["accuracy"] == 1.0
    assert metrics["agreement"]["agree"]
    assert metrics["settings"]["entity_lists"] == "replies.jsonl"


def test_entity_lists_are_counted_by_text_and_label(score):
    # Right: Ann Lee once, Rome, Oslo. Wrong: Cy, and Bo as a LOC. Missed: the second Ann Lee, Bo as a PER.
    rows = [{"PER": ["ann  lee", "Cy"], "LOC": ["Rome", "Bo"]}, {"LOC": "Oslo", "PER": None}]
    metrics = score(rows)
    people, places = (metrics["labels"][label]["fuzzy"] for label in ("PER", "LOC"))
    assert (people["correct"], people["spurious"], people["missed"]) == (1, 1, 2)
    assert people["accuracy"] == 1 / 4
    assert (places["correct"], places["spurious"], places["missed"]) == (2, 1, 0)
    assert places["accuracy"] == 2 / 3
    assert metrics["schemes"]["strict"]["correct"] == 3


@pytest.mark.parametrize(
    ("lists", "spurious"),
    [
        ({"LOC": ["Oslo", "Bergen"]}, 1),
        ({"LOC": ["Oslo", "Oslo"]}, 1),
        ({"LOC": ["Oslo"], "PER": ["Oslo"]}, 1),
    ],
    ids=["not in the text", "more often than it is there", "twice at one place"],
)
def test_entity_lists_without_a_place_are_wrong(score, lists, spurious):
    metrics = score([lists], GOLDS[1:])
    for scheme in ("strict", "exact", "fuzzy"):
        counts = metrics["schemes"][scheme]
        assert (counts["correct"], counts["incorrect"] + counts["spurious"]) == (1, spurious), scheme
    assert metrics["documents"]["exact_match"] == (1.0 if lists == {"LOC": ["Oslo", "Oslo"]} else 0.0)


def test_entity_lists_null_is_no_answer(score):
    metrics = score([None, {"LOC": ["Oslo"]}])
    assert metrics["documents"]["unanswered"] == 1
    assert metrics["issues"]["row that is null: scored as no answer"]["count"] == 1
    assert metrics["schemes"]["strict"]["missed"] == 4


def test_entity_lists_with_texts_need_no_order(score):
    rows = [
        {
            "text": doc.text,
            "entities": {
                label: [ent.text for ent in doc.ents if ent.label_ == label] for label in ("PER", "LOC")
            },
        }
        for doc in reversed(GOLDS)
    ]
    assert score(rows)["schemes"]["strict"]["f1"] == 1.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"LOC": []}], "E927.*1 rows for 2 gold"),
        ([{"LOC": []}, ["Oslo"]], "E926.*:2"),
        ([{"LOC": []}, {"LOC": [3]}], "E926.*:2.*3"),
        ([{"LOC": []}, {"Oslo": "LOC"}], "E926.*Oslo"),
        ([{"LOC": []}, {"text": "Lima", "LOC": []}], "E928.*Lima"),
        ([{"text": "Lima", "LOC": []}, {"text": "Oslo is cold", "LOC": []}], "E929.*Ann Lee met"),
    ],
)
def test_entity_lists_that_cannot_be_meant_are_refused(score, rows, message):
    with pytest.raises(UserError, match=message):
        score(rows)


def test_entity_lists_have_no_settings(score):
    with pytest.raises(UserError, match="E930"):
        score([{}, {}], overrides=["nlp.batch_size=1"])


def test_entity_lists_of_an_array_score_as_lines_do(tmp_path):
    path, corpus = tmp_path / "replies.json", tmp_path / "gold.spacy"
    path.write_text(json.dumps([{"PER": ["Bo"]}, {"LOC": ["Oslo"]}], indent=2), encoding="utf8")
    save_docs(GOLDS, corpus)
    metrics = evaluate(path, corpus, tmp_path / "metrics.json", resamples=0)
    assert metrics["schemes"]["strict"]["correct"] == 2
    assert (tmp_path / "metrics-predictions.spacy").exists()


WORDS = ("Ann", "Bo", "in", "Rome", "left")
TAGS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from(("O", "B-PER", "B-LOC"))), min_size=1, max_size=12
)


@given(
    tagged=TAGS,
    listed=st.lists(st.tuples(st.sampled_from((*WORDS, "Cy")), st.sampled_from(("PER", "LOC"))), max_size=6),
)
def test_entity_lists_lose_no_entity(tmp_path_factory, tagged, listed):
    words, tags = zip(*tagged, strict=True)
    lists = {label: [text for text, other in listed if other == label] for label in ("PER", "LOC")}
    path = tmp_path_factory.mktemp("lists") / "replies.jsonl"
    path.write_text(json.dumps(lists), encoding="utf8")
    metrics = evaluate(path, [Doc(VOCAB, words=list(words), ents=list(tags))], resamples=0)
    for scheme in ("strict", "fuzzy"):
        counts = metrics["schemes"][scheme]
        assert counts["correct"] + counts["incorrect"] + counts["spurious"] == len(listed)
        assert counts["correct"] + counts["incorrect"] + counts["missed"] == sum(tag != "O" for tag in tags)
