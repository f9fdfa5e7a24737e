import asyncio
import copy
import pickle
import threading
import time

import pytest
from spacy_llm.ty import ModelWithContextLength

from spacy_ner_plus.errors import UserError
from tests.llm.client.asking import ask_all, ask_for, make_model, open_model, read_lists, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label

NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture
def no_key(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


def test_chat_model_answers(server):
    with make_model(server) as model:
        outcomes = ask_all(model, texts_of(5))
    assert [outcome.value for outcome in outcomes] == [names_by_label(text) for text in texts_of(5)]


def test_chat_model_is_made_without_network_key_thread_or_file(no_key, tmp_path):
    threads = threading.active_count()
    model = open_model(base_url=NOWHERE, name="m", store="replies.sqlite", api_key_env="NO_SUCH_VARIABLE")
    assert (threading.active_count(), list(tmp_path.iterdir())) == (threads, [])
    assert model.usage.requests == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_chat_model_copies_and_pickles_after_use(server, tmp_path, copied):
    with make_model(server, store=str(tmp_path / "s.sqlite"), parameters={"top_p": 1}) as model:
        ask_all(model, ["Anna"])
        with copied(model) as other:
            assert other.settings == model.settings
            assert ask_all(other, ["Anna", "Bob"])[1].value == names_by_label("Bob")
            assert other.usage.stored == 1


def test_chat_model_sends_many_requests_at_once():
    # So long that all are there before the first is answered, on a busy machine, too.
    with FaultServer(Behaviour(delay=0.5)) as server, make_model(server, max_concurrency=20) as model:
        ask_all(model, ["Anna"])
        ask_all(model, texts_of(20))
        assert server.most_in_flight == 20


def test_chat_model_sends_no_more_at_once_than_it_may():
    with FaultServer(Behaviour(delay=0.01)) as server, make_model(server, max_concurrency=3) as model:
        ask_all(model, texts_of(40))
    assert server.most_in_flight == 3


def test_chat_model_asks_identical_requests_in_flight_once():
    with (
        FaultServer(Behaviour(delay=0.05)) as server,
        make_model(server, structured="json_schema") as model,
    ):
        assert {str(outcome.value) for outcome in ask_all(model, ["Anna"] * 10)} == {
            str(names_by_label("Anna"))
        }
    assert len(server.requests) == 1


def test_chat_model_asks_for_each_sample(server):
    with make_model(server, structured="json_schema", seed=7) as model:
        for sample in range(3):
            model.submit(ask_for("Anna", sample=sample), read_lists).result(10)
    assert len(server.requests) == 3


def test_chat_model_rerun_sends_nothing(server, tmp_path):
    path = str(tmp_path / "s.sqlite")
    texts = ["Jordan beat Georgia in Paris", "Paris beat Jordan in Georgia", *texts_of(10)]
    with make_model(server, store=path) as model:
        first = ask_all(model, texts)
    asked = len(server.requests)
    with make_model(server, store=path) as model:
        again = ask_all(model, texts)
        assert (model.usage.requests, model.usage.stored) == (0, len(texts))
    assert len(server.requests) == asked
    assert [outcome.value for outcome in again] == [outcome.value for outcome in first]
    assert all(reply.stored for outcome in again for reply in outcome.replies)
    assert again[0].replies[0].key != again[1].replies[0].key


def test_chat_model_reads_thousands_of_replies_a_second_from_the_store(server, tmp_path):
    with make_model(server, store=str(tmp_path / "s.sqlite"), structured="json_schema") as model:
        ask_all(model, texts_of(50))
        began = time.process_time()
        for _ in range(20):
            ask_all(model, texts_of(50))
        assert (time.process_time() - began) / 1000 < 0.00025
        assert model.usage.stored == 1000


def test_chat_model_replays_with_the_server_down(server, tmp_path):
    path = str(tmp_path / "s.sqlite")
    with make_model(server, store=path) as model:
        ask_all(model, texts_of(5))
    url = server.url
    server.__exit__()
    with open_model(base_url=url, name="tiny", store=path, replay_only=True) as model:
        assert ask_all(model, texts_of(5))[4].value == names_by_label(texts_of(5)[4])
        with pytest.raises(UserError, match=r"E257.*s\.sqlite"):
            ask_all(model, ["Something else"])
        assert model.usage.requests == 0
    server.__enter__()


def test_chat_model_gives_logprobs_also_from_the_store(server, tmp_path):
    with make_model(server, logprobs=True, store=str(tmp_path / "s.sqlite")) as model:
        first, again = (ask_all(model, ["Anna"])[0].replies[0] for _ in range(2))
    assert "".join(token for token, _ in first.logprobs) == first.content
    assert again.logprobs == first.logprobs
    assert again.stored


def test_chat_model_works_within_a_running_event_loop(server):
    async def main() -> list:
        with make_model(server) as model:
            blocking = ask_all(model, texts_of(2))
            awaited = await asyncio.wrap_future(model.submit(ask_for("Anna"), read_lists))
        return [outcome.value for outcome in [*blocking, awaited]]

    assert asyncio.run(main()) == [names_by_label(text) for text in [*texts_of(2), "Anna"]]


def test_chat_model_is_used_by_many_threads(server, tmp_path):
    results = {}
    with make_model(server, store=str(tmp_path / "s.sqlite"), structured="json_schema") as model:

        def work(number: int) -> None:
            texts = [f"Anna {number} {i % 10}" for i in range(20)]
            results[number] = [outcome.value for outcome in ask_all(model, texts)] == [
                names_by_label(text) for text in texts
            ]

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == dict.fromkeys(range(8), True)
    assert len(server.requests) == 80


def test_chat_model_cancels_a_request_with_its_future():
    with (
        FaultServer(Behaviour(delay=0.2)) as server,
        make_model(server, max_concurrency=1, structured="off") as model,
    ):
        first, second, third = (model.submit(ask_for(name), read_lists) for name in ("Anna", "Bob", "Eve"))
        assert second.cancel()
        assert first.result(10).value
        assert third.result(10).value
    assert len(server.requests) == 2


def test_chat_model_keeps_a_request_that_another_waits_for():
    with (
        FaultServer(Behaviour(delay=0.1)) as server,
        make_model(server, structured="off") as model,
    ):
        first, second = (model.submit(ask_for("Anna"), read_lists) for _ in range(2))
        time.sleep(0.03)
        first.cancel()
        assert second.result(10).value == names_by_label("Anna")
    assert len(server.requests) == 1


def test_chat_model_closes_at_once_and_opens_again(tmp_path):
    with FaultServer(Behaviour(first=("", "hang"))) as server:
        model = make_model(server, store=str(tmp_path / "s.sqlite"), structured="off")
        ask_all(model, ["Anna"])
        hanging = model.submit(ask_for("Bob"), read_lists)
        time.sleep(0.05)
        began = time.monotonic()
        model.close()
        assert time.monotonic() - began < 1
        assert hanging.cancelled()
        assert ask_all(model, ["Anna", "Eve"])[1].value == names_by_label("Eve")
        model.close()


def test_chat_model_counts_tokens(server):
    model = make_model(server, context_length=4096)
    assert model.count_tokens("seven characters") == 5
    assert model.count_tokens([{"role": "user", "content": "seven characters"}]) == 12
    assert (model.context_length, isinstance(model, ModelWithContextLength)) == (4096, True)
