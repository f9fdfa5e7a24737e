"""An event loop in a thread of its own, beside any other loop, such as a notebook's."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
# Longer than closing connections takes; a loop that is stuck must not hold up Ctrl-C.
_STOP_SECONDS = 3.0


class LoopThread:
    """A thread that starts with the first coroutine, and ends when it is stopped.

    at_end (Callable): A coroutine function that is awaited in the loop before it ends.
    """

    def __init__(self, at_end: Callable[[], Awaitable[None]]):
        self._at_end = at_end
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """RETURNS (Future): What comes of a coroutine; cancelling it cancels the coroutine."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # A daemon, since nothing is lost when it dies: what arrived is in the store.
                self._thread = threading.Thread(
                    target=self._serve, args=(self._loop,), name="spacy-ner-plus-llm", daemon=True
                )
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self) -> None:
        """Cancel all that runs, and end the thread."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            if loop is None:
                return
            loop.call_soon_threadsafe(loop.stop)
            # Within the lock, so that no new loop starts before this one has let its connections go.
            if thread is not threading.current_thread():
                thread.join(_STOP_SECONDS)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(self._at_end())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
