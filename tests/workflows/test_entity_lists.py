"""Predictions without offsets: each entity of a row is scored, wherever the text has it, and also where it doesn't."""

import json

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.corpus import load_docs, save_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.matching.matched_doc import match_docs
from spacy_ner_plus.evaluation.metrics.metrics import Metrics
from spacy_ner_plus.workflows.compare import compare
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


def by_text(doc, **lists):
    return {"text": doc.text, **lists}


def test_entity_lists_of_texts_that_gold_lacks_are_counted(score):
    rows = [
        by_text(GOLDS[1], LOC=["Oslo"]),
        {"text": "Lima", "LOC": ["Lima"]},
        by_text(GOLDS[0]),
        by_text(GOLDS[0]),
    ]
    metrics = score(rows)
    issue = metrics["issues"]["row that no gold document is left for: not scored"]
    assert (issue["count"], issue["example"], issue["where"]) == (2, "Lima", "replies.jsonl:2")
    assert metrics["schemes"]["strict"]["correct"] == 1


def test_entity_lists_of_one_text_twice_go_to_both_its_documents(score):
    rows = [by_text(GOLDS[1], LOC=["Oslo"]), by_text(GOLDS[1])]
    counts = score(rows, [GOLDS[1], GOLDS[1]])["schemes"]["strict"]
    assert (counts["correct"], counts["missed"]) == (1, 1)


def test_entity_lists_of_a_text_in_another_spelling_are_its_own(score):
    """A notebook reads decomposed characters, other quotes, or joins tokens its own way."""
    golds = [
        gold("Zo\u00e9 met Bo in \u201cRome\u201d .", ["B-PER", "O", "B-PER", "O", "B-LOC", "O"]),
        GOLDS[1],
    ]
    text = 'Zoe\u0301 met Bo in "Rome".'
    lists = {"PER": ["Zoe\u0301", "Bo"], "LOC": ["\u201cRome\u201d"]}
    for rows in (
        [{"text": "Oslo is cold", "LOC": ["Oslo"]}, {"text": text, **lists}],
        [{"text": text, **lists}, {"LOC": ["Oslo"]}],
    ):
        assert score(rows, golds)["schemes"]["strict"]["f1"] == 1.0


def test_entity_lists_keep_both_lists_of_a_label_that_stands_twice(tmp_path):
    path = tmp_path / "replies.jsonl"
    rows = [
        '{"PER": ["Ann Lee"], "LOC": ["Rome"], "PER": ["Bo", "Ann Lee"]}',
        '{"entities": {"LOC": [], "LOC": ["Oslo"]}}',
    ]
    path.write_text("\n".join(rows), encoding="utf8")
    assert evaluate(path, GOLDS, resamples=0)["schemes"]["strict"]["f1"] == 1.0


def test_entity_lists_take_a_label_map_for_entities_without_a_place_too(score):
    rows = [
        {"PERSON": ["Ann Lee", "Bo", "Ann Lee", "Cy"], "LOC": ["Rome"], "DATE": ["today"]},
        {"LOC": ["Oslo"]},
    ]
    metrics = score(rows, label_map={"PERSON": "PER", "DATE": None})
    assert set(metrics["labels"]) == {"PER", "LOC"}
    counts = metrics["schemes"]["fuzzy"]
    assert (counts["correct"], counts["spurious"], counts["missed"]) == (5, 1, 0)


def test_entity_lists_rename_labels_once(score):
    rows = [{"LOC": ["Ann Lee", "Bo", "Ann Lee"], "PER": ["Rome"]}, {"PER": ["Oslo"]}]
    assert score(rows, label_map={"PER": "LOC", "LOC": "PER"})["schemes"]["strict"]["f1"] == 1.0


def test_entity_lists_without_a_text_are_counted(score):
    metrics = score([{"PER": ["Ann Lee", ""], "LOC": [" "]}, {"PER": "", " LOC ": ["Oslo"]}])
    assert metrics["issues"]["entity without a text: left out"]["count"] == 3
    assert (metrics["schemes"]["strict"]["correct"], metrics["schemes"]["strict"]["spurious"]) == (2, 0)


def test_entity_lists_of_more_documents_than_the_limit_are_those_of_the_first(score):
    assert score([{"PER": ["Bo"]}, {"LOC": ["Oslo"]}], limit=1)["schemes"]["strict"]["correct"] == 1


def test_entity_lists_are_compared_as_they_were_scored(tmp_path):
    """The page matches predictions anew: those without a place are among them."""
    corpus, metrics = tmp_path / "gold.spacy", []
    save_docs(GOLDS, corpus)
    for name, listed in (("one", ["Ann Lee", "Cy", "Di"]), ("two", ["Ann Lee"])):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(json.dumps({"PER": listed}) + "\n{}\n", encoding="utf8")
        metrics.append(tmp_path / f"{name}-metrics.json")
        evaluate(path, corpus, metrics[-1], resamples=0)
    predicted = load_docs(tmp_path / "one-metrics-predictions.spacy", VOCAB)
    assert [len(doc.predicted) for doc in match_docs(GOLDS, predicted)] == [3, 0]
    comparison = compare(*metrics, gold=corpus, resamples=10, rounds=10)
    (row,) = (row for row in comparison["pairs"] if row["label"] == "PER")
    one, other = (Metrics.from_file(path)["labels"]["PER"]["strict"]["f1"] for path in metrics)
    # From the better to the other.
    assert row["difference"] == pytest.approx(abs(one - other))


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
