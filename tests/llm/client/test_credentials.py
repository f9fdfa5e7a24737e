import logging
import os
import pickle

import pytest

from spacy_ner_plus.errors import UserError
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
    settings = {}
    if where == "environment":
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
    else:
        (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\nOTHER={KEY}\n", encoding="utf8")
    if where.startswith("header"):
        name = "${OTHER}" if where == "header" else "$OTHER"
        settings = {"api_key_env": "NO_SUCH_VARIABLE", "headers": {"Authorization": f"Bearer {name}"}}
    with FaultServer(Behaviour(api_key=KEY)) as server, make_model(server, **settings) as model:
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
    assert "OTHER" not in os.environ


def test_credentials_shows_its_key_nowhere(monkeypatch, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    path = tmp_path / "s.sqlite"
    with (
        # The second request is refused with a message that holds the key that was sent.
        FaultServer(Behaviour(api_key=KEY, first=("500",))) as server,
        make_model(server, store=str(path), headers={"X-Key": "${OPENAI_API_KEY}"}) as model,
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
