from itertools import islice

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from nervaluate import Evaluator
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.data.formats.conll.conll import conll_to_docs
from spacy_ner_plus.errors import UserError
from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.counting.schemes import (
    BY_POSITION,
    check_similarity_threshold,
    count_entities,
    count_fuzzy,
    count_labels,
    count_tags,
    count_tokens,
    exact_match,
    jaccard,
    pair_entities,
)
from spacy_ner_plus.evaluation.counting.seqeval_scores import seqeval_scores
from spacy_ner_plus.evaluation.matching.matched_doc import match_doc, match_docs
from spacy_ner_plus.issues import IssueLog
from tests.evaluation.strategies import VOCAB, entity, make_doc, match, matched, spans, tag_pairs

# Theirs by ours.
NERVALUATE = {"strict": "strict", "exact": "exact", "partial": "partial", "type": "ent_type"}


def ask_nervaluate(golds, predictions, labels=("X", "Y")):
    """Its overall counts by our names of schemes; its ends are inclusive."""

    def rows(docs):
        return [[{"label": s.label, "start": s.start, "end": s.end - 1} for s in doc] for doc in docs]

    found = Evaluator(rows(golds), rows(predictions), tags=list(labels), loader="dict").evaluate()["overall"]
    return {scheme: found[theirs] for scheme, theirs in NERVALUATE.items()}


def as_counts(result) -> Counts:
    return Counts(result.correct, result.incorrect, result.partial, result.missed, result.spurious)


# The scenarios of SemEval-2013 task 9.1: correct, incorrect, partial, missed, spurious by scheme.
SCENARIOS = {
    "same bounds and label": ((0, 2, "X"), (0, 2, "X"), [(1, 0), (1, 0), (1, 0), (1, 0)]),
    "another label": ((0, 2, "X"), (0, 2, "Y"), [(0, 1), (1, 0), (1, 0), (0, 1)]),
    "other bounds": ((0, 2, "X"), (1, 3, "X"), [(0, 1), (0, 1), (0, 0, 1), (1, 0)]),
    "other bounds and label": ((0, 2, "X"), (1, 3, "Y"), [(0, 1), (0, 1), (0, 0, 1), (0, 1)]),
    "beside": ((0, 2, "X"), (2, 3, "X"), [(0, 0, 0, 1, 1)] * 4),
    "missed": ((0, 2, "X"), None, [(0, 0, 0, 1)] * 4),
    "spurious": (None, (0, 2, "X"), [(0, 0, 0, 0, 1)] * 4),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_schemes_count_the_scenarios_of_semeval(scenario):
    gold, predicted, expected = SCENARIOS[scenario]
    golds, found = ([entity(*span)] if span else [] for span in (gold, predicted))
    for scheme, counts in zip(BY_POSITION, expected, strict=True):
        assert count_entities(matched(golds, found), scheme) == Counts(*counts), scheme


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(spans(), spans()), min_size=1, max_size=4))
def test_schemes_strict_exact_and_partial_equal_nervaluate(docs):
    theirs = ask_nervaluate(*zip(*docs, strict=True))
    for scheme in ("strict", "exact", "partial"):
        ours = sum((count_entities(matched(golds, predicted), scheme) for golds, predicted in docs), Counts())
        assert ours == as_counts(theirs[scheme]), scheme
        assert ours.f1 == pytest.approx(theirs[scheme].f1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(spans(), spans()), min_size=1, max_size=4))
def test_schemes_type_never_falls_behind_nervaluate(docs):
    theirs = ask_nervaluate(*zip(*docs, strict=True))["type"]
    ours = sum((count_entities(matched(golds, predicted), "type") for golds, predicted in docs), Counts())
    assert ours.correct >= theirs.correct
    assert (ours.possible, ours.actual) == (theirs.possible, theirs.actual)


@settings(max_examples=200, deadline=None)
@given(spans(), spans())
def test_schemes_type_equals_nervaluate_where_nothing_overlaps_two(golds, predicted):
    pairs = [(g, p) for g in golds for p in predicted if g.start < p.end and p.start < g.end]
    if len({g for g, _ in pairs}) == len({p for _, p in pairs}) == len(pairs):
        theirs = ask_nervaluate([golds], [predicted])["type"]
        assert count_entities(matched(golds, predicted), "type") == as_counts(theirs)


def test_schemes_nervaluate_takes_the_nearest_and_leaves_the_next_alone():
    golds, predicted = [entity(0, 2), entity(2, 8)], [entity(1, 6), entity(6, 8)]
    assert ask_nervaluate([golds], [predicted])["type"].correct == 1
    assert count_entities(matched(golds, predicted), "type") == Counts(correct=2)


