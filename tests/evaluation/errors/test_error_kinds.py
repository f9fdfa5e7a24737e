import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.errors.error_kinds import ERROR_KINDS, find_errors, summarize_errors
from spacy_ner_plus.evaluation.errors.surface_forms import count_uses
from spacy_ner_plus.evaluation.matching.gold_doc import read_golds
from spacy_ner_plus.evaluation.matching.matched_doc import match_doc, match_docs
from tests.evaluation.strategies import VOCAB, make_doc, match, tag_pairs

WORDS = "a b c d e f"
KINDS = {
    "missed": ("B-X I-X O O O O", "O O O O O O"),
    "spurious": ("O O O O O O", "B-X I-X O O O O"),
    "wrong label": ("B-X I-X O O O O", "B-Y I-Y O O O O"),
    "boundary too long": ("O B-X I-X O O O", "O B-X I-X I-X O O"),
    "boundary too short": ("O B-X I-X I-X O O", "O O B-X O O O"),
    "boundary shifted": ("B-X I-X O O O O", "O B-X I-X O O O"),
    "wrong label and boundary": ("B-X I-X O O O O", "O B-Y I-Y O O O"),
    "split": ("B-X I-X I-X O O O", "B-X O B-Y O O O"),
    "merged": ("B-X B-X O O O O", "B-X I-X O O O O"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_error_kinds_name_each_kind(kind):
    (error,) = find_errors([match(WORDS, *KINDS[kind], number=7)])
    assert (error.kind, error.document) == (kind, 7)


def test_error_kinds_keep_all_parts_of_what_is_split_or_merged():
    (split,) = find_errors([match(WORDS, *KINDS["split"])])
    assert (len(split.golds), len(split.predicted)) == (1, 2)
    (merged,) = find_errors([match(WORDS, *KINDS["merged"])])
    assert (len(merged.golds), len(merged.predicted)) == (2, 1)


def test_error_kinds_pair_a_chain_as_the_type_scheme_does():
    # The second prediction lies over two gold entities, of which one is split: neither split nor merged.
    errors = find_errors([match(WORDS, "B-X I-X I-X B-X I-X O", "B-X O B-X I-X O O")])
    assert [error.kind for error in errors] == ["boundary too short", "boundary shifted"]


def test_error_kinds_know_the_wrong_occurrence():
    doc = match("Rome , Rome , Rome", "O O O O B-LOC", "B-LOC O B-LOC O O")
    errors = find_errors([doc])
    assert [error.kind for error in errors] == ["spurious", "wrong occurrence"]
    # The nearest.
    assert errors[1].predicted[0].start == 2


def test_error_kinds_give_no_occurrence_where_the_text_is_another():
    doc = match_doc(make_doc("Rome b", "B-LOC O"), make_doc("Rome z", "B-LOC O"))
    assert sorted(error.kind for error in find_errors([doc])) == ["missed", "spurious"]


def test_error_kinds_take_a_prediction_inside_a_token_for_too_short():
    gold = Doc(VOCAB, words=["U.S.-based"], spaces=[False], ents=["B-LOC"])
    predicted = Doc(VOCAB, words=["U.S.", "-based"], spaces=[False, False], ents=["B-LOC", "O"])
    assert [error.kind for error in find_errors([match_doc(gold, predicted)])] == ["boundary too short"]


@pytest.mark.parametrize(
    ("kind", "predicted", "unclear"),
    [
        ("wrong label", "B-LOC O O O O", True),
        ("wrong label", "B-ORG O O O O", False),
        ("spurious", "B-PER O B-PER O O", True),
        ("spurious", "B-PER O O O B-PER", False),
        ("missed", "O O O O O", True),
    ],
)
def test_error_kinds_say_where_gold_has_it_both_ways(kind, predicted, unclear):
    golds = [make_doc("Jordan and Jordan met Lee", "B-PER O O O O"), make_doc("Jordan", "B-LOC")]
    predictions = [make_doc("Jordan and Jordan met Lee", predicted), golds[1]]
    (error,) = find_errors(match_docs(golds, predictions), count_uses(read_golds(golds)))
    assert (error.kind, error.unclear) == (kind, unclear)


@settings(max_examples=150, deadline=None)
@given(st.lists(tag_pairs(), min_size=1, max_size=3))
def test_error_kinds_hold_each_wrong_entity_once(pairs):
    for gold, predicted in pairs:
        doc = match(["w"] * len(gold), gold, predicted)
        errors = find_errors([doc])
        right = {(s.start, s.end, s.label) for s in doc.gold.ents} & {
            (s.start, s.end, s.label) for s in doc.predicted
        }
        for side, all_spans in (("golds", doc.gold.ents), ("predicted", doc.predicted)):
            wrong = [span for span in all_spans if (span.start, span.end, span.label) not in right]
            assert sorted(span for error in errors for span in getattr(error, side)) == sorted(wrong)
        assert {error.kind for error in errors} <= set(ERROR_KINDS)


def test_error_kinds_are_summed_up_with_examples_from_all_over():
    docs = [match(f"a b c w{i}", "B-X O O O", "O O O O", number=i) for i in range(1, 11)]
    summary = summarize_errors(find_errors(docs), docs, examples=2)
    assert summary["total"] == 10
    missed = summary["kinds"]["missed"]
    assert (missed["count"], missed["labels"]) == (10, {"X": 10})
    assert [example["document"] for example in missed["examples"]] == [1, 6]
    assert missed["examples"][0] == {
        "kind": "missed",
        "document": 1,
        "gold": [{"start": 0, "end": 1, "label": "X", "text": "a"}],
        "predicted": [],
        "unclear": False,
        "before": "",
        "after": "b c w1",
    }
    assert summarize_errors(find_errors(docs), docs, examples=0)["kinds"]["missed"]["examples"] == []


def test_error_kinds_tell_what_gold_has_of_an_unclear_form():
    golds = [make_doc("May is in May", "B-PER O O O")]
    matched = match_docs(golds, [make_doc("May is in May", "O O O O")])
    forms = count_uses(read_golds(golds))
    unclear = summarize_errors(find_errors(matched, forms), matched, forms)["unclear"]
    assert unclear["count"] == 1
    assert unclear["examples"][0]["uses"] == {"PER": 1, "no entity": 1}
