import json
import os
import sqlite3
import threading
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, GatewayIds, ReplyStatus, Usage
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.request_key import canonical_request, earlier_canonicals, request_key
from spacy_ner_plus.llm.store.store import Store
from tests.llm.store.earlier_stores import as_version
from tests.llm.store.test_inferences import make_inference

REPLY = ChatReply("{}", "stop", Usage(10, 2, 5), 0.25, [("{}", -0.5)], "tool", "a" * 64)


def key_of(text: str, *, endpoint="http://a/v1", name="m", sampling=None, **request) -> str:
    asked = ChatRequest([{"role": "user", "content": text}], **request)
    return request_key(canonical_request(endpoint, name, sampling or {}, asked))


def count(store: Store) -> int:
    return sum(1 for _ in store.replies())


def make_store(path: Path, replies: int = 3) -> Path:
    with Store(path) as store:
        for number in range(replies):
            store.add('{"model": "m"}', ChatReply(f"reply {number}", key=f"{number}"))
    return path


def test_store_gives_back_what_it_was_given(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.add("{}", REPLY)
        found = store.get(REPLY.key)
        assert store.get("b" * 64) is None
    assert (found.content, found.finish_reason, found.usage) == ("{}", "stop", Usage(10, 2, 5))
    assert (found.seconds, found.logprobs, found.mode, found.stored) == (0.25, [("{}", -0.5)], "tool", True)


def test_store_keeps_the_ids_of_a_gateway(tmp_path):
    ids = GatewayIds("tensorzero", "i", "e", 'a "b"')
    with Store(tmp_path / "s.sqlite") as store:
        key = key_of("x")
        store.add("{}", ChatReply("{}", key=key, gateway=ids))
        assert store.get(key).gateway == ids
        assert next(store.replies()).reply.gateway == ids


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    with Store(tmp_path_factory.mktemp("kept") / "s.sqlite") as store:
        yield store


@given(content=st.text())
def test_store_keeps_any_text(kept, content):
    key = str(uuid.uuid4())
    kept.add("{}", ChatReply(content, key=key))
    assert kept.get(key).content == content


def test_store_keys_tell_apart_what_shares_its_words():
    assert key_of("Jordan beat Georgia in Paris") != key_of("Paris beat Jordan in Georgia")


@pytest.mark.parametrize(
    "other",
    [
        {"endpoint": "http://b/v1"},
        {"name": "n"},
        {"sampling": {"temperature": 1.0}},
        {"schema": {"type": "object"}},
        {"grammar": "root ::= x"},
        {"sample": 1},
    ],
)
def test_store_keys_hold_all_that_changes_a_reply(other):
    assert key_of("text", **other) != key_of("text")


def test_store_keys_depend_on_no_order_of_fields():
    first = key_of("x", sampling={"a": 1, "b": {"c": 1, "d": 2}})
    assert first == key_of("x", sampling={"b": {"d": 2, "c": 1}, "a": 1})


@given(st.text(), st.text())
def test_store_keys_are_equal_for_equal_texts_alone(one, other):
    assert (key_of(one) == key_of(other)) == (one == other)


def test_store_keeps_the_first_of_two_replies_to_a_request_in_front(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.add("{}", ChatReply("first", key="k"))
        store.add("{}", ChatReply("second", key="k"))
        assert store.get("k").content == "first"
        assert [kept.reply.content for kept in store.replies()] == ["first", "second"]


def test_store_lists_replies_in_order_with_their_requests(tmp_path):
    with Store(make_store(tmp_path / "s.sqlite")) as store:
        replies = list(store.replies())
        assert count(store) == 3
    assert [kept.reply.content for kept in replies] == ["reply 0", "reply 1", "reply 2"]
    assert [kept.request for kept in replies] == [{"model": "m"}] * 3
    assert len({kept.id for kept in replies}) == 3


def test_store_ids_are_uuids_in_the_order_of_time():
    ids = [new_id() for _ in range(3)]
    assert {uuid.UUID(id).version for id in ids} == {7}
    assert [id[:8] for id in ids] == sorted(id[:8] for id in ids)


def test_store_is_shared_by_threads(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:

        def fill(thread: int) -> None:
            for number in range(20):
                store.add("{}", ChatReply("x", key=f"{thread}-{number}"))
                assert store.get(f"{thread}-{number}")

        threads = [threading.Thread(target=fill, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert count(store) == 160


def test_store_is_seen_by_another_opened_before(tmp_path):
    with Store(tmp_path / "s.sqlite") as one, Store(tmp_path / "s.sqlite") as other:
        one.add("{}", ChatReply("x", key="k"))
        assert other.get("k").content == "x"


def test_store_makes_its_folder(tmp_path):
    make_store(tmp_path / "new" / "folder" / "s.sqlite")
    assert (tmp_path / "new" / "folder" / "s.sqlite").is_file()


def garbage(path: Path) -> bytes:
    path.write_bytes(b"these are no replies" * 100)
    return path.read_bytes()


def broken_page(path: Path) -> bytes:
    make_store(path, 200)
    data = bytearray(path.read_bytes())
    data[4096:16384] = b"\xff" * 12288
    path.write_bytes(data)
    return bytes(data)


def cut(path: Path) -> bytes:
    make_store(path, 200)
    path.write_bytes(path.read_bytes()[:9000])
    return path.read_bytes()


@pytest.mark.parametrize("damage", [garbage, broken_page, cut])
def test_store_sets_a_damaged_file_aside(tmp_path, damage):
    path = tmp_path / "s.sqlite"
    data = damage(path)
    with pytest.warns(UserWarning, match="W252"):
        store = Store(path)
    assert count(store) == 0
    store.add("{}", ChatReply("x", key="k"))
    store.close()
    (aside,) = tmp_path.glob("s.sqlite.damaged-*")
    assert aside.read_bytes() == data
    with Store(path) as store:
        assert count(store) == 1


def test_store_sets_no_second_file_aside_under_the_same_name(tmp_path):
    for _ in range(3):
        garbage(tmp_path / "s.sqlite")
        with pytest.warns(UserWarning, match="W252"):
            Store(tmp_path / "s.sqlite").close()
    assert len(list(tmp_path.glob("s.sqlite.damaged-*"))) == 3


def test_store_of_a_newer_version_is_refused(tmp_path):
    path = make_store(tmp_path / "s.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"E264.*version 99"):
        Store(path)
    assert path.read_bytes() == before


def test_store_refuses_a_database_of_something_else(tmp_path):
    path = tmp_path / "s.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url)")
    connection.close()
    with pytest.raises(UserError, match="E265"):
        Store(path)


def test_store_read_only_writes_nothing(tmp_path):
    path = make_store(tmp_path / "s.sqlite")
    before = path.read_bytes()
    with Store(path, read_only=True) as store:
        assert store.get("1").content == "reply 1"
        with pytest.raises(StoreError, match="readonly"):
            store.add("{}", REPLY)
    assert path.read_bytes() == before


def test_store_read_only_reads_beside_a_writer(tmp_path):
    with Store(tmp_path / "s.sqlite") as writer, Store(tmp_path / "s.sqlite", read_only=True) as reader:
        writer.add("{}", ChatReply("x", key="k"))
        assert reader.get("k").content == "x"


def test_store_read_only_must_be_there(tmp_path):
    with pytest.raises(UserError, match="E266"):
        Store(tmp_path / "s.sqlite", read_only=True)
    assert not (tmp_path / "s.sqlite").exists()


def test_store_read_only_is_not_set_aside_when_damaged(tmp_path):
    garbage(tmp_path / "s.sqlite")
    with pytest.raises(UserError, match="E267"):
        Store(tmp_path / "s.sqlite", read_only=True)
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]


def test_store_that_cannot_be_opened_says_so(tmp_path):
    with pytest.raises(UserError, match="E263"):
        Store(tmp_path)


def test_store_remembers_how_a_server_is_spoken_to(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.set_schema_mode("http://a/v1", "m", "json_object")
        store.set_schema_mode("http://a/v1", "m", "tool")
        assert store.get_schema_mode("http://a/v1", "m", 0.0) == "tool"
        assert store.get_schema_mode("http://a/v1", "other", 0.0) is None
        assert store.get_schema_mode("http://a/v1", "m", 9e9) is None


def test_store_prefers_a_reply_that_could_be_read_and_else_the_last_one(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        for content, status in (("a", "invalid"), ("b", "cut")):
            store.add("{}", ChatReply(content, key="k", status=ReplyStatus(status)))
        assert store.get("k").content == "b"
        for content, status in (("c", "repaired"), ("d", "valid"), ("e", "invalid")):
            store.add("{}", ChatReply(content, key="k", status=ReplyStatus(status)))
        assert (store.get("k").content, store.get("k").status) == ("c", "repaired")


def test_store_drops_replies(tmp_path):
    with Store(make_store(tmp_path / "s.sqlite")) as store:
        first = next(store.replies()).id
        assert (store.drop([first, "no such id"]), count(store)) == (1, 2)
        assert store.get("0") is None


def store_of_version_1(path: Path) -> Path:
    """As earlier versions wrote it: no status, and an upstream's failure as an empty reply."""
    with Store(path) as store:
        for content, finish in (("{}", "stop"), ("{", "length"), ("", "error"), ("", "length")):
            store.add("{}", ChatReply(content, finish, key=f"{content}{finish}"))
    return as_version(path, 1)


@pytest.mark.parametrize("read_only", [True, False])
def test_store_of_version_1_is_read(tmp_path, read_only):
    path = store_of_version_1(tmp_path / "s.sqlite")
    before = path.read_bytes()
    with Store(path, read_only=read_only) as store:
        assert [row.reply.status for row in store.replies()] == ["", "cut", "cut"]
        assert (store.get("{}stop").status, store.get("{length").status) == ("", "cut")
        assert store.get("error") is None
    assert (path.read_bytes() == before) == read_only


def test_store_of_version_1_is_brought_up_to_date_by_one_of_several(tmp_path):
    path = store_of_version_1(tmp_path / "s.sqlite")
    stores: list[Store] = []
    threads = [threading.Thread(target=lambda: stores.append(Store(path))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [count(store) for store in stores] == [3] * 6
    for store in stores:
        store.close()


def test_store_keys_hold_nothing_that_leaves_the_reply_as_it_is():
    sampling = {"temperature": 0.0, "user": "me", "service_tier": "flex"}
    assert key_of("x", sampling=sampling) == key_of("x", sampling={"temperature": 0.0})


def test_store_finds_what_was_kept_under_earlier_keys():
    asked = ChatRequest([{"role": "user", "content": "x"}])
    forms = earlier_canonicals("gpu", "http://a/v1", "m", {"user": "me"}, asked)
    assert [json.loads(form)["base_url"] for form in forms] == ["http://a/v1"] * 2
    assert [json.loads(form)["parameters"] for form in forms] == [{}, {"user": "me"}]
    assert earlier_canonicals("http://a/v1", "http://a/v1", "m", {"seed": 1}, asked) == []


def test_store_of_version_2_is_kept_beside_when_it_is_brought_up_to_date(tmp_path):
    path = as_version(make_store(tmp_path / "s.sqlite"), 2)
    with Store(path, read_only=True) as store:
        assert (store.get("1").content, count(store), store.position()) == ("reply 1", 3, 0)
        assert (list(store.inferences.all()), store.feedback.totals("f1"), store.dry_texts.all()) == (
            [],
            {},
            set(),
        )
        with pytest.raises(StoreError, match="readonly"):
            store.dry_texts.add(["a"])
    with pytest.warns(UserWarning, match=r"W360.*v2-backup"):
        store = Store(path)
    store.inferences.add(make_inference())
    store.close()
    with Store(path) as store:
        assert (count(store), len(list(store.inferences.all()))) == (3, 1)
    assert sorted(found.name for found in tmp_path.iterdir()) == ["s.sqlite", "s.sqlite.v2-backup"]
    backup = path.with_name("s.sqlite.v2-backup")
    with Store(backup, read_only=True) as store:
        assert [kept.reply.content for kept in store.replies()] == ["reply 0", "reply 1", "reply 2"]
    assert sqlite3.connect(backup).execute("PRAGMA user_version").fetchone() == (2,)


def test_store_is_left_as_it_was_where_there_is_no_room_for_a_backup(tmp_path, monkeypatch):
    path = as_version(make_store(tmp_path / "s.sqlite"), 2)

    def replace(self, target):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with pytest.raises(UserError, match=r"E263.*No space left"):
            Store(path)
    assert [found.name for found in tmp_path.iterdir()] == ["s.sqlite"]
    with Store(path, read_only=True) as store:
        assert count(store) == 3
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (2,)


def test_store_is_used_by_a_fork_on_a_connection_of_its_own(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
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


def test_store_that_was_closed_says_so(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    store.close()
    store.close()
    with pytest.raises(StoreError, match=r"E263.*closed"):
        store.get("k")


def test_store_of_version_2_is_read_on_when_another_brings_it_up_to_date(tmp_path):
    path = as_version(make_store(tmp_path / "s.sqlite"), 2)
    with Store(path, read_only=True) as reader:
        assert reader.get("1").content == "reply 1"
        with pytest.warns(UserWarning, match="W360"):
            writer = Store(path)
        writer.add("{}", ChatReply("new", key="n"))
        assert (reader.get("1").content, reader.get("n").content, count(reader)) == ("reply 1", "new", 4)
        writer.close()
