import random

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.learning.variant_results import variant_results
from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.llm.store.metrics import Metric
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan
from tests.learning.inferences import make_inference


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        yield store


def add(store, variant, number, value=None, metric="exact_match", **given):
    inference = make_inference(f"Text {number}.", variant=variant, **given)
    store.inferences.add(inference)
    if value is not None:
        store.feedback.add(inference.id, metric, value)
    return inference


def rows(results):
    return {row["variant"]: row for row in results["variants"]}


def test_variants_have_means_of_all_that_they_could_have_answered(store):
    for number in range(20):
        add(store, "a", number, number < 10, probability=0.9 if number < 10 else 0.1)
        add(store, "b", number, number < 12, probability=0.5)
    results = variant_results(store)
    a, b = (rows(results)[name]["means"]["exact_match"] for name in "ab")
    assert a["value"] == pytest.approx((10 / 0.9) / (10 / 0.9 + 10 / 0.1))
    assert b["value"] == 0.6
    assert [row["variant"] for row in results["variants"]] == ["b", "a"]
    [difference] = results["pairs"]
    assert difference["difference"] == pytest.approx(b["value"] - a["value"])
    assert difference["interval"][0] > 0


def test_variants_are_counted_with_what_they_take(store):
    for number in range(1, 101):
        add(store, "a", number, usage=Usage(number, 2, 0), seconds=float(number), cost=0.01)
    add(store, "b", 1, usage=Usage(5, 1, 0), cost=None, valid=False)
    found = rows(variant_results(store))
    assert (found["a"]["prompt_tokens"], found["a"]["completion_tokens"]) == (5050, 200)
    assert found["a"]["cost"] == pytest.approx(1.0)
    assert (found["a"]["seconds_p50"], found["a"]["seconds_p95"]) == (50.0, 95.0)
    assert (found["b"]["cost"], found["b"]["without_cost"]) == (None, 1)
    assert (found["a"]["means"]["valid"]["value"], found["b"]["means"]["valid"]["value"]) == (1.0, 0.0)
    assert found["a"]["means"]["exact_match"]["value"] is None


def test_variants_have_a_pooled_f1_where_the_right_answers_are_known(store):
    for text, mentions, right in (
        ("Anna met Bo", [("Anna", "PER"), ("Bo", "PER")], [(0, 4, "PER"), (9, 11, "PER")]),
        ("Anna left", [], [(0, 4, "PER")]),
    ):
        inference = make_inference(text, *mentions)
        store.inferences.add(inference)
        store.feedback.add(inference.id, "demonstration", [CharSpan(*span) for span in right])
    [row] = variant_results(store)["variants"]
    # 2 of 3 are found, and nothing else.
    assert row["means"]["pooled_f1"]["value"] == pytest.approx(2 * 2 / (3 + 2))


def test_variants_that_are_none_have_not_failed(store):
    add(store, "", 1, True)
    [row] = variant_results(store)["variants"]
    assert (row["answers"], row["stepped_in"], row["failed"]) == (1, 0, 0)


def test_variants_that_step_in_are_counted_apart(store):
    for number in range(30):
        add(store, "a", number, True, probability=0.5)
    for number in range(30, 40):
        add(store, "a", number, False, fallback_of="b")
    found = rows(variant_results(store))
    assert (found["a"]["answers"], found["a"]["stepped_in"], found["a"]["failed"]) == (30, 10, 0)
    assert (found["b"]["answers"], found["b"]["failed"]) == (0, 10)
    assert found["a"]["means"]["exact_match"]["value"] == 1.0
    # One that fails on what is hard isn't judged by the rest alone.
    assert found["b"]["means"]["exact_match"]["value"] == found["b"]["means"]["valid"]["value"] == 0.0


def test_variants_intervals_are_by_texts(store):
    for episode in range(10):
        for number in range(20):
            add(store, "a", number, number % 2 == 0, probability=0.5, episode=f"run {episode}")
    [row] = variant_results(store)["variants"]
    low, high = row["means"]["exact_match"]["interval"]
    assert row["means"]["exact_match"]["n"] == 200
    # As of 20 answers, and not of 200.
    assert high - low > 0.3


def test_variants_rule_takes_a_failure_for_the_worst_answer(store):
    for number in range(60):
        add(store, "a", number, True, probability=0.5)
        add(store, "a", 100 + number, True, fallback_of="b")
    results = variant_results(store)
    rule = results["rule"]
    assert rule["best"] == "a"
    assert 5 < rule["decided"] < 40
    assert rule["texts"] == 120
    [pair] = results["pairs"]
    assert (pair["one"], pair["other"]) == ("a", "b")
    assert pair["at_any_time"][0] > 0.5
    assert pair["difference"] == 1.0
    assert pair["interval"][0] > 0.5


