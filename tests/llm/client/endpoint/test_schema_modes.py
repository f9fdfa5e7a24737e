import time
import warnings

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.completions import ServerError
from spacy_ner_plus.llm.client.endpoint import schema_modes
from spacy_ner_plus.llm.client.settings import MODES
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest
from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_all, ask_for, make_model, open_model, read_lists, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label

FIELDS = ("json_schema", "json_object", "tools")


@pytest.fixture(autouse=True)
def _new_process(monkeypatch) -> None:
    """As if nothing had been found out in this process yet."""
    monkeypatch.setattr(schema_modes, "_known", {})


def reply_after_probing(model: ChatModel, server: FaultServer) -> ChatReply:
    """The reply to a request that is sent after the mode is decided."""
    ask_all(model, texts_of(8))
    until = time.monotonic() + 10
    while model.usage.requests != len(server.requests) or not is_decided(model):
        assert time.monotonic() < until
        time.sleep(0.01)
    (reply,) = model.submit(ask_for("Anna and Bob"), read_lists).result(10).replies
    return reply


def is_decided(model: ChatModel) -> bool:
    return model._client()._modes.is_decided


@pytest.mark.parametrize(
    ("refused", "mode"),
    [(0, "json_schema"), (1, "json_object"), (2, "tool"), (3, "off")],
)
def test_schema_modes_steps_down_to_what_a_server_takes(refused, mode):
    with (
        FaultServer(Behaviour(refuse=FIELDS[:refused])) as server,
        make_model(server) as model,
        warnings.catch_warnings(action="error"),
    ):
        reply = reply_after_probing(model, server)
    assert reply.mode == mode
    assert read_lists(reply) == names_by_label("Anna and Bob")
    assert model.usage.retries == 0


@pytest.mark.parametrize(
    ("ignored", "mode", "told"),
    [
        (1, "json_object", "takes json_schema and"),
        (2, "tool", "takes json_schema, json_object and"),
        (3, "off", "takes json_schema, json_object, tool and"),
    ],
)
def test_schema_modes_steps_down_where_a_server_ignores_a_field(ignored, mode, told):
    with FaultServer(Behaviour(ignore=FIELDS[:ignored])) as server, make_model(server) as model:
        with pytest.warns(UserWarning, match=rf"W251.*{told} ignores it.*'{mode}'") as caught:
            reply = reply_after_probing(model, server)
        assert len(caught) == 1
    assert reply.mode == mode


def test_schema_modes_is_not_misled_by_one_bad_reply():
    # Alone, a first request is followed by the probe, whose reply is no JSON here.
    behaviour = Behaviour(first=("", "prose"))
    with FaultServer(behaviour) as server, make_model(server, max_concurrency=1) as model:
        ask_all(model, ["Anna"])
        reply = reply_after_probing(model, server)
        assert model.usage.probes == 2
    assert reply.mode == "json_schema"


def test_schema_modes_probes_beside_the_first_request():
    with FaultServer(Behaviour(delay=0.1)) as server, make_model(server) as model:
        ask_all(model, ["Anna"])
        while len(server.requests) < 2:
            time.sleep(0.01)
    first, second = server.requests
    assert abs(first["time"] - second["time"]) < 0.08


def test_schema_modes_lets_the_first_request_go_before_the_probe():
    with FaultServer() as server, make_model(server, max_concurrency=1) as model:
        reply_after_probing(model, server)
        assert server.requests[0]["answer"]["content"].startswith('{"PER"')
        assert model.usage.probes == 1


def test_schema_modes_is_found_out_once_in_a_process():
    with FaultServer(Behaviour(refuse=FIELDS[:1])) as server:
        with make_model(server) as model:
            reply_after_probing(model, server)
        asked = len(server.requests)
        with make_model(server) as other:
            ask_all(other, ["Anna"])
        assert len(server.requests) == asked + 1
        assert server.requests[-1]["mode"] == "json_object"


def test_schema_modes_is_remembered_by_the_store(tmp_path):
    path = str(tmp_path / "s.sqlite")
    with FaultServer(Behaviour(refuse=FIELDS[:1])) as server:
        with make_model(server, store=path) as model:
            reply_after_probing(model, server)
        schema_modes._known.clear()
        asked = len(server.requests)
        with make_model(server, store=path) as other:
            ask_all(other, ["Anna"])
        assert len(server.requests) == asked + 1


def test_schema_modes_as_chosen_is_neither_probed_nor_left():
    with FaultServer(Behaviour(refuse=FIELDS[:1])) as server:
        with make_model(server, structured="tool") as model:
            assert ask_all(model, ["Anna"])[0].replies[0].mode == "tool"
        with (
            make_model(server, structured="json_schema") as model,
            pytest.raises(UserError, match=r"E261.*'json_schema'"),
        ):
            ask_all(model, ["Bob"])
    assert len(server.requests) == 2


def test_schema_modes_sends_no_response_format_without_a_schema():
    with FaultServer() as server, make_model(server) as model:
        request = ask_for("Anna", schema=None)
        assert model.submit(request, str).result(10).replies[0].mode == "off"
    assert [entry["mode"] for entry in server.requests] == ["off"]


