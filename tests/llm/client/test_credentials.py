import logging
import os
import pickle
import warnings

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.credentials import Credentials
from tests.llm.client.asking import ask_all, make_model, open_model, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label

KEY = "sk-very-secret-4711"


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture
def no_key(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


def test_credentials_needs_no_key_where_the_server_wants_none(server, no_key):
    with make_model(server) as model:
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")


def test_credentials_refuses_a_password_in_the_address():
    with pytest.raises(UserError, match=r"E251.*headers") as raised:
        ask_all(open_model(base_url=f"http://me:{KEY}@localhost/v1", name="m"), ["Anna"])
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("where", ["environment", ".env", "header", "header in a config"])
def test_credentials_finds_its_key(where, monkeypatch, no_key, tmp_path):
    settings = {"api_key_env": "A_KEY"}
    if where == "environment":
        monkeypatch.setenv("A_KEY", KEY)
    else:
        (tmp_path / ".env").write_text(f"A_KEY={KEY}\nOTHER={KEY}\n", encoding="utf8")
    if where.startswith("header"):
        name = "${OTHER}" if where == "header" else "$OTHER"
        settings = {"api_key_env": "NO_SUCH_VARIABLE", "headers": {"Authorization": f"Bearer {name}"}}
    with FaultServer(Behaviour(api_key=KEY)) as server, make_model(server, **settings) as model:
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
    assert "OTHER" not in os.environ


def test_credentials_shows_its_key_nowhere(monkeypatch, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("A_KEY", KEY)
    path = tmp_path / "s.sqlite"
    with (
        # The second request is refused with a message that holds the key that was sent.
        FaultServer(Behaviour(api_key=KEY, first=("500",))) as server,
        make_model(server, store=str(path), api_key_env="A_KEY", headers={"X-Key": "${A_KEY}"}) as model,
    ):
        ask_all(model, texts_of(3))
        server.behaviour.api_key = "another"
        with pytest.raises(UserError, match="E253") as raised:
            ask_all(model, ["Anna Berg"])
        shown = [
            repr(model),
            str(raised.value),
            repr(raised.value.__context__),
            caplog.text,
            str(model.usage),
        ]
        assert "***" in str(raised.value)
        assert KEY.encode() not in pickle.dumps(model)
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert files
    assert not [text for text in shown if KEY in text]
    assert not [data for data in files if KEY.encode() in data]


@pytest.mark.parametrize(
    "settings", [{"api_key_env": "OPENAI_API_KEY"}, {"headers": {"Authorization": "Bearer $OPENAI_API_KEY"}}]
)
def test_credentials_of_openai_go_to_another_host_only_if_wanted(settings, monkeypatch, no_key):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with FaultServer(Behaviour(api_key=KEY)) as server:
        with (
            make_model(server, **settings) as model,
            pytest.warns(UserWarning, match=r"W262.*127\.0\.0\.1.*`api_key_any_host`"),
            pytest.raises(UserError, match=r"E278.*`api_key_any_host`") as raised,
        ):
            ask_all(model, ["Anna"])
        assert KEY not in str(raised.value)
        with make_model(server, **settings, api_key_any_host=True) as model:
            assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")


def test_credentials_are_not_sent_where_none_is_named(monkeypatch, no_key):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with (
        FaultServer(Behaviour(api_key=KEY)) as server,
        make_model(server) as model,
        pytest.raises(UserError, match=r"E277.*`api_key_env`"),
    ):
        ask_all(model, ["Anna"])


@pytest.mark.parametrize(
    ("address", "named", "sent"),
    [
        ("https://api.openai.com/v1", None, True),
        ("https://eu.api.openai.com/v1", "OPENAI_API_KEY", True),
        ("https://openai.com.evil.org/v1", "OPENAI_API_KEY", False),
        ("https://notopenai.com/v1", "OPENAI_API_KEY", False),
        ("https://me.openai.azure.com/v1", "OPENAI_API_KEY", False),
    ],
)
@pytest.mark.filterwarnings("ignore:.*W262")
def test_credentials_of_openai_go_to_openai(address, named, sent, monkeypatch, no_key):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    credentials = Credentials(address=address, api_key_env=named, headers={})
    assert ("Authorization" in credentials.headers) == sent


@pytest.mark.parametrize(
    ("address", "warned"), [("http://10.0.0.1/v1", 1), ("http://localhost/v1", 0), ("https://a.b/v1", 0)]
)
def test_credentials_over_plain_http_to_another_machine_warn(address, warned, monkeypatch, no_key):
    monkeypatch.setenv("A_KEY", KEY)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Credentials(address=address, api_key_env="A_KEY", headers={})
    assert [str(warning.message)[:6] for warning in caught] == ["[W263]"] * warned