def test_schemes_nervaluate_gives_a_gold_entity_to_the_first_wrong_label():
    golds, predicted = [entity(0, 10)], [entity(0, 4, "Y"), entity(5, 10)]
    assert ask_nervaluate([golds], [predicted])["type"].correct == 0
    assert count_entities(matched(golds, predicted), "type") == Counts(correct=1, spurious=1)


def test_schemes_nervaluate_takes_neighbours_for_overlaps_where_ends_are_exclusive():
    gold, predicted = {"label": "X", "start": 0, "end": 3}, {"label": "X", "start": 3, "end": 6}
    theirs = Evaluator([[gold]], [[predicted]], tags=["X"], loader="dict").evaluate()["overall"]
    assert theirs["ent_type"].correct == 1
    assert count_entities(matched([entity(0, 3)], [entity(3, 6)]), "type") == Counts(missed=1, spurious=1)


def test_schemes_nervaluate_forgets_labels_that_it_was_not_told_of():
    golds, predicted = [entity(0, 1)], [entity(2, 3, "Y")]
    assert ask_nervaluate([golds], [predicted], labels=["X"])["strict"].spurious == 0
    assert count_entities(matched(golds, predicted)) == Counts(missed=1, spurious=1)


def test_schemes_nervaluate_sees_no_overlap_below_a_hundredth():
    golds, predicted = [entity(0, 150)], [entity(0, 1)]
    assert ask_nervaluate([golds], [predicted])["partial"].partial == 0
    assert count_entities(matched(golds, predicted), "partial") == Counts(partial=1)


def docs_of(pairs):
    words = [["w"] * len(gold) for gold, _ in pairs]
    return [[make_doc(w, pair[side]) for w, pair in zip(words, pairs, strict=True)] for side in (0, 1)]


@settings(max_examples=100, deadline=None)
@given(st.lists(tag_pairs(), min_size=1, max_size=4))
def test_schemes_strict_equals_spacy_seqeval_and_nervaluate(pairs):
    golds, predictions = docs_of(pairs)
    ours = sum((count_entities(doc) for doc in match_docs(golds, predictions)), Counts())
    seqeval = seqeval_scores(match_docs(golds, predictions))
    assert (ours.correct, ours.actual, ours.possible) == tuple(
        seqeval[key] for key in ("correct", "predicted", "support")
    )
    spacys = get_ner_prf([Example(p, g) for p, g in zip(predictions, golds, strict=True)])
    assert ours.f1 == pytest.approx(seqeval["f1"])
    assert ours.f1 == pytest.approx(spacys["ents_f"] or 0.0)
    nervaluate = Evaluator([g for g, _ in pairs], [p for _, p in pairs], tags=["X", "Y"], loader="list")
    assert ours == as_counts(nervaluate.evaluate()["overall"]["strict"])


def test_schemes_agree_with_all_tools_on_news(data_dir):
    with (data_dir / "conllpp" / "dev.txt").open(encoding="utf8") as file:
        golds = list(islice(conll_to_docs(file, spacy.blank("en"), issues=IssueLog(), where="dev.txt"), 40))
    predictions = [worsen(gold) for gold in golds]
    docs = match_docs(golds, predictions)
    theirs = ask_nervaluate(
        [doc.gold.ents for doc in docs], [doc.predicted for doc in docs], labels=("PER", "LOC", "ORG", "MISC")
    )
    seqeval = seqeval_scores(match_docs(golds, predictions))
    spacys = get_ner_prf([Example(p, g) for p, g in zip(predictions, golds, strict=True)])
    for scheme in BY_POSITION:
        ours = sum((count_entities(doc, scheme) for doc in docs), Counts())
        assert ours == as_counts(theirs[scheme]), scheme
        if scheme == "strict":
            assert 0.3 < ours.f1 < 0.9
            assert ours.f1 == pytest.approx(seqeval["f1"]) == pytest.approx(spacys["ents_f"])


def worsen(gold):
    """Every fifth entity missed, every fourth with another label, every third too long."""
    doc = Doc(gold.vocab, words=[token.text for token in gold], spaces=[bool(t.whitespace_) for t in gold])
    found = []
    for k, ent in enumerate(gold.ents):
        limit = gold.ents[k + 1].start if k + 1 < len(gold.ents) else len(gold)
        if k % 5:
            end = min(ent.end + (k % 3 == 0), limit)
            found.append(Span(doc, ent.start, end, "MISC" if k % 4 == 0 else ent.label_))
    doc.set_ents(found)
    return doc


@settings(max_examples=60, deadline=None)
@given(st.lists(tag_pairs(), min_size=1, max_size=3))
def test_schemes_labels_add_up_to_all_under_strict(pairs):
    for doc in match_docs(*docs_of(pairs)):
        overall, labels = count_entities(doc), count_labels(doc).values()
        together = sum(labels, Counts())
        assert (together.correct, together.actual, together.possible) == (
            overall.correct, overall.actual, overall.possible
        )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(tag_pairs(), min_size=1, max_size=3))