def test_schema_modes_sends_a_grammar_where_the_server_takes_one():
    request = ChatRequest(ask_for("Anna").messages, grammar='root ::= "x"')
    with FaultServer() as server:
        with make_model(server, grammar_field="grammar") as model:
            assert model.submit(request, str).result(10).replies[0].mode == "grammar"
        with make_model(server) as model:
            assert model.submit(request, str).result(10).replies[0].mode == "off"


def test_schema_modes_goes_on_without_a_grammar_that_is_refused():
    request = ChatRequest(ask_for("Anna").messages, grammar='root ::= "x"')
    with (
        FaultServer(Behaviour(refuse=("guided_grammar",))) as server,
        make_model(server, grammar_field="guided_grammar") as model,
        pytest.warns(UserWarning, match=r"W256.*'guided_grammar'"),
    ):
        assert model.submit(request, str).result(10).replies[0].mode == "off"


def test_schema_modes_follows_a_server_that_renamed_max_tokens():
    behaviour = Behaviour(refuse=("max_tokens",))
    with FaultServer(behaviour) as server, make_model(server, structured="off") as model:
        assert not [outcome for outcome in ask_all(model, texts_of(20)) if outcome.kind]


def test_schema_modes_names_a_field_that_the_server_refuses():
    with FaultServer(Behaviour(refuse=("top_p",))) as server:
        with (
            make_model(server, parameters={"top_p": 1}) as model,
            pytest.raises(UserError, match=r"E260.*'top_p'.*parameters"),
        ):
            ask_all(model, ["Anna"])
        with make_model(server, parameters={"top_p": None}) as model:
            assert not ask_all(model, ["Anna"])[0].kind


@pytest.mark.parametrize("structured", ["auto", "json_schema"])
@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "This content is restricted."),
        (403, "Your input was flagged"),
        (400, "The response_format of this text is not supported"),
        (422, "messages: not supported"),
    ],
)
@pytest.mark.parametrize("refused", [0, 7])
def test_schema_modes_stay_where_one_document_is_refused(structured, status, message, refused, tmp_path):
    texts = texts_of(12)
    behaviour = Behaviour(refuse_texts=(f"day {refused}.",), refuse_status=status, refuse_message=message)
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured=structured, max_concurrency=1) as model,
    ):
        outcomes = ask_all(model, texts)
        assert [number for number, outcome in enumerate(outcomes) if outcome.kind] == [refused]
        assert message in outcomes[refused].failure
        assert outcomes[-1].replies[0].mode == "json_schema"


def test_schema_modes_step_down_for_messages_that_name_no_param():
    behaviour = Behaviour(refuse=("json_schema",), refuse_param=False)
    with FaultServer(behaviour) as server, make_model(server, max_concurrency=1) as model:
        assert reply_after_probing(model, server).mode == "json_object"
        # One refusal may be about its document: the second one, here the probe's, is about the field.
        assert sum(entry["status"] == 400 for entry in server.requests) == 2


def test_schema_modes_are_written_down_when_two_replies_came(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        modes = schema_modes.SchemaModes("auto", endpoint="http://a/v1", name="m", store=store)
        for mode in MODES[:-1]:
            modes.adapt(mode, "key", ServerError("", "tools" if mode == "tool" else "response_format", ""))
        assert (modes.is_decided, store.get_schema_mode("http://a/v1", "m", 0.0)) == (True, None)
        modes.answered("off")
        assert store.get_schema_mode("http://a/v1", "m", 0.0) is None
        modes.answered("off")
        assert store.get_schema_mode("http://a/v1", "m", 0.0) == "off"


@pytest.mark.parametrize("server", ["llama_url", "tensorzero_url"])
def test_schema_modes_is_enforced_by_real_servers(server, request):
    url = request.getfixturevalue(server)
    name = "tiny" if server == "llama_url" else "tensorzero::model_name::tiny"
    with (
        open_model(base_url=url, name=name, max_concurrency=4, max_tokens=400) as model,
        warnings.catch_warnings(action="error"),
    ):
        outcomes = ask_all(model, texts_of(6))
        until = time.monotonic() + 10
        while not is_decided(model):
            assert time.monotonic() < until
            time.sleep(0.01)
        outcomes += ask_all(model, ["Anna"])
    # The model's weights are random: what it names means nothing, but every reply can be read.
    assert {outcome.kind for outcome in outcomes} == {""}
    assert outcomes[-1].replies[0].mode == "json_schema"
    assert model.usage.prompt_tokens > 0


def test_schema_modes_grammar_is_followed_by_llama_cpp(llama_url):
    request = ChatRequest(ask_for("Anna").messages, grammar='root ::= "PER" | "LOC"')
    with open_model(base_url=llama_url, name="tiny", grammar_field="grammar", max_tokens=20) as model:
        outcome = model.submit(request, lambda reply: reply.content).result(30)
    assert outcome.value in ("PER", "LOC")
