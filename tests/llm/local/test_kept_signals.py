import ctypes
import os
import signal
import threading

import pytest

from spacy_ner_plus.llm.local.kept_signals import kept_signals


@pytest.mark.skipif(os.name != "posix", reason="no sigaction")
def test_kept_signals_are_put_back_from_any_thread():
    """Code in C takes Ctrl-C without Python's knowing; then nothing would stop a run."""
    caught = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))

    def take() -> None:
        with kept_signals():
            ctypes.CDLL(None).signal(int(signal.SIGINT), ctypes.c_void_p(1))  # SIG_IGN

    try:
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
        os.kill(os.getpid(), signal.SIGINT)
        assert caught == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
