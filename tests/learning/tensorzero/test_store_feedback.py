import pytest

from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.learning.tensorzero.store_feedback import NO_SCHEMA, SEVERAL, outgoing_feedback
from spacy_ner_plus.llm.requests import ChatRequest, GatewayIds
from spacy_ner_plus.llm.store.metrics import Metric
from spacy_ner_plus.llm.store.store import Store
from tests.learning.export.stored import ANNA, OSLO, TEXT, answered, keep, prompter


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.sqlite") as opened:
        yield opened


def bodies(store):
    issues = IssueLog()
    return [one.body for one in outgoing_feedback(store, issues)], {kind: one.count for kind, one in issues}


def test_store_feedback_is_what_counts_about_a_gateways_inferences(store):
    theirs = answered(store, external="tensorzero", id="their-id", episode="their-episode")
    ours = answered(store, "Bo.", episode="ours")
    store.feedback.declare(Metric("solved", "boolean", level="episode"))
    for value in (0.25, 0.5):
        store.feedback.add("their-id", "jaccard", value, source="gold")
    for text in ("one", "two"):
        store.feedback.add("their-id", "comment", text)
    store.feedback.add(ours.id, "jaccard", 1.0)
    store.feedback.add("their-episode", "solved", True)
    store.feedback.add("ours", "solved", True)
    store.feedback.add(theirs.id, "demonstration", (OSLO, ANNA))
    found, issues = bodies(store)
    assert found == [
        {
            "metric_name": "jaccard",
            "value": 0.5,
            "inference_id": "their-id",
            "tags": {"spacy_ner_plus::source": "gold"},
        },
        {"metric_name": "comment", "value": "one", "inference_id": "their-id"},
        {"metric_name": "comment", "value": "two", "inference_id": "their-id"},
        {"metric_name": "solved", "value": True, "episode_id": "their-episode"},
        {
            "metric_name": "demonstration",
            "value": {"PER": ["Anna"], "LOC": ["Oslo"]},
            "inference_id": "their-id",
        },
    ]
    assert issues == {}


def test_store_feedback_about_what_was_asked_once_more_is_about_the_second_reply(store):
    first = prompter().request(TEXT)
    keys = [
        keep(store, ChatRequest([*first.messages, *more]), "", gateway=GatewayIds("tensorzero", id, "e", "a"))
        for id, more in (("i0", []), ("i1", [{"role": "user", "content": "Once more."}]))
    ]
    for id in ("i0", "i1"):
        answered(store, id=id, external="tensorzero", request_keys=tuple(keys))
        store.feedback.add(id, "exact_match", True)
    found, issues = bodies(store)
    assert [body["inference_id"] for body in found] == ["i1"]
    # As of a text in two chunks, of which the first one's id is ours.
    assert issues == {SEVERAL: 1}


def test_store_feedback_that_the_gateway_cannot_have_is_counted(store):
    several = answered(store, external="tensorzero", request_keys=("a", "b"))
    tags = answered(store, "Bo.", (), external="tensorzero", asked=prompter("inline_tags"))
    store.feedback.add(several.id, "exact_match", True)
    store.feedback.add(tags.id, "demonstration", ())
    assert bodies(store) == ([], {SEVERAL: 1, NO_SCHEMA: 1})
