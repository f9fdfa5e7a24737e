"""How many threads torch computes with: no more than CPUs, unless the user set a number."""

import multiprocessing

import pytest
import torch
from spacy.tokens import Doc

from spacy_ner_plus.models.runtime import threads
from spacy_ner_plus.models.runtime.threads import limit_threads


@pytest.fixture
def machine(monkeypatch):
    """A container that may use 2 CPUs of 64, and in which nothing is set."""
    before = torch.get_num_threads()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(48)), raising=False)
    monkeypatch.setattr(threads, "usable_cpus", lambda: 2)
    monkeypatch.setattr(threads, "_limited", None)
    yield monkeypatch
    torch.set_num_threads(before)


@pytest.mark.parametrize("default", [64, 48, 32, 24])
def test_threads_are_no_more_than_usable_cpus(machine, default):
    torch.set_num_threads(default)
    limit_threads()
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("chosen", [1, 2, 5])
def test_threads_that_the_user_set_in_code_stay(machine, chosen):
    torch.set_num_threads(chosen)
    limit_threads()
    assert torch.get_num_threads() == chosen


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_threads_that_the_user_set_in_the_environment_stay(machine, name):
    machine.setenv(name, "64")
    torch.set_num_threads(64)
    limit_threads()
    assert torch.get_num_threads() == 64


def test_threads_that_the_user_sets_later_stay(machine):
    limit_threads()
    torch.set_num_threads(64)
    limit_threads()
    assert torch.get_num_threads() == 64


def test_threads_are_limited_when_a_network_is_first_used(machine, encoder_folder):
    from tests.conftest import make_pipeline

    torch.set_num_threads(64)
    nlp = make_pipeline(encoder_folder)
    nlp("Anna lives in Oslo.")
    assert torch.get_num_threads() == 2


def report_threads(pipe, queue) -> None:
    pipe(Doc(pipe.vocab, words=["Oslo"]))
    queue.put(torch.get_num_threads())


@pytest.mark.parametrize("method", [pytest.param("spawn", marks=pytest.mark.slow), "fork"])
def test_threads_of_a_worker_are_one(trained, monkeypatch, method):
    """As spaCy's workers get a component: pickled for the process, or forked with it."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    pipe = trained.get_pipe("transformer_ner")
    process = context.Process(target=report_threads, args=(pipe, queue))
    process.start()
    found = queue.get()
    process.join()
    assert found == 1
