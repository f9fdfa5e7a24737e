import inspect
import json
import pickle
import typing
import warnings
from typing import Any

import pytest

from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.spacy_llm_model import FailedReply, SpacyLLMChatModel, make_chat_model_v1
from tests.llm.client.asking import ask_for
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


def open_spacy_llm_model(server: FaultServer, **settings: Any) -> SpacyLLMChatModel:
    return make_chat_model_v1(base_url=server.url, name="tiny", retry_base=0.01, **settings)


def test_spacy_llm_model_takes_the_settings_of_chat_settings():
    taken = inspect.signature(make_chat_model_v1).parameters.values()
    declared = inspect.signature(ChatSettings).parameters.values()
    assert [str(parameter) for parameter in taken] == [str(parameter) for parameter in declared]


def test_spacy_llm_model_passes_every_setting_on():
    given = {
        name: {"base_url": "http://a/v1", "name": "m", "structured": "tool"}.get(name, parameter.default)
        for name, parameter in inspect.signature(make_chat_model_v1).parameters.items()
    }
    given |= {"timeout": 1.5, "max_tokens": 7, "seed": 3, "replay_only": True, "store": "s.sqlite"}
    assert make_chat_model_v1(**given).settings == ChatSettings(**given)


def test_spacy_llm_model_pickles():
    model = make_chat_model_v1(base_url="http://a/v1", name="m")
    copied = pickle.loads(pickle.dumps(model))
    assert (type(copied), copied.settings) == (SpacyLLMChatModel, model.settings)


class Prompt(str):
    """As a task gives it that knows more of its prompt than the text."""

    messages: typing.ClassVar = ask_for("Anna and Bob").messages
    schema: typing.ClassVar = ask_for("").schema
    grammar = None


def test_spacy_llm_model_answers_prompts(server):
    with open_spacy_llm_model(server, structured="json_schema") as model:
        replies = list(model([["Anna met Bob"], ["Oslo", Prompt("as text")], []]))
    assert [len(shards) for shards in replies] == [1, 2, 0]
    assert json.loads(replies[1][1]) == names_by_label("Anna and Bob")
    assert [entry["mode"] for entry in server.requests].count("json_schema") == 1


def test_spacy_llm_model_has_the_types_that_are_checked():
    from spacy_llm.models.rest.noop import NoOpModel
    from spacy_llm.tasks.noop import ShardingNoopTask
    from spacy_llm.ty import validate_type_consistency

    model = make_chat_model_v1(base_url="http://127.0.0.1:9/v1", name="m")
    assert typing.get_type_hints(NoOpModel.__call__).keys() == typing.get_type_hints(model.__call__).keys()
    with warnings.catch_warnings(action="error"):
        validate_type_consistency(ShardingNoopTask(), model)


def test_spacy_llm_model_reads_prompts_ahead_by_as_many_as_are_in_flight(server):
    read = []

    def prompts():
        for number in range(50):
            read.append(number)
            yield [f"Anna {number}"]

    with open_spacy_llm_model(server, max_concurrency=2) as model:
        replies = iter(model(prompts()))
        next(replies)
        assert len(read) == 4
        replies.close()


def test_spacy_llm_model_marks_prompts_without_a_reply():
    behaviour = Behaviour(first=("", "500"))
    with (
        FaultServer(behaviour) as server,
        open_spacy_llm_model(server, max_retries=0, max_concurrency=1) as model,
        pytest.warns(UserWarning, match=r"W254.*1 prompt.*500"),
    ):
        replies = list(model([["Anna"], ["Bob"], ["Eve"]]))
    assert [type(shard[0]) for shard in replies] == [str, FailedReply, str]
    assert replies[1][0] == ""
    assert "500" in replies[1][0].failure