def test_schemes_token_accuracy_is_that_of_the_strict_scores(pairs):
    golds, predictions = docs_of(pairs)
    counts = [count_tags(doc) for doc in match_docs(golds, predictions)]
    right, compared = map(sum, zip(*counts, strict=True))
    assert right / compared == seqeval_scores(match_docs(golds, predictions))["token_accuracy"]


def test_schemes_never_take_a_widened_prediction_for_right():
    gold = Doc(VOCAB, words=["the", "U.S.-based"], ents=["O", "B-LOC"])
    predicted = Doc(
        VOCAB, words=["the", "U.S.", "-based"], spaces=[True, False, True], ents=["O", "B-LOC", "O"]
    )
    doc = match_doc(gold, predicted)
    counts = [count_entities(doc, scheme) for scheme in BY_POSITION]
    assert counts == [Counts(0, 1), Counts(0, 1), Counts(partial=1), Counts(1)]
    assert count_tokens(doc) == Counts(incorrect=1)


def test_schemes_pair_the_same_label_before_the_greater_overlap():
    golds, predicted = [entity(0, 6)], [entity(0, 4, "Y"), entity(5, 6, "X")]
    assert pair_entities(matched(golds, predicted).overlaps, "exact") == [(0, 1, 0)]


def test_schemes_refuse_a_scheme_that_there_is_none_of():
    with pytest.raises(ValueError, match="'loose' is no scheme"):
        count_entities(matched([entity(0, 1)], [entity(0, 1)]), "loose")


def test_schemes_count_tokens_inside_entities():
    doc = match("a b c d e", "B-X I-X O B-X B-Y", "O B-X B-Y B-X B-X")
    assert count_tokens(doc) == Counts(correct=2, incorrect=1, missed=1, spurious=1)


def test_schemes_count_predictions_on_a_changed_text_as_spurious():
    doc = match_doc(make_doc("a b", "B-X O"), make_doc("a z", "B-X O"))
    assert count_entities(doc) == Counts(missed=1, spurious=1)
    assert count_tokens(doc) == Counts(missed=1, spurious=1)


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("anna  SMITH", "X", Counts(correct=1)),
        ("Anna Smyth", "X", Counts(correct=1)),
        ("Anna Smith", "Y", Counts(incorrect=1)),
        ("Anna", "X", Counts(missed=1, spurious=1)),
    ],
)
def test_schemes_fuzzy_goes_by_text(text, label, expected):
    gold, predicted = entity(0, 2, text="Anna Smith"), entity(7, 9, label, text)
    assert count_fuzzy(matched([gold], [predicted])) == expected


def test_schemes_fuzzy_threshold_decides():
    gold, predicted = [entity(0, 2, text="Anna Smith")], [entity(0, 1, text="Anna")]
    assert count_fuzzy(matched(gold, predicted), similarity_threshold=0.5) == Counts(correct=1)


def test_schemes_fuzzy_pairs_each_mention_once_and_best():
    golds = [entity(0, 1, text="abcdefghij"), entity(2, 3, text="abcdefghik")]
    predicted = [entity(0, 1, text="abcdefghik"), entity(5, 6, text="abcdefghil")]
    assert count_fuzzy(matched(golds, predicted)) == Counts(correct=2)
    assert count_fuzzy(matched(golds[:1], predicted)) == Counts(correct=1, spurious=1)


@pytest.mark.parametrize("threshold", [0, -1, 1.01, 90])
def test_schemes_refuse_a_threshold_out_of_range(threshold):
    with pytest.raises(UserError, match=r"E316.*up to 1"):
        check_similarity_threshold(threshold)


@pytest.mark.parametrize(
    ("words", "gold", "predicted", "exact", "similarity"),
    [
        ("Bo or Al", "O O O", "O O O", True, 1.0),
        ("Bo or Al", "B-X O B-Y", "B-X O B-Y", True, 1.0),
        # A set for the one, a multiset for the other.
        ("Bo or Bo", "B-X O B-X", "B-X O O", True, 0.5),
        ("Bo or Al", "B-X O B-Y", "B-X O O", False, 0.5),
        ("Bo or Al", "B-X O O", "B-Y O O", False, 0.0),
    ],
)
def test_schemes_compare_whole_documents_as_tensorzero_does(words, gold, predicted, exact, similarity):
    doc = match(words, gold, predicted)
    assert (exact_match(doc), jaccard(doc)) == (exact, similarity)


def test_schemes_take_no_answer_for_wrong():
    doc = match_doc(make_doc("a", "O"), Doc(VOCAB, words=["a"]))
    assert (exact_match(doc), jaccard(doc)) == (False, 0.0)
