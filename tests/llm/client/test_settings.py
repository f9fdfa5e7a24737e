import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.settings import ChatSettings
from tests.llm.client.asking import ask_all, make_model
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer

KEY = "sk-very-secret-4711"
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("behaviour", "settings", "code"),
    [
        (Behaviour(api_key="right"), {"api_key_env": "NO_SUCH_VARIABLE"}, "E252.*NO_SUCH_VARIABLE"),
        (Behaviour(api_key="right"), {"api_key_env": "A_KEY"}, "E253.*A_KEY"),
        (Behaviour(model="other"), {}, "E254.*'tiny'"),
        (Behaviour(), {"base_url": NOWHERE}, "E255.*127.0.0.1:9"),
        (Behaviour(), {"base_url": "127.0.0.1:8080/v1"}, "E251.*begin with http"),
        (Behaviour(), {"base_url": "http://localhost:port/v1"}, "E251"),
        (Behaviour(), {"headers": {"X-Key": "${NO_SUCH_VARIABLE}"}}, "E259.*X-Key.*NO_SUCH_VARIABLE"),
        (Behaviour(), {"api_key_env": "A_TORN_KEY"}, "E270.*A_TORN_KEY"),
        (Behaviour(), {"budget": {"usd": 1.0}}, "E258.*'tiny'"),
    ],
)
def test_settings_errors_say_what_makes_every_request_fail(behaviour, settings, code, monkeypatch):
    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.setenv("A_TORN_KEY", f"{KEY}\n{KEY}")
    with (
        FaultServer(behaviour) as server,
        make_model(server, **settings) as model,
        pytest.raises(UserError, match=code) as raised,
    ):
        ask_all(model, ["Anna"])
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_concurrency": 0},
        {"max_retries": -1},
        {"temperature": -1},
        {"context_length": 0},
        {"timeout": 0},
        {"structured": "xml"},
        {"timeout": float("nan")},
        {"timeout": "60"},
        {"max_concurrency": True},
        {"logprobs": 1},
        {"seed": 1.5},
        {"headers": [1]},
        {"budget": {"eur": 1}},
        {"requests_per_minute": 0},
        {"replay_only": True},
        {"prices": {"m": 1}},
    ],
)
def test_settings_refuses_values_that_cannot_be(settings):
    with pytest.raises(UserError, match=r"E250|E269"):
        ChatSettings(base_url=NOWHERE, name="m", **settings)


@pytest.mark.parametrize(
    ("base_url", "endpoint", "address"),
    [
        ("http://a:1/v1", "http://a:1/v1", "http://a:1/v1/chat/completions"),
        (" http://a/v1/ ", "http://a/v1", "http://a/v1/chat/completions"),
        ("http://a/v1/chat/completions", "http://a/v1", "http://a/v1/chat/completions"),
        ("https://a/d?v=2", "https://a/d?v=2", "https://a/d/chat/completions?v=2"),
        ("http://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080/chat/completions"),
    ],
)
def test_settings_know_where_requests_are_sent(base_url, endpoint, address):
    settings = ChatSettings(base_url=base_url, name="m")
    assert (settings.endpoint(), settings.address()) == (endpoint, address)


def test_settings_give_the_fields_that_change_a_reply():
    settings = ChatSettings(
        base_url=NOWHERE, name="m", temperature=0, parameters={"max_tokens": None, "top_p": 1}
    )
    assert settings.sampling() == {"temperature": 0.0, "top_p": 1}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("messages", []),
        ("model", "other"),
        ("stream", True),
        ("n", 2),
        ("tools", []),
        ("response_format", {"type": "text"}),
    ],
)
def test_settings_refuse_parameters_that_make_another_request(field, value):
    with pytest.raises(UserError, match=rf"E250.*`parameters`.*without `{field}`"):
        ChatSettings(base_url=NOWHERE, name="m", parameters={"top_p": 1, field: value})


@pytest.mark.parametrize(
    "settings",
    [
        {"parameters": {"stream": False, "n": 1, "tools": None}},
        {"parameters": {"response_format": {"type": "json_object"}}, "structured": "off"},
    ],
)
def test_settings_take_parameters_that_leave_the_request_what_it_is(settings):
    ChatSettings(base_url=NOWHERE, name="m", **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "E879.*`base_url` and `name` isn't given"),
        ({"base_url": NOWHERE}, "E879.*`name` isn't given"),
        ({"base_url": NOWHERE, "name": "m", "threads": 2}, "E879.*`threads` needs `local`"),
        ({"base_url": NOWHERE, "name": "m", "adapters": {"a": "b"}}, "E879.*`adapters` needs `local`"),
        ({"local": "smollm2", "base_url": NOWHERE}, "E879.*`base_url` is of a server"),
        ({"local": "smollm2", "endpoint_name": "x"}, "E879.*`endpoint_name`"),
        ({"local": "smollm2", "headers": {"A": "b"}}, "E879.*`headers`"),
        ({"local": ""}, "E879.*`local` is empty"),
        ({"local": "smollm2", "name": "ner"}, "E880.*'smollm2' has no adapter 'ner'.*none"),
        ({"local": "smollm2", "name": "ner", "adapters": {"x": "a", "y": "b"}}, "E880.*one of: x, y"),
        ({"local": "smollm2", "adapters": {"": "a"}}, "E250.*adapters"),
        ({"local": "smollm2", "threads": 0}, "E250.*threads.*1 or more"),
        ({"local": "smollm2", "local_weights": "link"}, "E250.*copy, reference"),
    ],
)
def test_settings_are_of_a_server_or_of_a_local_model(settings, message):
    with pytest.raises(UserError, match=message):
        ChatSettings(**settings)


def test_settings_of_a_local_model_name_no_address():
    given = ChatSettings(local="models/tiny.gguf", name="a", adapters={"a": "b"})
    assert (given.endpoint(), given.shown_name()) == ("local:models/tiny.gguf", "tiny+a")
    with pytest.raises(UserError, match=r"E881.*needs a server"):
        given.address()
