import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.counting.schemes import count_entities
from spacy_ner_plus.evaluation.errors.slices import (
    LETTERLESS,
    LOWER,
    MIXED,
    SEEN,
    SEEN_OTHERWISE,
    TITLE,
    UNSEEN,
    UPPER,
    all_slices,
    capitals,
    slice_scores,
)
from spacy_ner_plus.evaluation.errors.surface_forms import count_uses
from tests.evaluation.strategies import make_gold, match, tag_pairs


def test_slices_score_by_length():
    doc = match("a b c d e f", "B-X O B-X I-X O B-X", "B-X O B-X O O B-Y")
    rows = all_slices([doc])["length"]
    assert list(rows) == ["1 token", "2 tokens"]
    assert (rows["1 token"]["correct"], rows["1 token"]["predicted"], rows["1 token"]["support"]) == (1, 3, 2)
    assert rows["2 tokens"]["f1"] == 0.0


def test_slices_part_seen_from_unseen_forms():
    train = count_uses([make_gold("Bo is in Rome in May", "B-PER O O B-LOC O O")])
    doc = match("Bo Rome Al May", "B-PER B-PER B-PER B-PER", "B-PER B-PER O B-PER")
    rows = all_slices([doc], train)["training"]
    assert {value: (row["correct"], row["support"]) for value, row in rows.items()} == {
        SEEN: (1, 1), SEEN_OTHERWISE: (1, 1), UNSEEN: (1, 2)
    }  # fmt: skip


def test_slices_without_a_training_corpus_say_nothing_of_it():
    assert "training" not in all_slices([match("a", "B-X", "B-X")])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("oslo", LOWER), ("OSLO", UPPER), ("X", UPPER), ("New York", TITLE), ("Bank of Oslo", MIXED), ("iPhone", MIXED),
        ("McDonald", MIXED), ("1996-08-30", LETTERLESS), ("U.S.", UPPER), ("Élan 2", TITLE), ("東京", LETTERLESS),
        ("@sky", LOWER), ("", LETTERLESS),
    ],
)  # fmt: skip
def test_slices_know_capitals(text, kind):
    assert capitals(text) == kind


def test_slices_score_by_the_length_of_documents():
    short, long = match("a b", "B-X O", "B-X O", 1), match(["w"] * 600, ["B-X"] * 600, ["O"] * 600, 2)
    rows = all_slices([short, long])["document_length"]
    assert list(rows) == ["1 to 32 tokens", "513 tokens and more"]
    assert [row["f1"] for row in rows.values()] == [1.0, 0.0]


def test_slices_score_by_how_frequent_labels_are_in_training():
    train = count_uses([make_gold(["w"] * 150, ["B-X"] * 120 + ["B-Y"] * 30)])
    rows = all_slices([match("a b", "B-X B-Y", "B-X O")], train)["label_frequency"]
    assert {value: row["support"] for value, row in rows.items()} == {
        "rare label (below 100)": 1, "middling label (100 to 999)": 1
    }  # fmt: skip
    assert list(all_slices([match("a b", "B-X B-Y", "B-X O")])["label_frequency"]) == [
        "rare label (below 100)"
    ]


@settings(max_examples=80, deadline=None)
@given(st.lists(tag_pairs(), min_size=1, max_size=3))
def test_slices_add_up_to_the_strict_scores(pairs):
    docs = [match(["w"] * len(gold), gold, predicted) for gold, predicted in pairs]
    strict = sum((count_entities(doc) for doc in docs), Counts())
    for rows in [*all_slices(docs).values(), slice_scores(docs, lambda entity, doc: entity.label)]:
        together = [sum(row[key] for row in rows.values()) for key in ("correct", "predicted", "support")]
        assert together == [strict.correct, strict.actual, strict.possible]
