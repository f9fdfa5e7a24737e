"""The grammar of a text is sent where it holds, alone, and is a part of the request's key."""

import json
import warnings
from dataclasses import replace

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.endpoint import text_grammars
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.formats import get_format
from spacy_ner_plus.llm.store.request_key import canonical_request
from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_for, make_model, open_model, read_lists
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS

TEXT = "Anna met Bob and Charlotte in Oslo on day 1."
PIECES = [(0, 4), (5, 8), (9, 12), (13, 16), (17, 26), (27, 29), (30, 34)]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(text_grammars, "_known", {})


def held():
    grammar = get_format("label_lists").text_grammar(list(LABELS), TEXT, PIECES)
    return replace(ask_for(TEXT), text_grammar=grammar)


def ask(model):
    return model.submit(held(), read_lists).result(60)


def test_text_grammars_hold_at_llama_cpp(llama_url, tmp_path):
    store = tmp_path / "s.sqlite"
    given = {"base_url": llama_url, "name": "tiny", "text_grammar": True, "store": store, "max_tokens": 300}
    with open_model(**given) as model, warnings.catch_warnings(action="error"):
        assert not model.is_stored(held())
        outcomes = [ask(model), ask(model)]
        assert [outcome.replies[0].mode for outcome in outcomes] == ["text_grammar"] * 2
        assert all(mention in TEXT for found in outcomes[0].value.values() for mention in found)
        # One canary, and no probe of the schema, which isn't sent.
        assert (model.usage.probes, model.usage.requests, model.usage.stored) == (1, 2, 1)
        assert model.is_stored(held())
        assert not model.is_stored(ask_for(TEXT))
    text_grammars._known.clear()
    with open_model(**given, replay_only=True) as model:
        assert ask(model).value == outcomes[0].value
        assert model.takes_text_grammar


def test_text_grammars_are_sent_alone(monkeypatch):
    monkeypatch.setitem(text_grammars._known, ("http://a/v1", "m"), True)
    from spacy_ner_plus.llm.client.endpoint.schema_modes import SchemaModes

    modes = SchemaModes("auto", endpoint="http://a/v1", name="m", grammar_field="grammar")
    fields = modes.fields(held(), modes.mode(held(), "key"), {"temperature": 0.0})
    assert fields == {"temperature": 0.0, "grammar": f"%llguidance {{}}\n{held().text_grammar}"}


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(Behaviour(), "takes it, and answers otherwise"), (Behaviour(refuse=("grammar",)), "refuses the field")],
    ids=["ignored", "refused"],
)
def test_text_grammars_are_left_out_where_they_do_not_hold(behaviour, reason, tmp_path):
    store = tmp_path / "s.sqlite"
    with FaultServer(behaviour) as server:
        with make_model(server, text_grammar=True, store=store) as model:
            assert model.takes_text_grammar
            with pytest.warns(UserWarning, match=rf"W375.*{reason}") as caught:
                outcomes = [ask(model), ask(model)]
            assert sum("W375" in str(one.message) for one in caught) == 1
            assert outcomes[0].replies[0].mode == "json_schema"
            # What is kept is the reply to the request without, and found again as that.
            assert (outcomes[1].replies[0].stored, model.takes_text_grammar) == (True, False)
            assert model.is_stored(held())
            assert model.is_stored(ask_for(TEXT))
        sent = len(server.requests)
        text_grammars._known.clear()
        with make_model(server, text_grammar=True, store=store) as model, Store(store):
            assert ask(model).replies[0].stored
        assert len(server.requests) == sent


def test_text_grammars_cost_nothing_unless_they_are_asked_for():
    with FaultServer() as server, make_model(server) as model:
        assert not model.takes_text_grammar
        assert ask(model).replies[0].mode == "json_schema"
        assert text_grammars._known == {}


def test_text_grammars_are_a_part_of_the_key_where_there_is_one():
    plain, own = (canonical_request("http://a/v1", "m", {}, one) for one in (ask_for(TEXT), held()))
    assert "text_grammar" not in plain
    assert len(json.loads(own)["text_grammar"]) == 64


def test_text_grammars_refuse_what_binds_replies_otherwise():
    given = {"base_url": "http://a/v1", "name": "m", "structured": "off"}
    bound = {"response_format": {"type": "json_object"}}
    with pytest.raises(UserError, match=r"E885.*response_format"):
        ChatSettings(**given, text_grammar=True, parameters=bound)
    assert not ChatSettings(**given, parameters=bound).sends_text_grammar()
