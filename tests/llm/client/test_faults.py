"""Against servers that fail, processes that die and keys that are pressed."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.limits import pace
from spacy_ner_plus.llm.store.store import Store
from tests.conftest import ROOT
from tests.llm.client.asking import (
    ask_all,
    ask_for,
    digest_of_text,
    make_model,
    read_lists,
    texts_of,
)
from tests.servers.behaviour import (
    BODY_FAULTS,
    INVALID_FAULTS,
    READABLE_FAULTS,
    STATUS_FAULTS,
    WRONG_FAULTS,
    Behaviour,
)
from tests.servers.fault_server import FaultServer, digest_of
from tests.servers.known_answers import names_by_label


def start_client(server: FaultServer, store: Path, count: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.llm.client.client_process", server.url, str(store), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def kept_digests(store: Path) -> list[str]:
    with Store(store) as opened:
        return [digest_of(inference.request["messages"]) for inference in opened.replies()]


def wait_for(server: FaultServer, requests: int) -> None:
    until = time.monotonic() + 30
    while len(server.requests) < requests:
        assert time.monotonic() < until
        time.sleep(0.002)


@pytest.mark.parametrize("fault", [*STATUS_FAULTS, *(fault for fault in BODY_FAULTS if fault != "hang")])
def test_faults_that_may_pass_are_tried_again(fault):
    with (
        FaultServer(Behaviour(first=(fault, fault))) as server,
        make_model(server, structured="off") as model,
    ):
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
        assert (model.usage.retries, len(server.requests)) == (2, 3)


@pytest.mark.parametrize("fault", READABLE_FAULTS)
def test_faults_that_can_be_read_are_not_tried_again(fault):
    with (
        FaultServer(Behaviour(first=(fault,))) as server,
        make_model(server, structured="off") as model,
    ):
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
        assert model.usage.requests == 1


def test_faults_of_a_server_that_hangs_end_with_the_timeout():
    with (
        FaultServer(Behaviour(first=("hang",))) as server,
        make_model(server, structured="off", timeout=0.2) as model,
    ):
        began = time.monotonic()
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
        assert 0.2 < time.monotonic() - began < 2


def test_faults_of_rate_limits_wait_as_long_as_asked():
    with (
        FaultServer(Behaviour(first=("429",), retry_after=0.4)) as server,
        make_model(server, structured="off") as model,
    ):
        began = time.monotonic()
        ask_all(model, ["Anna"])
        assert 0.4 < time.monotonic() - began < 2


def test_faults_wait_outside_of_the_slot():
    with (
        FaultServer(Behaviour(first=("500",))) as server,
        make_model(server, structured="off", max_concurrency=1, retry_base=1.0) as model,
    ):
        futures = [model.submit(ask_for(text), read_lists) for text in texts_of(5)]
        assert [bool(future.result(10).value) for future in futures] == [True] * 5
    digests = [entry["digest"] for entry in server.requests]
    assert len(digests) == 6
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"max_retries": 2}, "after 3 attempts: the server answered 500: try again"),
        ({"deadline": 0.3, "max_retries": 50}, "within the deadline of 0.3 s: "),
    ],
)
def test_faults_that_stay_are_outcomes_with_a_reason(settings, reason):
    behaviour = Behaviour(fault_rate=1, faults=("500",), delay=0.1)
    with FaultServer(behaviour) as server, make_model(server, structured="off", **settings) as model:
        (outcome,) = ask_all(model, ["Anna"])
        assert (outcome.value, outcome.kind, outcome.replies) == (None, "transport", ())
        assert reason in outcome.failure
        assert model.usage.failed == 1


def test_faults_count_as_many_requests_as_arrive():
    behaviour = Behaviour(fault_rate=1, faults=("hang",), hang=3.0)
    settings = {"timeout": 0.3, "deadline": 0.7, "max_concurrency": 1, "structured": "off"}
    with FaultServer(behaviour) as server, make_model(server, **settings) as model:
        for outcome in ask_all(model, texts_of(3)):
            assert re.search(r"within the deadline of 0\.7 s: no answer in 0\.\d+ s", outcome.failure)
        assert model.usage.requests == server.attempts.total()


def test_faults_of_a_limit_of_hours_stop_the_run(tmp_path):
    behaviour = Behaviour(first=("429",) * 99, retry_after=3600)
    settings = {"structured": "off", "store": str(tmp_path / "s.sqlite")}
    with FaultServer(behaviour) as server, make_model(server, **settings) as model:
        began = time.monotonic()
        futures = [model.submit(ask_for(text), read_lists) for text in texts_of(50)]
        told = {str(future.exception(10)) for future in futures}
        assert time.monotonic() - began < 5
        assert len(told) == 1
        assert re.search(r"E273.*60 minutes.*s\.sqlite.*start the same again later", told.pop())
        assert len(server.requests) <= 16
        # Who asks later tries once.
        with pytest.raises(UserError, match="E273"):
            ask_all(model, ["Anna"])
        assert len(server.requests) <= 17


def rate_limit(per_window: int, window: float, header: str):
    return Behaviour(delay=0.02, limit=per_window, window=window, limit_header=header)


@pytest.mark.parametrize(
    "header", ["", "retry-after", "retry-after-date", "retry-after-ms", "x-ratelimit-reset-requests", "words"]
)
def test_faults_of_rate_limits_lose_nothing_and_little_time(header):
    with (
        FaultServer(rate_limit(20, 1.5, header)) as server,
        make_model(server, structured="off", retry_base=0.2, max_retries=0) as model,
    ):
        began = time.monotonic()
        assert not [outcome for outcome in ask_all(model, texts_of(50)) if outcome.kind]
        # Three windows are needed, of which the last is left at once. Headers of whole seconds cost up to one more.
        assert time.monotonic() - began < 3.0 * 1.3 + (2.0 if "after" in header else 1.0)
    assert sum(entry["status"] == 429 for entry in server.requests) < 45


@pytest.mark.parametrize("on_outage", ["stop", "wait"])
def test_faults_of_a_daily_limit_stop_the_run(on_outage, monkeypatch):
    monkeypatch.setattr(pace, "LIMIT_PATIENCE", 0.5)
    behaviour = rate_limit(20, 1.5, "")
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured="off", retry_base=0.05, on_outage=on_outage) as model,
    ):
        futures = [model.submit(ask_for(text), read_lists) for text in texts_of(30)]
        errors = [str(error) for future in futures if (error := future.exception(30))]
        if on_outage == "wait":
            assert errors == []
        else:
            assert len(errors) == 10
            assert all("E273" in error for error in errors)
            assert len(server.requests) <= 80


@pytest.mark.slow
def test_faults_of_a_server_with_one_slot_lose_nothing():
    behaviour = Behaviour(delay=0.1, slots=1)
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured="off", timeout=1.0, deadline=5.0) as model,
    ):
        began = time.monotonic()
        assert not [outcome for outcome in ask_all(model, texts_of(40)) if outcome.kind]
        assert time.monotonic() - began < 15


def test_faults_of_a_restart_lose_nothing():
    server = FaultServer(Behaviour(delay=0.05))
    with server, make_model(server, structured="off", retry_base=0.1, max_retries=1) as model:
        futures = [model.submit(ask_for(text), read_lists) for text in texts_of(100)]
        futures[10].result(10)
        server.__exit__()
        time.sleep(1.5)
        server.__enter__()
        assert not [outcome for future in futures if (outcome := future.result(20)).kind]


@pytest.mark.parametrize("status", ["502", "503"])
def test_faults_of_a_server_that_loads_its_model_lose_nothing(status):
    behaviour = Behaviour(first=(status,) * 12)
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured="off", max_retries=0, retry_base=0.02, on_outage="wait") as model,
    ):
        assert not [outcome for outcome in ask_all(model, texts_of(10)) if outcome.kind]


def test_faults_of_a_server_that_went_away_stop_the_run(monkeypatch):
    monkeypatch.setattr(pace, "OUTAGE_PATIENCE", 0.5)
    with FaultServer() as server:
        model = make_model(server, structured="off", retry_base=0.05)
        ask_all(model, ["Anna"])
    futures = [model.submit(ask_for(text), read_lists) for text in texts_of(50)]
    told = {str(future.exception(10)) for future in futures}
    assert len(told) == 1
    assert re.search(r"E274.*no connection.*`on_outage`", told.pop())
    model.close()


@pytest.mark.parametrize("on_outage", ["stop", "wait"])
def test_faults_of_a_server_that_refuses_all_alike(on_outage):
    behaviour = Behaviour(refuse_texts=("Oslo",), refuse_message="no")
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured="off", max_concurrency=4, on_outage=on_outage) as model,
    ):
        futures = [model.submit(ask_for(text), read_lists) for text in texts_of(60)]
        if on_outage == "stop":
            with pytest.raises(UserError, match=r"E276.*12 requests.*answered 400: no"):
                [future.result(10) for future in futures]
        else:
            assert {future.result(10).kind for future in futures} == {"transport"}


def test_faults_of_a_server_that_starts_late_are_waited_for():
    with FaultServer() as server:
        pass
    with make_model(server, structured="off", retry_base=1.0) as model:
        future = model.submit(ask_for("Anna"), read_lists)
        with server:
            assert future.result(10).value == names_by_label("Anna")


@pytest.mark.slow
def test_faults_at_30_percent_leave_every_reply_right_or_with_a_reason(tmp_path):
    texts = texts_of(1000)
    faults = STATUS_FAULTS + BODY_FAULTS + READABLE_FAULTS + INVALID_FAULTS
    behaviour = Behaviour(delay=0.002, jitter=0.01, fault_rate=0.3, faults=faults, hang=1.0, seed=1)
    path = tmp_path / "s.sqlite"
    with (
        FaultServer(behaviour) as server,
        make_model(server, store=str(path), max_concurrency=32, timeout=0.8) as model,
    ):
        outcomes = ask_all(model, texts)
        usage = model.usage
    log = Counter((entry["fault"], entry["sent"]) for entry in server.requests)
    assert sum(count for (fault, _), count in log.items() if fault) > 250
    for text, outcome in zip(texts, outcomes, strict=True):
        assert outcome.value == names_by_label(text) if not outcome.kind else outcome.failure
    assert sum(bool(outcome.kind) for outcome in outcomes) < 30
    assert usage.invalid + usage.failed == sum(bool(outcome.kind) for outcome in outcomes)
    # What the server answered for good is in the store, once.
    answered = Counter(
        entry["digest"]
        for entry in server.requests
        if entry["sent"] and entry["status"] == 200 and entry["fault"] not in ("html", "cut-body")
    )
    kept = kept_digests(path)
    assert max(Counter(kept).values()) == 1
    assert usage.replies == usage.probes + len(kept)
    assert answered.keys() >= set(kept)
    assert {digest_of_text(text) for text in texts} - set(kept) == {
        digest_of_text(text) for text, outcome in zip(texts, outcomes, strict=True) if not outcome.replies
    }


@pytest.mark.parametrize("fault", WRONG_FAULTS)
def test_faults_that_look_right_are_kept_as_they_came(fault):
    behaviour = Behaviour(fault_rate=1, faults=(fault,))
    with FaultServer(behaviour) as server, make_model(server, structured="off") as model:
        outcome = model.submit(ask_for("Anna Berg"), lambda reply: reply.content).result(10)
        assert outcome.value == server.requests[0]["answer"]["content"]


def test_faults_of_the_server_depend_on_the_seed_alone():
    def faults(seed: int) -> list[tuple[str, str]]:
        behaviour = Behaviour(fault_rate=0.5, seed=seed, faults=("500", "drop"))
        with (
            FaultServer(behaviour) as server,
            make_model(server, structured="off", max_retries=20) as model,
        ):
            ask_all(model, texts_of(30))
        return sorted((entry["digest"], entry["attempt"], entry["fault"]) for entry in server.requests)

    assert faults(1) == faults(1) != faults(2)


@pytest.mark.slow
def test_faults_kill_at_any_time_loses_and_repeats_nothing(tmp_path):
    store, count = tmp_path / "s.sqlite", 600
    chance = random.Random(0)
    with FaultServer(Behaviour(delay=0.01)) as server:
        for _ in range(4):
            kept = set(kept_digests(store))
            asked = len(server.requests)
            client = start_client(server, store, count)
            wait_for(server, asked + chance.randint(1, 40))
            time.sleep(chance.random() * 0.02)
            os.kill(client.pid, signal.SIGKILL)
            client.communicate()
            assert not kept & {entry["digest"] for entry in server.requests[asked:]}
        client = start_client(server, store, count)
        lines = client.communicate(timeout=30)[0].splitlines()
    assert lines == ["begun", *(f"{number} ok" for number in range(count))]
    kept = kept_digests(store)
    assert sorted(kept) == sorted(digest_of_text(text) for text in texts_of(count))


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_faults_kill_campaign_loses_nothing_and_repeats_only_what_was_in_flight(tmp_path, processes):
    kills = int(os.environ.get("SPACY_NER_PLUS_KILLS", "3"))  # of the campaign, 20
    store, count = tmp_path / "s.sqlite", 120 * kills
    chance = random.Random(processes)
    faults = ("429", "500", "503", "drop", "drop-midway", "cut-body", "prose", "empty")
    behaviour = Behaviour(delay=0.02, jitter=0.03, fault_rate=0.2, faults=faults, seed=processes)
    kept: set[str] = set()
    with FaultServer(behaviour) as server:
        for killed in range(kills + 1):
            asked = len(server.requests)
            clients = [start_client(server, store, count) for _ in range(processes)]
            if killed == kills:
                outputs = [client.communicate(timeout=120)[0].splitlines() for client in clients]
            else:
                wait_for(server, asked + chance.randint(1, 50))
                time.sleep(chance.random() * 0.05)
                for client in clients:
                    os.kill(client.pid, signal.SIGKILL)
                for client in clients:
                    client.communicate()
                time.sleep(behaviour.delay + behaviour.jitter + 0.1)
            seen = server.requests[asked:]
            # What is in the store isn't asked again.
            assert not kept & {entry["digest"] for entry in seen}
            kept = set(kept_digests(store))
            # What was answered and isn't there was in flight: of each process at most as much as it may have.
            answered = {
                entry["digest"] for entry in seen if entry["sent"] and entry["fault"] in ("", "prose")
            }
            assert len(answered - kept) <= 8 * processes * (killed < kills)
    for lines in outputs:
        assert [line.split()[0] for line in lines] == ["begun", *map(str, range(count))]
        # Of so many, some get faults that no repetition helps against: two empty replies, or two that can't be read.
        outcomes = Counter(line.split()[-1] for line in lines[1:])
        assert outcomes.keys() <= {"ok", "invalid", "transport"}
        assert outcomes["ok"] > 0.95 * count
    # Two processes may have asked the same at the same time.
    assert processes > 1 or len(set(kept_digests(store))) == len(kept_digests(store))


def test_faults_interrupt_ends_at_once_and_keeps_replies(tmp_path):
    store = tmp_path / "s.sqlite"
    with FaultServer(Behaviour(delay=0.02, first=("",) * 20 + ("hang",) * 200)) as server:
        client = start_client(server, store, 100)
        wait_for(server, 20)
        time.sleep(0.1)
        os.kill(client.pid, signal.SIGINT)
        out, errors = client.communicate(timeout=10)
    last = out.splitlines()[-1].split()
    assert (last[0], float(last[1]) < 1.0, errors) == ("closed", True, "")
    assert len(kept_digests(store)) == 20


@pytest.mark.slow
def test_faults_two_processes_share_a_store(tmp_path):
    store, count = tmp_path / "s.sqlite", 150
    with FaultServer(Behaviour(delay=0.005)) as server:
        clients = [start_client(server, store, count) for _ in range(2)]
        for client in clients:
            out, errors = client.communicate(timeout=30)
            assert (out.splitlines()[-1], errors) == (f"{count - 1} ok", "")
        asked = len(server.requests)
        start_client(server, store, count).communicate(timeout=30)
    assert len(server.requests) == asked
    assert len(set(kept_digests(store))) == count


def test_faults_a_fork_asks_on_its_own(tmp_path):
    script = """
import os, sys
from tests.llm.client.asking import ask_all, open_model, texts_of
from tests.servers.known_answers import names_by_label
model = open_model(base_url=sys.argv[1], name="tiny", store=sys.argv[2])
ask_all(model, texts_of(5))
child = os.fork()
texts = texts_of(20 if child else 10)
right = [outcome.value for outcome in ask_all(model, texts)] == [names_by_label(text) for text in texts]
model.close()
if not child:
    os._exit(0 if right and model.usage.stored >= 5 else 1)
print(right, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    with FaultServer() as server:
        command = [sys.executable, "-c", script, server.url, str(tmp_path / "s.sqlite")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("True 0\n", "")