def test_variants_rule_is_about_those_that_are_chosen(store):
    for number in range(60):
        add(store, "ab"[number % 2], number, number % 2 == 0, probability=0.5)
    add(store, "spare", 60, True, fallback_of="b")
    results = variant_results(store)
    assert results["rule"]["best"] == "a"
    assert list(results["rule"]["intervals"]) == ["a", "b"]
    assert [pair["at_any_time"] is None for pair in results["pairs"]] == [False, True, True]


def test_variants_rule_counts_a_text_once(store):
    for number in range(60):
        add(store, "a", number, True)
        add(store, "b", number, False)
    rule = variant_results(store)["rule"]
    # Only what a variant says of a text that is new tells anything of its own.
    assert (rule["best"], rule["texts"], rule["left_out"]) == (None, 60, 60)


def test_variants_rule_decides_once_and_stays_with_it(store):
    rng = random.Random(0)
    for number in range(200):
        add(store, "ab"[number % 2], number, rng.random() < (0.9, 0.3)[number % 2], probability=0.5)
    rule = variant_results(store)["rule"]
    assert (rule["best"], rule["reason"]) == ("a", "")
    decided = rule["decided"]
    for number in range(200, 260):
        add(store, "ab"[number % 2], number, bool(number % 2), probability=0.5)
    again = variant_results(store)["rule"]
    assert (again["best"], again["decided"]) == ("a", decided)


def test_variants_rule_goes_by_a_metric_of_any_bounds_and_direction(store):
    store.feedback.declare(Metric("minutes", "float", optimize="min", lower=0, upper=60))
    for number in range(120):
        add(store, "ab"[number % 2], number, 6.0 if number % 2 else 48.0, "minutes", probability=0.5)
    results = variant_results(store, metric="minutes")
    assert [row["variant"] for row in results["variants"]] == ["b", "a"]
    assert results["variants"][0]["means"]["minutes"]["value"] == 6.0
    rule = results["rule"]
    assert rule["best"] == "b"
    low, high = rule["intervals"]["b"]
    assert 0 < low < 6 < high < 20
    assert results["pairs"][0]["at_any_time"][0] < results["pairs"][0]["difference"] == -42.0


def test_variants_without_bounds_have_no_rule(store):
    store.feedback.declare(Metric("length", "float"))
    for number in range(20):
        add(store, "ab"[number % 2], number, 100.0 * (number % 2), "length")
    results = variant_results(store, metric="length")
    assert "no bounds" in results["rule"]["reason"]
    assert rows(results)["b"]["means"]["length"]["value"] == 100.0
    assert rows(results)["a"]["means"]["length"]["interval"] == (0.0, 0.0)


def test_variants_over_time_are_of_equal_parts(store):
    for number in range(25):
        add(store, "a" if number < 10 else "b", number, number % 2 == 0)
    parts = variant_results(store)["parts"]
    assert [(part["first"], part["last"]) for part in parts][:2] == [(1, 2), (3, 5)]
    assert parts[-1]["last"] == 25
    assert parts[0]["variants"]["a"]["share"] == 1.0
    assert parts[0]["variants"]["b"] == {"share": 0.0, "mean": None}


def test_variants_by_feedback_on_episodes(store):
    store.feedback.declare(Metric("solved", "boolean", level="episode"))
    for number in range(4):
        add(store, "a", number, episode=f"e{number % 2}")
    store.feedback.add("e1", "solved", True)
    mean = rows(variant_results(store, metric="solved"))["a"]["means"]["solved"]
    assert (mean["n"], mean["value"]) == (2, 1.0)


def test_variants_of_nothing_are_refused(store):
    with pytest.raises(UserError, match="E831"):
        variant_results(store)
    with pytest.raises(UserError, match=r"E830.*exact_match"):
        variant_results(store, metric="comment")


def test_variants_of_several_components_are_told_apart(store):
    for number in range(4):
        add(store, "a", number, True, component="ner")
        add(store, "a", number, False, component="second")
        add(store, "", number, True, component="third")
    add(store, "b", 5, False, component="second", fallback_of="a")
    add(store, "b", 6, True, component="second")
    results = variant_results(store)
    assert {name: row["answers"] for name, row in rows(results).items()} == {
        "ner/a": 4,
        "second/a": 4,
        "second/b": 1,
        "third": 4,
    }
    assert rows(results)["second/a"]["failed"] == 1
    assert "ner, second, third" in results["rule"]["reason"]
    assert results["rule"]["best"] is None
    second = variant_results(store, component="second")
    assert (second["answers"], list(rows(second))) == (6, ["b", "a"])
    assert second["rule"]["reason"] == ""
    with pytest.raises(UserError, match=r"E826.*--component.*'ner', 'second', 'third'"):
        variant_results(store, component="fourth")
