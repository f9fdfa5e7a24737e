"""Threads of worker processes."""

import os

import torch

_main = os.getpid()
_limited = _main


def is_worker() -> bool:
    """Whether this process was forked from one that had imported this module."""
    return os.getpid() != _main


def limit_threads_in_worker() -> None:
    """Keep to one thread in a forked worker: torch's thread pool doesn't survive a fork and would hang."""
    global _limited
    if os.getpid() != _limited:
        _limited = os.getpid()
        torch.set_num_threads(1)
