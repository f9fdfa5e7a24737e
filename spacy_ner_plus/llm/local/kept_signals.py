"""A block that leaves to this process what its signals do. llama.cpp's server takes Ctrl-C for itself."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# More than `struct sigaction` has on any system.
_BYTES = 512


@contextmanager
def kept_signals() -> Iterator[None]:
    """Put back what Ctrl-C and SIGTERM did before, whatever the block does; in any thread."""
    # `signal.signal` works in the main thread alone, and a model starts in whichever first asks it.
    if os.name != "posix":
        yield
        return
    libc = ctypes.CDLL(None)
    before = {number: ctypes.create_string_buffer(_BYTES) for number in _SIGNALS}
    for number, action in before.items():
        libc.sigaction(int(number), None, action)
    try:
        yield
    finally:
        for number, action in before.items():
            libc.sigaction(int(number), action, None)
