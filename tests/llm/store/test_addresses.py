import re
from pathlib import Path

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.store.addresses import path_beside, read_where
from spacy_ner_plus.llm.store.store import Store, has_store

ADDRESS = "postgresql://ann@db.example:5433/team?sslmode=require"


def test_addresses_are_told_from_files():
    assert read_where(ADDRESS) == ADDRESS
    assert read_where("postgresql:///team") == "postgresql:///team"
    assert read_where("replies.sqlite") == Path("replies.sqlite")
    assert read_where("C:/replies.sqlite") == Path("C:/replies.sqlite")
    assert read_where(Path("~/replies")) == Path.home() / "replies"
    assert ChatSettings(base_url="http://a/v1", name="m", store=ADDRESS).store == ADDRESS


def test_addresses_name_files_beside_them_by_what_they_are():
    assert path_beside("folder/replies.sqlite", "batches") == Path("folder/replies.sqlite-batches")
    beside = path_beside(ADDRESS, "batches")
    assert re.fullmatch(r"db\.example-5433-team-[0-9a-f]{8}-batches", str(beside))
    assert path_beside("postgresql:///team?host=/tmp/a", "b") != path_beside(
        "postgresql:///team?host=/tmp/c", "b"
    )


def test_addresses_where_no_store_is_yet_are_told(store_place):
    assert [has_store(store_place), has_store(store_place)] == [False, False]
    Store(store_place).close()
    assert has_store(store_place)


@pytest.mark.parametrize(
    "where",
    [
        "postgresql://ann:hunter2@db.example/team",
        "postgresql://ann:hun/ter2@db.example/team",
        "postgresql://ann:@db.example/hunter2",
        "postgresql://ann@db.example/team?password=hunter2",
        "postgresql://ann@db.example/team?sslpassword=hunter2&x",
        "postgresql://ann@[db.example/team",
        "mysql://ann@db.example/team",
        "sqlite:///replies.sqlite",
        "postgresql:/ann@db.example/team",
        Path("postgresql://ann@db.example/team"),
    ],
)
def test_addresses_that_cannot_be_a_store_are_refused_without_their_passwords(where, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="E801") as refused:
        Store(where)
    assert "hunter2@" not in str(refused.value)
    assert "=hunter2" not in str(refused.value)
    with pytest.raises(UserError, match="E801"):
        ChatSettings(base_url="http://a/v1", name="m", store=where)
    assert list(tmp_path.iterdir()) == []
