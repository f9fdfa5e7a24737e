"""Forked worker processes, which inherit libraries in a state that they can't use."""

import os

import torch

from spacy_ner_plus.errors import Errors, UserError

_PARALLELISM = "TOKENIZERS_PARALLELISM"
_is_registered = False
_is_set_for_fork = False


def quiet_tokenizers_at_fork() -> None:
    """Let forked workers tokenize with one thread, as they must, without the warning that each would print.

    tokenizers looks for an environment variable while the process forks. Where the user has set it, it stays as
    it is; else it is set for the workers alone.
    """
    global _is_registered
    if not _is_registered and hasattr(os, "register_at_fork"):
        _is_registered = True
        os.register_at_fork(before=_set_for_fork, after_in_parent=_unset)


def _set_for_fork() -> None:
    global _is_set_for_fork
    _is_set_for_fork = _PARALLELISM not in os.environ
    if _is_set_for_fork:
        os.environ[_PARALLELISM] = "false"


def _unset() -> None:
    if _is_set_for_fork:
        os.environ.pop(_PARALLELISM, None)


def check_device_after_fork(device: torch.device) -> None:
    """Refuse a GPU that this process can't use since it was forked from one that had used CUDA.

    RAISES (UserError): With what to do.
    """
    if device.type == "cuda" and torch.cuda._is_in_bad_fork():
        raise UserError(Errors.E275.format(device=device))
