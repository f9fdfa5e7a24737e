"""Processes that have copies of one chat model share what is limited, and what they took is added up."""

import asyncio
import copy
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import spacy

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.limits.copies import ConcurrencyShare, Copies, Lineage, copies_of
from spacy_ner_plus.llm.client.limits.process_table import Columns, ProcessTable, fcntl
from spacy_ner_plus.llm.client.limits.rates import RateLimits
from tests.conftest import ROOT
from tests.llm.client.asking import ask_all, make_model, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer
from tests.servers.known_answers import LABELS

pytestmark = pytest.mark.skipif(fcntl is None, reason="needs locks that end with their process")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if "-llm-" in path.name]


def ask_in_a_process(model: ChatModel, texts: list[str]) -> None:
    ask_all(model, texts)


def start(method: str, model: ChatModel, count: int, each: int) -> list[multiprocessing.Process]:
    context = multiprocessing.get_context(method)
    processes = [
        context.Process(target=ask_in_a_process, args=(model, [f"{k} {text}" for text in texts_of(each)]))
        for k in range(count)
    ]
    for process in processes:
        process.start()
    return processes


def join(processes: list[multiprocessing.Process]) -> None:
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


@pytest.mark.parametrize(
    ("method", "count", "most"),
    [
        ("fork", 3, 8),
        ("fork", 3, 2),
        pytest.param("spawn", 2, 4, marks=pytest.mark.slow),
    ],
)
def test_copies_together_have_no_more_in_flight_than_one_model(folder, method, count, most):
    with (
        FaultServer(Behaviour(delay=0.02)) as server,
        make_model(server, structured="off", max_concurrency=most) as model,
    ):
        join(start(method, model, count, 40))
        assert server.most_in_flight == most
        # Counted exactly, also now that the processes have gone, and once.
        usage = model.usage
        assert (usage.requests, usage.replies) == (40 * count, 40 * count)
        assert usage.prompt_tokens == model.usage.prompt_tokens > 0
        ask_all(model, ["Anna"])
        assert model.usage.requests == 40 * count + 1
        (path,) = files_in(folder)
        assert path.stat().st_mode & 0o077 == 0
    del model
    gc.collect()
    assert files_in(folder) == []


def test_copies_share_rates_and_a_budget():
    with FaultServer() as server:
        with make_model(server, structured="off", requests_per_minute=600) as model:
            began = time.monotonic()
            join(start("fork", model, 2, 20))
            assert time.monotonic() - began > 0.9  # 30 at once, 9.5 a second after that
        asked = len(server.requests)
        with make_model(server, structured="off", budget={"tokens": 600}) as model:
            with pytest.raises(UserError, match="E256"):
                ask_all(model, texts_of(60))
            spent = len(server.requests) - asked
            for process in start("fork", model, 2, 20):
                process.join(60)
                assert process.exitcode == 1
        assert len(server.requests) - asked == spent


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_copies_in_a_pipeline_share_and_add_up(method):
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        with FaultServer(Behaviour(delay=0.05)) as server:
            nlp = spacy.blank("en")
            model = {"base_url": server.url, "name": "tiny", "structured": "off", "max_concurrency": 4}
            pipe = nlp.add_pipe("structured_llm_ner", config={"labels": list(LABELS), "model": model})
            for expected in (24, 48):
                texts = [f"{expected} {text}" for text in texts_of(24)]
                assert not [doc for doc in nlp.pipe(texts, n_process=2, batch_size=6) if doc._.ner_failure]
                assert pipe.usage_report()["requests"] == expected == len(server.requests)
            assert server.most_in_flight == 4
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_copies_of_one_process_have_nothing_to_do_with_each_other():
    lineage = Lineage()
    tokens = {
        copy.deepcopy(lineage).token,
        copy.copy(lineage).token,
        pickle.loads(pickle.dumps(lineage)).token,
    }
    assert len(tokens | {lineage.token}) == 4


def test_copies_open_nothing_as_long_as_there_is_one_process(folder):
    with FaultServer() as server, make_model(server, structured="off") as model:
        ask_all(model, texts_of(3))
        assert model.usage.requests == 3
    assert files_in(folder) == []


def test_copies_go_on_without_sharing_where_there_can_be_no_file(monkeypatch, folder):
    lineage = Lineage()
    monkeypatch.setattr(Lineage, "is_makers", False)
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
    copies = Copies(lineage)
    with pytest.warns(UserWarning, match=r"W355.*nowhere.*Divide these"):
        assert ConcurrencyShare(copies, 1).take()
    assert copies.table is None


def test_copies_say_nothing_of_a_file_that_cannot_be_where_there_may_be_no_others(
    monkeypatch, folder, recwarn
):
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
    copies = Copies(Lineage())
    copies.look(joins=True)
    assert (copies.table, list(recwarn)) == (None, [])


def test_copies_refuse_the_file_of_another_user(folder, monkeypatch):
    path = folder / "table"
    path.write_bytes(b"")
    monkeypatch.setattr(os, "getuid", lambda: -1)
    with pytest.raises(OSError, match="another user's"):
        ProcessTable(path, Columns(("now",), ("total",)))


HOLD = """
import sys, time
from pathlib import Path
from spacy_ner_plus.llm.client.limits.process_table import Columns, ProcessTable
table = ProcessTable(Path(sys.argv[1]), Columns(("now",), ("total",)))
table.add(now=1, total=2)
print("begun", flush=True)
time.sleep(60)
"""


def test_process_table_forgets_what_a_killed_process_does_and_keeps_what_it_did(folder):
    path, columns = folder / "table", Columns(("now",), ("total",))
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    process.stdout.readline()
    table = ProcessTable(path, columns)
    table.add(now=5, total=1)
    assert [row["now"] for row in table.others()] == [1]
    process.kill()
    process.communicate()
    time.sleep(0.6)
    assert [row["now"] for row in table.others()] == [0]
    assert (table["now"], table.totals()) == (5, {"total": 3})
    table.close()


def test_process_table_has_cells_for_all(folder):
    table = ProcessTable(folder / "table", Columns(("now",), ("total",)))
    for _ in range(2):
        table.change_cell(1, lambda old: old + 1.5)
    seen = []
    table.change_cell(1, lambda old: seen.append(old) or old)
    assert (seen, table.totals()) == ([3.0], {"total": 0})
    table.close()


def test_copies_of_rates_hold_what_was_let_through_before_there_were_others():
    async def main() -> float:
        copies = copies_of(Lineage())
        rates = RateLimits(copies, requests_per_minute=600, tokens_per_minute=None)
        for _ in range(30):
            await rates.wait(0)
        copies.look(joins=True)
        began = time.monotonic()
        for _ in range(3):
            await rates.wait(0)
        return time.monotonic() - began

    assert asyncio.run(main()) > 0.2
