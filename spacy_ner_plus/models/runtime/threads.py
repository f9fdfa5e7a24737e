"""How many threads torch computes with."""

import os

import torch

from spacy_ner_plus.models.runtime.cpus import usable_cpus

_main = os.getpid()
_limited: int | None = None


def is_worker() -> bool:
    """Whether this process was forked from one that had imported this module."""
    return os.getpid() != _main


def limit_threads() -> None:
    """Take no more threads than this process may use CPUs, unless the user set a number; once a process.

    In a forked worker it is one: torch's thread pool doesn't survive a fork and would hang.
    """
    global _limited
    if _limited == os.getpid():
        return
    _limited = os.getpid()
    if is_worker():
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
