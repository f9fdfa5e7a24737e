"""Threads of worker processes."""

import os

import torch

_process = os.getpid()
_main = os.getpid()


def is_worker() -> bool:
    """RETURNS (bool): Whether this process was forked from one that had imported this module."""
    return os.getpid() != _main


def settle_in_worker() -> None:
    """Keep to one thread in a forked worker, where torch's thread pool is dead and would hang."""
    global _process
    if os.getpid() != _process:
        _process = os.getpid()
        torch.set_num_threads(1)
