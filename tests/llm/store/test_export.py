import json

import duckdb
import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.requests import ChatReply, ReplyStatus, Usage
from spacy_ner_plus.llm.store.export import export
from spacy_ner_plus.llm.store.store import Store
from spacy_ner_plus.spans import CharSpan
from tests.llm.store.test_inferences import make_inference


@pytest.fixture
def store(store_place):
    with Store(store_place) as opened:
        opened.add(
            json.dumps({"model": "m", "base_url": "http://a/v1"}),
            ChatReply("{}", usage=Usage(3, 2, 1), key="k", status=ReplyStatus.VALID),
        )
        for number in range(3):
            id = f"{number}"
            opened.inferences.add(
                make_inference(id=id, cost=None if number else 0.5, entities=_spans(number))
            )
            opened.feedback.add(id, "exact_match", number == 1)
            opened.feedback.add(id, "f1", number / 2)
        opened.feedback.add("1", "comment", 'it\'s "good"\n\U0001f600')
        opened.feedback.add("1", "demonstration", [CharSpan(0, 4, "PER")])
        yield opened


def _spans(number):
    return (CharSpan(0, 4, "PER"), CharSpan(14, 18, "LOC"))[:number]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_export_is_read_by_duckdb(store, tmp_path, ending):
    counts = [
        export(store, table, tmp_path / f"{table}.{ending}")
        for table in ("inferences", "feedback", "replies")
    ]
    assert counts == [3, 8, 1]
    inferences, feedback, replies = (
        tmp_path / f"{table}.{ending}" for table in ("inferences", "feedback", "replies")
    )
    rows = duckdb.sql(
        f"SELECT i.id, variant, cost, len(entities), entities[1].label, scores[1], valid, boolean, number, i.created"
        f" FROM '{inferences}' i JOIN '{feedback}' f ON f.target = i.id WHERE metric = 'exact_match' ORDER BY i.id"
    ).fetchall()
    assert rows == [
        ("0", "small", 0.5, 0, None, 0.75, True, False, None, 1_700_000_000.5),
        ("1", "small", None, 1, "PER", 0.75, True, True, None, 1_700_000_000.5),
        ("2", "small", None, 2, "PER", 0.75, True, False, None, 1_700_000_000.5),
    ]
    assert duckdb.sql(f"SELECT avg(number) FROM '{feedback}' WHERE metric = 'f1'").fetchall() == [(0.5,)]
    said = duckdb.sql(
        f"SELECT comment, demonstration[1].end FROM '{feedback}' ORDER BY id DESC LIMIT 2"
    ).fetchall()
    assert set(said) == {('it\'s "good"\n\U0001f600', None), (None, 4)}
    assert duckdb.sql(f"SELECT key, model, reply, status, cached_tokens FROM '{replies}'").fetchall() == [
        ("k", "m", "{}", "valid", 1)
    ]


def test_export_of_nothing_has_its_columns(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        assert export(store, "inferences", tmp_path / "none.parquet") == 0
        assert export(store, "feedback", tmp_path / "none.jsonl") == 0
    assert duckdb.sql(f"SELECT id, entities FROM '{tmp_path / 'none.parquet'}'").fetchall() == []
    assert (tmp_path / "none.jsonl").read_bytes() == b""


def test_export_that_fails_leaves_what_was_there(store, tmp_path, monkeypatch):
    target = tmp_path / "inferences.parquet"
    target.write_bytes(b"before")

    def fail(**given):
        yield from [make_inference()]
        raise UserError("the server is gone")

    monkeypatch.setattr(store.inferences, "all", fail)
    with pytest.raises(UserError, match="gone"):
        export(store, "inferences", target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.glob("*inferences*")] == ["inferences.parquet"]


def test_export_refuses_other_kinds_of_files(store, tmp_path):
    with pytest.raises(UserError, match=r"E809.*\.parquet or \.jsonl"):
        export(store, "inferences", tmp_path / "inferences.csv")
