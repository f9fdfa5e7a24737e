"""How many threads torch computes with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import get_spawning_popen

import torch

from spacy_ner_plus.cpus import usable_cpus

_main = os.getpid()
_limited: int | None = None


def is_worker() -> bool:
    """Whether this process was forked from one that had imported this module."""
    return os.getpid() != _main


def is_sent_to_worker() -> bool:
    """Whether what is being pickled now is for a process that multiprocessing starts, by spawn or forkserver."""
    return get_spawning_popen() is not None


@contextmanager
def one_thread() -> Iterator[None]:
    """A block in which torch computes with one thread, as workers do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def limit_threads(*, started: bool = False) -> None:
    """Take no more threads than this process may use CPUs, unless the user set a number; once a process.

    In a worker it is one: there are several of them, and torch's thread pool doesn't survive a fork and would hang.

    started (bool): Whether the process is a worker that was started afresh. Default False.
    """
    global _limited
    if _limited == os.getpid():
        return
    _limited = os.getpid()
    if is_worker() or (started and not _is_set_by_user()):
        torch.set_num_threads(1)
    elif not _is_set_by_user() and (count := usable_cpus()) < torch.get_num_threads():
        torch.set_num_threads(count)


def _is_set_by_user() -> bool:
    # torch doesn't tell whether somebody set it, but takes one for each CPU or for each core of two by itself.
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    defaults = {n for cpus in _cpu_counts() for n in (cpus, max(1, cpus // 2))}
    return any(os.environ.get(name) for name in variables) or torch.get_num_threads() not in defaults


def _cpu_counts() -> set[int]:
    counts = {os.cpu_count() or 1}
    if hasattr(os, "sched_getaffinity"):
        counts.add(len(os.sched_getaffinity(0)))
    return counts
