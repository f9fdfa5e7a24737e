"""What a rerun takes from the store, and what it asks for again."""

import sqlite3
from contextlib import closing

import pytest

from spacy_ner_plus.llm.requests import ReplyStatus
from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_all, make_model, open_model
from tests.llm.store.earlier_stores import as_version
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "s.sqlite")


def statuses(path: str) -> list[ReplyStatus]:
    with Store(path) as store:
        return [inference.reply.status for inference in store.replies()]


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        ("", ["valid"]),
        ("prose", ["invalid", "valid"]),
        ("length", ["cut", "valid"]),
        *(
            (fault, ["valid"])
            for fault in ("500", "drop", "html", "cut-body", "empty", "upstream", "error-in-200")
        ),
    ],
)
def test_process_client_keeps_are_those_that_the_model_made(path, fault, kept):
    with (
        FaultServer(Behaviour(first=(fault,))) as server,
        make_model(server, structured="off", store=path) as model,
    ):
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
    assert statuses(path) == kept


@pytest.mark.parametrize(
    ("fault", "reason"), [("empty", "the reply is empty"), ("upstream", "finish_reason is 'error'")]
)
def test_process_client_keeps_hold_no_empty_one_and_a_rerun_asks_again(path, fault, reason):
    with FaultServer(Behaviour(fault_rate=1, faults=(fault,))) as server:
        with make_model(server, structured="off", store=path) as model:
            (outcome,) = ask_all(model, ["Anna"])
            assert outcome.kind == "transport"
            assert outcome.failure.endswith(reason)
        server.behaviour.fault_rate = 0
        with make_model(server, structured="off", store=path) as model:
            assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
    assert statuses(path) == ["valid"]


@pytest.mark.parametrize("fault", ["prose", "length"])
def test_process_client_keeps_that_are_invalid_are_asked_again_only_if_wanted(path, fault):
    with FaultServer(Behaviour(fault_rate=1, faults=(fault,))) as server:
        with make_model(server, structured="off", store=path) as model:
            ask_all(model, ["Anna"])
        server.behaviour.fault_rate = 0
        with make_model(server, structured="off", store=path) as model:
            assert ask_all(model, ["Anna"])[0].kind == "invalid"
            with pytest.warns(
                UserWarning, match=r"W261.*1 of the prompts.*components\.llm\.model\.retry_invalid"
            ):
                model.warn_of_invalid("llm")
        assert len(server.requests) == 2
        with make_model(server, structured="off", store=path, retry_invalid=True) as model:
            assert [outcome.value for outcome in ask_all(model, ["Anna", "Anna"])] == [
                names_by_label("Anna")
            ] * 2
        assert len(server.requests) == 3
        with make_model(server, structured="off", store=path) as model:
            assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
        assert len(server.requests) == 3


def test_process_client_keeps_that_stay_invalid_are_asked_once_in_a_run(path):
    with FaultServer(Behaviour(fault_rate=1, faults=("prose",))) as server:
        for asked in (2, 4, 6):
            with make_model(server, structured="off", store=path, retry_invalid=True) as model:
                for _ in range(2):
                    assert ask_all(model, ["Anna"])[0].kind == "invalid"
            assert len(server.requests) == asked


def test_process_client_keeps_are_found_under_a_name_of_the_endpoint(path):
    with FaultServer() as one, make_model(one, structured="off", store=path) as model:
        ask_all(model, ["Anna"])
    with (
        FaultServer() as other,
        make_model(other, structured="off", store=path, endpoint_name="gpu") as model,
    ):
        ask_all(model, ["Bob"])
    url = "http://127.0.0.1:9/v1"
    with open_model(base_url=url, name="tiny", endpoint_name="gpu", store=path, replay_only=True) as model:
        assert ask_all(model, ["Bob"])[0].value == names_by_label("Bob")
    with open_model(
        base_url=one.url, name="tiny", endpoint_name="gpu", store=path, replay_only=True
    ) as model:
        assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")


def test_process_client_keeps_count_no_field_that_leaves_an_answer_as_it_is(path):
    with FaultServer() as server:
        for user in ("me", "you"):
            with make_model(server, structured="off", store=path, parameters={"user": user}) as model:
                ask_all(model, ["Anna"])
    assert len(server.requests) == 1


def test_process_client_replays_an_invalid_reply_whose_second_question_was_never_asked(path):
    with (
        FaultServer(Behaviour(first=("", "cut-json", "drop", "drop", "drop"))) as server,
        make_model(server, structured="off", store=path, max_retries=1) as model,
    ):
        ask_all(model, ["Anna", "Bob"])
    with open_model(
        base_url=server.url, name="tiny", structured="off", store=path, replay_only=True
    ) as model:
        outcomes = ask_all(model, ["Anna", "Bob"])
    assert any(outcome.value is not None for outcome in outcomes)
    (failed,) = (outcome for outcome in outcomes if outcome.value is None)
    assert "no reply to a second question, asked again since" in failed.failure


@pytest.mark.parametrize("said", ["MAX_TOKENS", "stop"])
def test_process_client_takes_no_reply_for_whole_that_ends_at_the_limit(path, said):
    behaviour = Behaviour(cuts=True, finish_reason=said)
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured="off", store=path, max_tokens=4) as model,
    ):
        assert "cut off at the limit" in ask_all(model, ["Anna met Bob."])[0].failure
    assert statuses(path) == ["cut", "cut"]


def test_process_client_takes_no_reply_for_cut_where_no_limit_was_sent(path):
    text = "Anna met Bob."
    with FaultServer(Behaviour()) as server, make_model(server, structured="off", store=path) as model:
        ask_all(model, [text])
        with Store(path) as store:
            used = next(store.replies()).reply.usage.completion
    settings = {"max_tokens": used, "parameters": {"max_tokens": None}}
    with FaultServer(Behaviour()) as server, make_model(server, structured="off", **settings) as model:
        assert ask_all(model, [text])[0].value == names_by_label(text)


@pytest.mark.parametrize(
    ("said", "reason"), [("max_tokens", "cut off at the limit"), ("abort", "broke it off")]
)
def test_process_client_reads_what_earlier_versions_kept_by_why_it_ended(path, said, reason):
    with FaultServer(Behaviour()) as server, make_model(server, structured="off", store=path) as model:
        ask_all(model, ["Anna"])
    as_version(path, 2)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE inferences SET finish_reason = ?", (said,))
    with open_model(
        base_url=server.url, name="tiny", structured="off", store=path, replay_only=True
    ) as model:
        assert reason in ask_all(model, ["Anna"])[0].failure
    with (
        FaultServer(Behaviour()) as other,
        make_model(
            other, structured="off", store=path, endpoint_name=server.url, retry_invalid=True
        ) as model,
    ):
        for _ in range(2):  # and once there is a whole one, it is asked for no more
            assert ask_all(model, ["Anna"])[0].value == names_by_label("Anna")
    assert len(other.requests) == 1
