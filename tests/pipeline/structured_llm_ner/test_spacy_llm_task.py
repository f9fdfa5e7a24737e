import warnings

import pytest
import spacy
from spacy.training import Example

from spacy_ner_plus.llm.client.spacy_llm_model import FailedReply
from spacy_ner_plus.pipeline.structured_llm_ner.spacy_llm_task import make_ner_task_v1
from tests.servers.fault_server import Behaviour, FaultServer
from tests.servers.known_answers import LABELS, names_by_label


def pipeline(url: str, **model):
    nlp = spacy.blank("en")
    nlp.add_pipe(
        "llm",
        config={
            "task": {"@llm_tasks": "spacy_ner_plus.NER.v1", "labels": list(LABELS)},
            "model": {"@llm_models": "spacy_ner_plus.ChatModel.v1", "base_url": url, "name": "m", **model},
        },
    )
    return nlp


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        # spacy-llm's own, of what it checks in signatures.
        warnings.simplefilter("ignore")
        yield


def expected(text: str) -> set[tuple[str, str]]:
    return {(name, label) for label, names in names_by_label(text).items() for name in names}


def test_spacy_llm_task_runs_in_spacy_llms_component():
    texts = ["Anna met Robert.", "Oslo is in Norway."]
    with FaultServer() as server:
        docs = list(pipeline(server.url).pipe(texts))
    assert [{(ent.text, ent.label_) for ent in doc.ents} for doc in docs] == [expected(t) for t in texts]


def test_spacy_llm_task_writes_scores():
    with FaultServer() as server:
        doc = pipeline(server.url)("Anna met Robert.")
    assert [ent._.score for ent in doc.ents] == [1.0] * len(doc.ents)


def test_spacy_llm_task_leaves_an_invalid_reply_missing():
    with FaultServer(Behaviour(fault_rate=1.0, faults=("prose",))) as server:
        doc = pipeline(server.url, structured="json_schema")("Anna met Robert.")
    assert {token.ent_iob_ for token in doc} == {""}
    assert "invalid reply" in doc._.ner_failure


def test_spacy_llm_task_scores():
    with FaultServer() as server:
        nlp = pipeline(server.url)
        example = Example.from_dict(nlp.make_doc("Anna slept."), {"entities": [(0, 4, "PER")]})
        scores = nlp.evaluate([example])
    assert scores["ents_f"] == 1.0
    assert scores["ents_invalid"] == 0.0


def test_spacy_llm_task_gives_the_reason_of_a_reply_that_never_came():
    doc = spacy.blank("en")("Anna met Robert.")
    (doc,) = make_ner_task_v1(list(LABELS)).parse_responses([doc], [[FailedReply("the server is down")]])
    assert doc._.ner_failure == "the server is down"
    assert not doc.has_annotation("ENT_IOB")


def test_spacy_llm_task_tells_refusals_and_leaves_missing_what_a_copy_leaves_out():
    nlp = spacy.blank("en")
    task = make_ner_task_v1(list(LABELS), format="inline_tags")
    docs = [
        nlp.make_doc("Anna met Robert. Bo saw Oslo and all of its old houses."),
        nlp.make_doc("Anna slept."),
    ]
    replies = ["<PER>Anna</PER> met <LOC>Robert</LOC>. Bo saw Oslo", "I can't help with personal data."]
    copied, refused = task.parse_responses(docs, replies)
    assert [ent.text for ent in copied.ents] == ["Anna", "Robert"]
    assert [token.text for token in copied if token.ent_iob_ == ""] == [
        "and",
        "all",
        "of",
        "its",
        "old",
        "houses",
    ]
    assert copied._.ner_failure.startswith("the reply leaves out")
    assert {token.ent_iob_ for token in refused} == {""}
    assert "the model refuses" in refused._.ner_failure
