import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.export.answers import (
    NO_FEEDBACK,
    NOT_GOOD,
    OF_DRY_RUN,
    OTHER_COMPONENT,
    OTHER_LABEL,
    OTHER_VARIANT,
    OVERLAPPING,
    PARTLY,
    WORSE,
    good_answers,
    only_whole,
)
from spacy_ner_plus.llm.store.metrics import Metric
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.llm.store.text_hash import text_hash
from spacy_ner_plus.spans import CharSpan
from tests.learning.export.stored import ANNA, OSLO, TEXT, answered


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.sqlite") as opened:
        yield opened


def choose(store, metric="jaccard", least=0.5, **given):
    left_out = IssueLog()
    answers = good_answers(store, metric=metric, least=least, left_out=left_out, **given)
    return answers, {kind: issue.count for kind, issue in left_out}


def test_answers_are_those_that_are_good_enough(store):
    for number, value in enumerate([0.4, 0.5, None]):
        inference = answered(store, f"{TEXT} {number}")
        if value is not None:
            store.feedback.add(inference.id, "jaccard", value)
    answers, left_out = choose(store)
    assert [answer.inference.text for answer in answers] == [f"{TEXT} 1"]
    assert left_out == {NOT_GOOD: 1, NO_FEEDBACK: 1}


def test_answers_have_what_is_right_in_place_of_what_was_wrong(store):
    wrong = answered(store, entities=(ANNA,))
    store.feedback.add(wrong.id, "jaccard", 0.0)
    store.feedback.add(wrong.id, "demonstration", (ANNA, CharSpan(5, 10, "VERB")))
    store.feedback.add(wrong.id, "demonstration", (OSLO, ANNA, CharSpan(5, 10, "VERB")))
    right = answered(store, f"{TEXT} Yes.")
    store.feedback.add(right.id, "demonstration", (ANNA, OSLO))
    answers, left_out = choose(store)
    assert {answer.inference.id: (answer.entities, answer.is_corrected) for answer in answers} == {
        wrong.id: ((ANNA, OSLO), True),
        right.id: ((ANNA, OSLO), False),
    }
    # The question was about PER and LOC alone.
    assert left_out == {OTHER_LABEL: 1}


def test_answers_are_one_a_text_the_corrected_one_first(store):
    first, second = (answered(store, variant=name, raw=name, created=5.0) for name in "ab")
    third = answered(store, variant="c", entities=(ANNA,), created=1.0)
    for inference, value in ((first, 0.9), (second, 0.8), (third, 0.1)):
        store.feedback.add(inference.id, "jaccard", value)
    assert [answer.inference.variant for answer in choose(store)[0]] == ["a"]
    assert [answer.inference.variant for answer in choose(store, variants=["b"])[0]] == ["b"]
    assert choose(store, variants=["b"])[1] == {OTHER_VARIANT: 2}
    store.feedback.add(third.id, "demonstration", (ANNA, OSLO))
    answers, left_out = choose(store)
    assert [answer.inference.variant for answer in answers] == ["c"]
    assert left_out == {WORSE: 2}


def test_answers_never_are_of_dry_runs_or_overlap(store):
    dry = answered(store)
    store.dry_texts.add([text_hash(TEXT.upper()), dry.text_hash])
    mixed = answered(store, f"{TEXT} 2", entities=(ANNA, CharSpan(2, 6, "LOC")))
    for inference in (dry, mixed):
        store.feedback.add(inference.id, "jaccard", 1.0)
    assert choose(store) == ([], {OF_DRY_RUN: 1, OVERLAPPING: 1})


def test_answers_are_chosen_by_metrics_of_any_kind(store):
    store.feedback.declare(Metric("minutes", "float", optimize="min"))
    store.feedback.declare(Metric("solved", "boolean", level="episode"))
    one, other = answered(store, episode="x"), answered(store, f"{TEXT} 2", episode="y")
    for inference, minutes in ((one, 3.0), (other, 5.0)):
        store.feedback.add(inference.id, "minutes", minutes)
    store.feedback.add("y", "solved", True)
    assert [answer.inference.id for answer in choose(store, "minutes", 3.0)[0]] == [one.id]
    assert [answer.inference.id for answer in choose(store, "solved", 1.0)[0]] == [other.id]
    for metric in ("comment", "nope"):
        with pytest.raises(UserError, match=r"E860.*exact_match"):
            choose(store, metric)


def test_answers_to_a_part_of_a_text_are_no_whole_ones_until_they_are_corrected(store):
    inference = answered(store, valid=False, failure="cut")
    store.feedback.add(inference.id, "jaccard", 1.0)
    left_out = IssueLog()
    assert list(only_whole(choose(store)[0], left_out)) == []
    assert left_out[PARTLY] == 1
    store.feedback.add(inference.id, "demonstration", (ANNA, OSLO))
    (answer,) = only_whole(choose(store)[0], left_out)
    assert answer.is_corrected


def test_answers_of_several_components_are_never_mixed(store):
    for component in ("ner", "second"):
        inference = answered(store, component=component)
        store.feedback.add(inference.id, "jaccard", 1.0)
    with pytest.raises(UserError, match=r"E842.*--component.*'ner', 'second'"):
        choose(store)
    answers, left_out = choose(store, component="second")
    assert [answer.inference.component for answer in answers] == ["second"]
    assert left_out == {OTHER_COMPONENT: 1}
    with pytest.raises(UserError, match=r"E842.*none of 'third'"):
        choose(store, component="third")
