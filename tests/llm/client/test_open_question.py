import re

import pytest

from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_all, ask_for, make_model
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import RE_ASK, names_by_label


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.mark.parametrize("fault", ["prose", "cut-json", "length"])
def test_open_question_asks_once_more_after_an_invalid_reply(tmp_path, fault):
    path = str(tmp_path / "s.sqlite")
    with (
        FaultServer(Behaviour(first=(fault,))) as server,
        make_model(server, structured="json_schema", store=path) as model,
    ):
        (outcome,) = ask_all(model, ["Anna"])
        assert (outcome.value, outcome.kind) == (names_by_label("Anna"), "")
        assert (len(outcome.replies), model.usage.reasked, model.usage.invalid) == (2, 1, 0)
    with Store(path) as store:
        first, second = store.inferences()
    turns = second.request["messages"]
    assert turns[:2] == first.request["messages"]
    assert turns[2] == {"role": "assistant", "content": first.reply.content}
    assert turns[3]["content"].startswith(RE_ASK)


@pytest.mark.parametrize(
    ("fault", "reason"), [("prose", "no JSON"), ("cut-json", "closed"), ("length", "cut off.* 99 tokens")]
)
def test_open_question_says_why_replies_stayed_invalid_also_from_the_store(tmp_path, fault, reason):
    path = str(tmp_path / "s.sqlite")
    with FaultServer(Behaviour(fault_rate=1, faults=(fault,))) as server:
        for _ in range(2):
            with make_model(server, structured="json_schema", store=path, max_tokens=99) as model:
                (outcome,) = ask_all(model, ["Anna Berg"])
            assert (outcome.value, outcome.kind, len(outcome.replies)) == (None, "invalid", 2)
            assert re.search(reason, outcome.failure)
            assert model.usage.invalid == 1
    assert len(server.requests) == 2


def test_open_question_hands_on_what_reading_raises_otherwise(server):
    def read(reply):
        raise KeyError("a bug")

    with make_model(server) as model, pytest.raises(KeyError, match="a bug"):
        model.submit(ask_for("Anna"), read).result(10)
