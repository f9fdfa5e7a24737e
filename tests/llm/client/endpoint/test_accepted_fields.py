import warnings

import pytest

from spacy_ner_plus.llm.client.completions import ServerError
from spacy_ner_plus.llm.client.endpoint.accepted_fields import AcceptedFields
from tests.llm.client.asking import ask_all, make_model, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer

SAMPLING = {"temperature": 0.0, "max_tokens": 100}
RENAMED = {"temperature": 0.0, "max_completion_tokens": 100}
MESSAGES = [{"role": "system", "content": "List."}, {"role": "user", "content": "Anna"}]


def adapted(message: str, param: str = "", *, replied: bool = False) -> tuple[dict, list]:
    accepted = AcceptedFields(url="u", name="m")
    if replied:
        accepted.replied(SAMPLING, MESSAGES)
    with warnings.catch_warnings(action="ignore"):
        accepted.adapt(SAMPLING, MESSAGES, ServerError(message, param, ""))
    return accepted.fields(SAMPLING), accepted.messages(MESSAGES)


@pytest.mark.parametrize(
    ("message", "param", "fields"),
    [
        ("'max_tokens' is not supported. Use 'max_completion_tokens' instead.", "", RENAMED),
        ("Unknown parameter", "max_tokens", RENAMED),
        ("'temperature' does not support 0 with this model. Only the default (1).", "", {"max_tokens": 100}),
        ("Unsupported value", "temperature", {"max_tokens": 100}),
    ],
)
def test_accepted_fields_follow_a_refusal(message, param, fields):
    assert adapted(message, param) == (fields, MESSAGES)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("'messages[0].role' does not support 'system' with this model.", "messages[0].role"),
        ("System role not supported", ""),
        ("Developer instruction is not enabled for models/gemma-3-27b-it", ""),
    ],
)
def test_accepted_fields_put_the_system_message_into_the_users(message, param):
    assert adapted(message, param) == (SAMPLING, [{"role": "user", "content": "List.\n\nAnna"}])


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("max_tokens is too large: 100. The context length is 4096", "max_tokens"),
        ("The text about the temperature of the system is restricted.", ""),
        ("Invalid value", "messages[1].content"),
    ],
)
def test_accepted_fields_take_no_document_for_a_field(message, param):
    assert adapted(message, param) == (SAMPLING, MESSAGES)


def test_accepted_fields_stay_once_they_were_taken():
    assert adapted("Unsupported value", "temperature", replied=True) == (SAMPLING, MESSAGES)


@pytest.mark.parametrize("refused", ["temperature", "max_tokens", "system"])
def test_accepted_fields_are_found_out_once(refused):
    with FaultServer(Behaviour(refuse=(refused,))) as server:
        with make_model(server, structured="off", max_concurrency=2) as model, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\[W260\]")
            assert not [outcome for outcome in ask_all(model, texts_of(20)) if outcome.kind]
        assert len(server.requests) <= 22


def test_accepted_fields_tell_of_the_temperature():
    behaviour = Behaviour(refuse=("temperature",))
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured="off") as model,
        pytest.warns(UserWarning, match=r"W260.*'tiny'.*without 0\.0") as caught,
    ):
        ask_all(model, texts_of(20))
    assert len(caught) == 1
