"""Calls of `nlp.pipe` with several processes, noticed as it starts its workers.

spaCy tells components nothing of such a call, and its workers get their Docs batch by batch, each in a call of `pipe`.
So what they have to share is made in the process that starts them: before a fork, or when they are pickled.
"""

import os
import sys
from functools import cache
from typing import Protocol
from weakref import WeakSet

from spacy.language import Language

_watching: "WeakSet[Prepares]" = WeakSet()


class Prepares(Protocol):
    """Whatever has to prepare what workers share."""

    def prepare_for_workers(self, call: object) -> None:
        """Prepare it, in the process that starts them.

        call (object): The same for all workers of one call of `nlp.pipe`, and another for each call. It may be
            referred to weakly.
        """
        ...


def watch_forks(owner: Prepares) -> None:
    """Let an object prepare what forked workers of `nlp.pipe` share, as long as it lives."""
    _register()
    _watching.add(owner)


def call_with_workers() -> object | None:
    """RETURNS (object | None): The call of `nlp.pipe` that is starting a worker in this thread; None where none is."""
    starts = getattr(Language._multiprocessing_pipe, "__code__", None)
    frame = sys._getframe(1)
    while frame is not None and frame.f_code is not starts:
        frame = frame.f_back
    # The components as they are called, which spaCy wraps anew for each call.
    pipes = [] if frame is None else frame.f_locals.get("pipes", [])
    return next(iter(pipes), None)


@cache
def _register() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork)


def _before_fork() -> None:
    if _watching and (call := call_with_workers()) is not None:
        for owner in list(_watching):
            owner.prepare_for_workers(call)
