from contextlib import suppress

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.batch.state import Batch, BatchState, Submitted


def batch(name):
    return Batch(name, "http://a/v1", "m", "{}", ["texts.txt"], "24h", 1, 1.0)


def request(key, document):
    return Submitted(key, "id", document, "{}", "json_schema", "{}", is_second=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "replies.sqlite-batches"


def test_state_is_there_after_it_was_closed(path):
    with BatchState(path) as state:
        with state.transaction():
            state.add(batch("one"))
            state.add_request("one", request("k", state.add_document("one", "a text")))
        state.uploaded("one", "file-1")
        state.created("one", "batch-1")
    with BatchState(path) as state:
        (found,) = state.batches("http://a/v1", "m")
        assert (found.file_id, found.id, found.texts, found.collected) == (
            "file-1",
            "batch-1",
            ["texts.txt"],
            False,
        )
        assert state.batches("http://a/v1", "another") == []
        assert state.is_waiting("k")
        # What was sent needn't be kept.
        ((text, (found,)),) = state.documents("one")
        assert (text, found.key, found.body) == ("a text", "k", "")
        state.collected("one")
        assert not state.is_waiting("k")
        assert state.batches("http://a/v1", "m")[0].collected


@pytest.mark.parametrize("keep", [True, False])
def test_state_keeps_all_or_nothing(path, keep):
    with BatchState(path) as state:
        with suppress(ZeroDivisionError), state.transaction():
            state.add(batch("one"))
            raise ZeroDivisionError
        with state.transaction(keep=keep):
            state.add(batch("two"))
        assert [found.name for found in state.batches("http://a/v1", "m")] == (["two"] if keep else [])


def test_state_refuses_what_is_something_else(path):
    path.parent.mkdir()
    path.write_text("these are no batches, but a text that somebody wrote\n" * 20)
    with pytest.raises(UserError, match="E689"):
        BatchState(path)


def test_state_refuses_a_place_where_it_can_not_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="E689"):
        BatchState(tmp_path / "file" / "batches")
