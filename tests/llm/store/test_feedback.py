import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.store.metrics import Metric
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan
from tests.llm.store.test_inferences import TEXT, make_inference


@pytest.fixture
def store(store_place):
    with Store(store_place) as opened:
        yield opened


def add(store, **given) -> str:
    inference = make_inference(**given)
    store.inferences.add(inference)
    return inference.id


def test_feedback_of_every_kind_comes_back(store):
    id = add(store)
    spans = (CharSpan(0, 4, "PER"), CharSpan(14, 18, "LOC"))
    given = [
        store.feedback.add(id, "exact_match", False, source="gold"),
        store.feedback.add(id, "jaccard", 1),
        store.feedback.add(id, "comment", "\0 better"),
        store.feedback.add("letters", "comment", "all of them"),
        store.feedback.add(id, "demonstration", [list(span) for span in spans]),
    ]
    assert [one.value for one in given] == [False, 1.0, "\0 better", "all of them", spans]
    assert store.feedback.of(id) == [one for one in given if one.target == id]
    assert list(store.feedback.all(batch=2)) == given
    assert store.feedback.latest("comment") == {one.target: one for one in given[2:4]}
    assert type(store.feedback.latest("exact_match")[id].value) is bool


def test_feedback_takes_the_spans_of_a_doc_of_the_same_text(store):
    id, nlp = add(store), spacy.blank("en")
    doc, other = nlp.make_doc(TEXT), nlp.make_doc(f"{TEXT} And so on.")
    spans = [doc.char_span(0, 4, label="PER"), doc.char_span(14, 18, label="LOC")]
    assert store.feedback.add(id, "demonstration", spans).value == ((0, 4, "PER"), (14, 18, "LOC"))
    with pytest.raises(UserError, match=r"E805.*19 characters"):
        store.feedback.add(id, "demonstration", [other.char_span(0, 4, label="PER")])


def test_feedback_given_last_counts_and_snapshots_stay(store):
    id = add(store)
    store.feedback.add(id, "jaccard", 0.25)
    before = store.position()
    store.feedback.add(id, "jaccard", 0.75)
    assert store.feedback.latest("jaccard")[id].value == 0.75
    assert store.feedback.latest("jaccard", upto=before)[id].value == 0.25
    assert store.feedback.totals("jaccard") == {"small": (1, 0.75)}


def test_feedback_that_cannot_be_meant_is_refused(store):
    id = add(store)
    store.feedback.declare(Metric("edits", "float", "episode", "min", lower=0))
    wrong = [
        ("no such id", "exact_match", True, "E802.*no such id"),
        (id, "accuracy", 0.5, "E804.*accuracy.*exact_match.*edits"),
        ("letters", "exact_match", True, "E803.*an inference.*letters.*an episode"),
        (id, "edits", 1.0, "E803"),
        (id, "exact_match", 1, "E805.*true or false"),
        (id, "exact_match", "yes", "E805"),
        (id, "jaccard", True, "E805"),
        (id, "jaccard", "0.5", "E805"),
        (id, "jaccard", 1.5, "E805.*of at least 0 and of at most 1"),
        (id, "jaccard", float("nan"), "E805"),
        ("letters", "edits", -1, "E805"),
        (id, "comment", 1, "E805"),
        (id, "comment", "half a smiley: \ud83d", "E805.*surrogate"),
        ("\ud83d", "comment", "no such id", "E802"),
        (id, "demonstration", [CharSpan(0, 4, "PER\ud83d")], "E805"),
        (id, "demonstration", "Anna", "E805"),
        (id, "demonstration", [CharSpan(0, len(TEXT) + 1, "PER")], "E805.*19 characters"),
        (id, "demonstration", [CharSpan(4, 4, "PER")], "E805"),
        (id, "demonstration", [CharSpan(-4, 4, "PER")], "E805"),
        (id, "demonstration", [CharSpan(0, 4, "")], "E805"),
        (id, "demonstration", [(True, 4, "PER")], "E805"),
        (id, "demonstration", [1], "E805"),
    ]
    for target, metric, value, message in wrong:
        with pytest.raises(UserError, match=message):
            store.feedback.add(target, metric, value)
    for source in ("\ud83d", None):
        with pytest.raises(UserError, match=r"E805.*`source`"):
            store.feedback.add(id, "exact_match", True, source=source)
    with pytest.raises(UserError, match="E802"):
        store.feedback.add_many([(id, "exact_match", True, ""), ("no such id", "exact_match", True, "")])
    assert store.feedback.of(id) == []
    assert store.feedback.totals("exact_match") == {}


