"""Many threads and processes at one store, and processes that are killed: nothing lost, nothing doubled."""

import multiprocessing
import os
import signal
import threading
import time

import pytest

from spacy_ner_plus.llm.store.draws import Draw
from spacy_ner_plus.llm.store.store import Store
from tests.llm.store.test_inferences import make_inference

PROCESSES, THREADS = 2, 8
fork = multiprocessing.get_context("fork")


def write(place, process: int, count: int, drawn) -> None:
    with Store(place) as store:

        def write_some(thread: int) -> None:
            for number in range(count):
                id = f"{process}-{thread}-{number}"
                draw = Draw(("a", "b")[process], 0.5 + thread / 100)
                drawn.put((number, store.draws.first("e", f"{number}", lambda draw=draw: draw)))
                store.inferences.add(make_inference(id=id, variant=("a", "b")[number % 2]))
                store.feedback.add(id, "exact_match", number % 4 == 0)
                store.feedback.add_many([(id, "f1", number / count, "gold"), (id, "f1", 0.5, "gold")])

        threads = [threading.Thread(target=write_some, args=(thread,)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("count", [12, pytest.param(625, marks=pytest.mark.slow)])
def test_load_of_many_threads_and_processes_loses_and_doubles_nothing(store_place, count):
    with Store(store_place) as store:
        drawn = fork.SimpleQueue()
        found = []
        reading = threading.Thread(
            target=lambda: found.extend(drawn.get() for _ in range(PROCESSES * THREADS * count))
        )
        reading.start()
        writers = [
            fork.Process(target=write, args=(store_place, number, count, drawn))
            for number in range(PROCESSES)
        ]
        for writer in writers:
            writer.start()
        seen = 0
        while any(writer.is_alive() for writer in writers):
            position = store.position()
            read = [inference.id for inference in store.inferences.all(upto=position)]
            assert len(read) >= seen
            assert [inference.id for inference in store.inferences.all(upto=position)] == read
            assert len(store.feedback.latest("exact_match", upto=position)) <= len(read)
            assert sum(number for number, _ in store.feedback.totals("exact_match").values()) >= 0
            seen = len(read)
            time.sleep(0.02 + len(read) / 10_000)
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        reading.join()
        total = PROCESSES * THREADS * count
        ids = [inference.id for inference in store.inferences.all()]
        assert len(ids) == len(set(ids)) == total
        assert len(list(store.feedback.all())) == total * 3
        assert store.position() == total * 4
        writing, right = PROCESSES * THREADS, len(range(0, count, 4))
        numbers = {"a": writing * len(range(0, count, 2)), "b": writing * len(range(1, count, 2))}
        assert store.feedback.totals("exact_match") == {
            "a": (numbers["a"], writing * right),
            "b": (numbers["b"], 0),
        }
        assert store.feedback.totals("f1") == {
            variant: (number, number / 2) for variant, number in numbers.items()
        }
        # One draw for each text, which everybody got.
        assert len(set(found)) == count


def write_until_killed(place, committed) -> None:
    with Store(place) as store:
        number = 0
        while True:
            store.inferences.add(make_inference(id=str(number)))
            store.feedback.add(str(number), "exact_match", True)
            os.write(committed, b"%d\n" % number)
            number += 1


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_load_keeps_all_that_was_committed_before_a_kill(store_place, times):
    kept = 0
    for number in range(times):
        read, written = os.pipe()
        writer = fork.Process(target=write_until_killed, args=(store_place, written))
        writer.start()
        os.close(written)
        committed = b""
        while committed.count(b"\n") < 10 + number:
            committed += os.read(read, 65536)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        while more := os.read(read, 65536):
            committed += more
        os.close(read)
        kept = max(kept, len(committed.splitlines()))
        with Store(store_place) as store:
            ids = [inference.id for inference in store.inferences.all()]
            assert set(ids) >= {str(number) for number in range(kept)}
            assert len(ids) == len(set(ids)) <= kept + 1
            latest = store.feedback.latest("exact_match")
            assert set(latest) >= {str(number) for number in range(kept)}
            assert store.feedback.totals("exact_match") == {"small": (len(latest), len(latest))}
