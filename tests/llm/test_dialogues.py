from spacy_ner_plus.llm.dialogues import ask_one, ask_together
from spacy_ner_plus.llm.requests import Question
from spacy_ner_plus.llm.store.store import Store
from tests.llm.client.asking import ask_for, make_model, read_lists
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import names_by_label


def ask(text):
    return ask_one(Question(ask_for(text), read_lists))


def ask_on(first, *then):
    """A text, and once there is an answer to it, the next."""
    outcomes = [(yield from ask(first))]
    for text in then:
        outcomes.append((yield from ask(text)))
    return [outcome.value for outcome in outcomes]


def test_dialogues_ask_what_follows_from_replies_and_replay_it(tmp_path):
    path = str(tmp_path / "s.sqlite")
    with FaultServer() as server:
        for _ in range(2):
            with make_model(server, store=path, structured="off") as model:
                found = model.hold(ask_on("Anna", "Bob", "Oslo")).result(20)
            assert found == [names_by_label(text) for text in ("Anna", "Bob", "Oslo")]
            assert len(server.requests) == 3
    with Store(path) as store:
        assert len(list(store.replies())) == 3


def test_dialogues_held_together_ask_at_the_same_time_and_keep_their_order():
    with (
        FaultServer(Behaviour(delay=0.1)) as server,
        make_model(server, structured="off", max_concurrency=8) as model,
    ):
        together = ask_together([ask_on("Anna", "Bob"), ask_on("Oslo"), ask_on("Bob", "Oslo", "Anna")])
        found = model.hold(together).result(20)
        assert found == [
            [names_by_label(text) for text in texts]
            for texts in (["Anna", "Bob"], ["Oslo"], ["Bob", "Oslo", "Anna"])
        ]
        assert server.most_in_flight > 1


def test_dialogues_held_together_may_be_none():
    with FaultServer() as server, make_model(server) as model:
        assert model.hold(ask_together([])).result(5) == []


def test_dialogues_that_replay_from_a_part_of_the_store_ask_for_the_rest_alone(tmp_path):
    path = str(tmp_path / "s.sqlite")
    with FaultServer() as server, make_model(server, store=path, structured="off") as model:
        model.hold(ask("Bob")).result(20)
        model.hold(ask_together([ask("Anna"), ask("Bob")])).result(20)
        assert len(server.requests) == 2


def test_dialogues_end_with_the_error_of_one_of_their_questions():
    def fail(reply):
        raise KeyError("a bug")

    def both():
        return (yield [Question(ask_for("Anna"), fail), Question(ask_for("Bob"), read_lists)])

    with FaultServer() as server, make_model(server) as model:
        error = model.hold(both()).exception(20)
        assert isinstance(error, KeyError)