def test_feedback_metrics_are_declared_once(store, store_place):
    metric = Metric("edits", "float", optimize="min", lower=0)
    store.feedback.declare(metric)
    store.feedback.declare(Metric("edits", "float", optimize="min", lower=0.0))
    with Store(store_place) as other:
        assert other.feedback.metrics()["edits"] == metric
        with pytest.raises(UserError, match=r"E807.*edits"):
            other.feedback.declare(Metric("edits", "float"))
        with pytest.raises(UserError, match="E807"):
            other.feedback.declare(Metric("jaccard", "boolean"))
        other.feedback.declare(Metric("jaccard", "float", lower=0, upper=1))
    assert store.feedback.metrics()["edits"] == metric


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "number"},
        {"level": "text"},
        {"optimize": "more"},
        {"name": " "},
        {"name": "\ud83d"},
        {"kind": "boolean", "lower": 0},
        {"lower": 1, "upper": 1},
        {"upper": float("inf")},
    ],
)
def test_feedback_metrics_that_are_none_are_refused(given):
    with pytest.raises(UserError, match="E808"):
        Metric(**{"name": "edits", "kind": "float"} | given)


def test_feedback_totals_are_those_of_all_rows(store):
    store.feedback.declare(Metric("solved", "boolean", "episode"))
    store.feedback.declare(Metric("edits", "float"))
    small, again = add(store), add(store)
    large, fallback = add(store, variant="large"), add(store, variant="large", fallback_of="small")
    store.feedback.add("letters", "solved", False)
    store.feedback.add("letters", "solved", True)
    add(store)  # to an episode that was judged
    add(store, fallback_of="large")
    add(store, episode="other")
    for target, value in ((small, 1e17), (again, 2.0), (large, 0.5), (fallback, 9.0), (small, 1.0)):
        store.feedback.add(target, "edits", value)
    rows = [
        (small, "exact_match", True, ""),
        (large, "exact_match", False, ""),
        (small, "exact_match", False, ""),
    ]
    assert store.feedback.add_many(rows) == 3
    assert store.feedback.totals("solved", "") == store.feedback.totals("solved")
    assert store.feedback.totals("solved", "ner") == {}
    assert store.feedback.totals("solved") == {"small": (4, 3.0), "large": (2, 1.0)}
    # It has no worst value.
    assert store.feedback.totals("edits") == {"small": (2, 3.0), "large": (1, 0.5)}
    assert store.feedback.totals("exact_match") == {"small": (1, 0.0), "large": (1, 0.0)}
    with pytest.raises(UserError, match="E806"):
        store.feedback.totals("comment")


@pytest.mark.parametrize("optimize", ["max", "min"])
def test_feedback_totals_give_a_variant_that_failed_the_worst_value(store, optimize):
    store.feedback.declare(Metric("quality", "float", optimize=optimize, lower=1, upper=5))
    worst = 1.0 if optimize == "max" else 5.0
    asked = [add(store), add(store, variant="large", fallback_of="small")]
    for value in (2.0, 3.0):  # the second time all are added up again
        for target in asked:
            store.feedback.add(target, "quality", value)
        assert store.feedback.totals("quality") == {"small": (2, value + worst)}


def test_feedback_may_be_made_of_what_the_store_has(store):
    ids = [add(store) for _ in range(3)]
    rows = (
        (inference.id, "valid_output", inference.valid, "") for inference in store.inferences.all(batch=1)
    )
    assert store.feedback.add_many(rows) == 3
    assert list(store.feedback.latest("valid_output")) == ids


def test_feedback_is_added_up_for_each_component(store):
    for component, right in (("one", True), ("two", False), ("two", True)):
        inference = make_inference(component=component)
        store.inferences.add(inference)
        # Said twice: the second time all is added up again.
        for value in (not right, right):
            store.feedback.add(inference.id, "exact_match", value)
    later = make_inference(component="one", episode="letters")
    store.inferences.add(later)
    store.feedback.add(later.id, "exact_match", False)
    totals = store.feedback.totals
    assert totals("exact_match", "one") == {"small": (2, 1.0)}
    assert totals("exact_match", "two") == {"small": (2, 1.0)}
    assert totals("exact_match") == {"small": (4, 2.0)}
