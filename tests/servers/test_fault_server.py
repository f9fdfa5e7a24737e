import json
import subprocess
import sys

import pytest

from spacy_ner_plus.llm import passes
from spacy_ner_plus.llm.client import open_question
from tests.conftest import ROOT
from tests.llm.client.asking import SCHEMA, ask_all, ask_for, digest_of_text, make_model, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import NEXT_PASS, RE_ASK, answer, asked_text, names_by_label

ENTITY = {"properties": {"text": {"type": "string"}, "label": {"type": "string", "enum": ["A", "B"]}}}


def test_fault_server_answers_by_the_labels_of_a_schema():
    assert json.loads(answer("Anna met Charlotte.", SCHEMA)) == {
        "PER": ["Anna"],
        "ORG": ["Charlotte"],
        "LOC": [],
        "MISC": [],
    }
    assert json.loads(answer("Anna", {"properties": {"X": {"type": "array", "items": {}}}})) == {
        "X": ["Anna"]
    }


def test_fault_server_answers_lists_of_entities():
    schema = {"properties": {"entities": {"type": "array", "items": ENTITY}}}
    assert json.loads(answer("Bob and Bob", schema))["entities"] == [
        {"text": "Bob", "label": "B", "occurrence": 1},
        {"text": "Bob", "label": "B", "occurrence": 2},
    ]


def test_fault_server_answers_the_text_before_a_complaint():
    turns = [{"role": "user", "content": "Anna"}, {"role": "assistant", "content": "?"}]
    assert open_question.RE_ASK.startswith(RE_ASK)
    assert passes.NEXT_PASS.startswith(NEXT_PASS)
    assert asked_text([*turns, {"role": "user", "content": open_question.RE_ASK}]) == "Anna"


def test_fault_server_answers_out_of_order():
    with FaultServer(Behaviour(jitter=0.1)) as server, make_model(server, structured="off") as model:
        ask_all(model, texts_of(10))
        arrived = [entry["digest"] for entry in server.requests]
    assert sorted(arrived) == sorted(digest_of_text(text) for text in texts_of(10))
    assert arrived != [digest_of_text(text) for text in texts_of(10)]


@pytest.mark.parametrize(("fault", "name"), [("invent", "Xylophonia"), ("case", "anna")])
def test_fault_server_names_what_is_not_there(fault, name):
    behaviour = Behaviour(fault_rate=1, faults=(fault,))
    with FaultServer(behaviour) as server, make_model(server, structured="off") as model:
        assert name in model.submit(ask_for("Anna"), lambda reply: reply.content).result(10).value


def test_fault_server_runs_as_a_process_and_keeps_a_log(tmp_path):
    log = tmp_path / "requests.jsonl"
    command = [sys.executable, "-m", "tests.servers.fault_server", "--port", "0", "--log", str(log)]
    command += ["--fault-rate", "1", "--faults", "fence,think", "--seed", "3", "--no-usage"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        server = FaultServer(port=int(process.stdout.readline()))
        with make_model(server, structured="off") as model:
            values = [outcome.value for outcome in ask_all(model, texts_of(6))]
            assert model.usage.unreported == 6
    finally:
        process.terminate()
        process.communicate()
    entries = [json.loads(line) for line in log.read_text(encoding="utf8").splitlines()]
    assert values == [names_by_label(text) for text in texts_of(6)]
    assert {entry["fault"] for entry in entries} == {"fence", "think"}
    assert {entry["digest"] for entry in entries} == {digest_of_text(text) for text in texts_of(6)}
    assert all(entry["answer"]["content"] for entry in entries)
