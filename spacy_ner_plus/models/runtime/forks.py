"""Forked worker processes, which inherit libraries in a state that they can't use."""

import os
from threading import Lock
from typing import Protocol
from weakref import WeakSet

import torch

from spacy_ner_plus.errors import Errors, UserError

_PARALLELISM = "TOKENIZERS_PARALLELISM"
_is_registered = False
# One fork at a time, or one would take what another set for what the user did.
_forking = Lock()
_set_by_user: str | None = None
# What is done before each fork, of objects that are still there.
_before: "WeakSet[_Prepares]" = WeakSet()


class _Prepares(Protocol):
    def prepare_for_fork(self) -> None: ...


def prepare_at_fork(owner: _Prepares) -> None:
    """Let an object prepare what forked workers inherit, before each fork, as long as it lives.

    owner (_Prepares): Whose `prepare_for_fork` is called, in the process that forks.
    """
    limit_threads_at_fork()
    _before.add(owner)


def limit_threads_at_fork() -> None:
    """Let forked workers compute and tokenize with one thread, whatever the user set for this process.

    The thread pools of torch and of tokenizers don't survive a fork: whoever uses them there hangs, be it another
    component of the pipeline. An environment variable says whether tokenizers uses its own, at each call; where it
    isn't set as a process forks, each worker prints a warning.
    """
    global _is_registered
    if not _is_registered and hasattr(os, "register_at_fork"):
        _is_registered = True
        os.register_at_fork(before=_prepare)
        os.register_at_fork(before=_set_for_fork, after_in_parent=_restore, after_in_child=_limit_worker)


def _prepare() -> None:
    for owner in list(_before):
        owner.prepare_for_fork()


def _set_for_fork() -> None:
    global _set_by_user
    _forking.acquire()
    _set_by_user = os.environ.get(_PARALLELISM)
    os.environ[_PARALLELISM] = "false"


def _restore() -> None:
    if _set_by_user is None:
        os.environ.pop(_PARALLELISM, None)
    else:
        os.environ[_PARALLELISM] = _set_by_user
    _forking.release()


def _limit_worker() -> None:
    _forking.release()
    torch.set_num_threads(1)


def check_device_after_fork(device: torch.device) -> None:
    """Refuse a GPU that this process can't use since it was forked from one that had used CUDA.

    RAISES (UserError): With what to do.
    """
    if device.type == "cuda" and torch.cuda._is_in_bad_fork():
        raise UserError(Errors.E275.format(device=device))
