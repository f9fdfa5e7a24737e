import os
import socket
import threading

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.prompting.store_demonstrations import Snapshot, StoreExamples, read_snapshot
from spacy_ner_plus.llm.requests import ChatReply, ReplyStatus, Usage
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.store import Store
from tests.llm.store.test_inferences import make_inference

REPLY = ChatReply("{}", "stop", Usage(10, 2, 5), 0.25, [("{}", -0.5)], "tool", "a" * 64)


def run(address, statement):
    with psycopg.connect(address, autocommit=True) as connection:
        return connection.execute(statement)


def end_connections(address):
    run(
        address,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'spacy-ner-plus'",
    )


@pytest.fixture
def store(postgresql_address):
    with Store(postgresql_address) as opened:
        yield opened


def test_postgresql_engine_keeps_replies(store):
    store.add("{}", REPLY)
    store.add("{}", ChatReply("second", key=REPLY.key), id="i")
    store.add("{}", ChatReply("third", key=REPLY.key), id="i")
    found = store.get(REPLY.key)
    assert (found.content, found.usage, found.seconds, found.logprobs) == (
        "{}",
        Usage(10, 2, 5),
        0.25,
        [("{}", -0.5)],
    )
    assert [kept.reply.content for kept in store.replies()] == ["{}", "second"]
    assert (store.drop(["i", "no such id"]), store.forget([REPLY.key]), store.get(REPLY.key)) == (1, 1, None)
    for content, status in (("a", "invalid"), ("b", "cut")):
        store.add("{}", ChatReply(content, key="k", status=ReplyStatus(status)))
    assert store.get("k").content == "b"
    store.add("{}", ChatReply("c", key="k", status=ReplyStatus.VALID))
    assert store.get("k").content == "c"


def test_postgresql_engine_remembers_how_a_server_is_spoken_to(store):
    store.set_schema_mode("http://a/v1", "m", "json_object")
    store.set_schema_mode("http://a/v1", "m", "tool")
    assert store.get_schema_mode("http://a/v1", "m", 0.0) == "tool"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text() | st.text(alphabet="\0\1ab"))
def test_postgresql_engine_keeps_any_text(store, content):
    id = store.add("{}", ChatReply(content, key="k"))
    assert store.get("k").content == content
    store.drop([id])


def test_postgresql_engine_connects_again_once_where_its_connection_died(store, postgresql_address):
    store.add("{}", REPLY)
    end_connections(postgresql_address)
    assert store.get(REPLY.key).content == "{}"
    end_connections(postgresql_address)
    inference = make_inference()
    store.inferences.add(inference)
    end_connections(postgresql_address)
    store.feedback.add(inference.id, "f1", 0.5)
    assert store.feedback.totals("f1") == {"small": (1, 0.5)}


def test_postgresql_engine_writes_once_where_the_connection_died_as_it_committed(store, postgresql_address):
    inference = make_inference()
    store.inferences.add(inference)
    write, tries = store._engine.write, []

    def write_twice(work):  # the first answer got lost
        tries.append(write(work))
        return write(work)

    store._engine.write = write_twice
    store.feedback.add(inference.id, "f1", 0.5)
    store.feedback.add_many([(inference.id, "exact_match", True, "")])
    store.inferences.add(make_inference())
    assert len(tries) == 3
    assert len(store.feedback.of(inference.id)) == 2
    assert store.feedback.totals("exact_match") == {"small": (1, 1.0)}
    assert len(list(store.inferences.all())) == 2


def test_postgresql_engine_says_in_one_message_that_no_server_is_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"postgresql://ann@127.0.0.1:{free.getsockname()[1]}/team"
        with pytest.raises(StoreError, match=r"E800.*refused") as refused:
            Store(address)
    assert "\n" not in str(refused.value)


def test_postgresql_engine_read_only_makes_and_writes_nothing(postgresql_address):
    with pytest.raises(UserError, match="E266"):
        Store(postgresql_address, read_only=True)
    with pytest.raises(psycopg.errors.UndefinedTable):
        run(postgresql_address, "SELECT * FROM spacy_ner_plus.replies")
    with Store(postgresql_address) as store:
        store.add("{}", REPLY)
    with Store(postgresql_address, read_only=True) as store:
        assert store.get(REPLY.key).content == "{}"
        with pytest.raises(StoreError, match=r"E800.*read-only"):
            store.add("{}", REPLY)


def test_postgresql_engine_refuses_a_newer_version(postgresql_address):
    Store(postgresql_address).close()
    run(postgresql_address, "UPDATE spacy_ner_plus.store_version SET version = 99")
    with pytest.raises(UserError, match=r"E264.*version 99"):
        Store(postgresql_address)


def test_postgresql_engine_refuses_a_database_that_cannot_keep_any_text(
    postgresql_server, postgresql_address
):
    run(postgresql_address, "CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0")
    with pytest.raises(StoreError, match=r"E800.*LATIN1.*UTF8"):
        Store(postgresql_server.address("latin"))


def test_postgresql_engine_is_begun_once_by_several(postgresql_address):
    stores = []
    threads = [threading.Thread(target=lambda: stores.append(Store(postgresql_address))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.position() for store in stores] == [0] * 6
    for store in stores:
        store.close()


def test_postgresql_engine_shows_nothing_before_what_has_a_lower_position(store, postgresql_address):
    """A transaction that is committed late must not appear in a snapshot that was taken before."""
    with Store(postgresql_address) as other, psycopg.connect(postgresql_address) as late:
        late.execute("SELECT pg_advisory_xact_lock(%s)", (0x736E706C,))
        late.execute("UPDATE spacy_ner_plus.positions SET position = position + 1")
        thread = threading.Thread(target=other.inferences.add, args=(make_inference(),))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert (store.position(), list(store.inferences.all())) == (0, [])
        late.commit()
        thread.join()
    assert store.position() == 2


def test_postgresql_engine_is_used_by_a_fork_on_a_connection_of_its_own(store):
    store.add("{}", ChatReply("parent", key="p"))
    store._engine._lock.acquire()  # as where another thread writes
    pid = os.fork()
    if not pid:
        try:
            store.add("{}", ChatReply(store.get("p").content, key="c"))
            store.close()
        finally:
            os._exit(0)
    store._engine._lock.release()
    os.waitpid(pid, 0)
    assert store.get("c").content == "parent"
    store.add("{}", REPLY)


def test_postgresql_engine_without_tables_has_no_examples_yet(postgresql_address):
    found = read_snapshot(postgresql_address, StoreExamples(), labels=["PER"], excluded=(), issues=IssueLog())
    assert found == Snapshot(0, [])
