"""A chat model at work in one process: its store, its event loop, its requests in flight."""

import asyncio
import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.limits import Budget
from spacy_ner_plus.llm.client.loop_thread import LoopThread
from spacy_ner_plus.llm.client.prices import find_price
from spacy_ner_plus.llm.client.reask import NoReply, converse
from spacy_ner_plus.llm.client.sender import Exchange
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import load_counter
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Outcome, Usage
from spacy_ner_plus.llm.store.request_key import canonical_request, request_key
from spacy_ner_plus.llm.store.store import Store

T = TypeVar("T")
Read = Callable[[ChatReply], T]


@dataclass(slots=True)
class _Flight:
    """A request in flight, and how many wait for it."""

    task: asyncio.Task[ChatReply]
    waiting: int = 0


class Session:
    """What a chat model has in a process. It opens nothing until it is asked, and again after it was closed.

    settings (ChatSettings): Of the chat model.
    """

    def __init__(self, settings: ChatSettings):
        self._settings = settings
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._price, note = find_price(settings.name, settings.prices)
        self.meter = UsageMeter(self._price, note)
        self._endpoint: str | None = None
        self._sampling = settings.sampling()
        self._counter: Callable[[str], int] | None = None
        self._store: Store | None = None
        self._loop = LoopThread(self._end_exchange)
        # Only touched in the loop.
        self._exchange: Exchange | None = None
        self._budget: Budget | None = None
        self._flights: dict[str, _Flight] = {}

    def submit(self, request: ChatRequest, read: Read[T]) -> Future[Outcome[T]]:
        """Ask for a reply, from the store if it is there, else from the server.

        request (ChatRequest): The prompt.
        read (Callable): Makes a value of a reply, or raises InvalidReply.
        RETURNS (Future[Outcome[T]]): What comes of it.
        """
        future: Future[Outcome[T]] = Future()
        talk = converse(request, read, self._settings.max_tokens)
        try:
            store = self._open()
            request = next(talk)
            while store is not None and (reply := store.get(self._key(request)[0])):
                self.meter.add(stored=1)
                request = talk.send(reply)
            if self._settings.replay_only:
                key = self._key(request)[0]
                raise UserError(Errors.E257.format(path=self._settings.store, key=key[:12]))
        except StopIteration as done:
            future.set_result(self._counted(done.value))
            return future
        except Exception as error:  # noqa: BLE001 - it is the caller's, and raised where the result is asked for
            future.set_exception(error)
            return future
        return self._loop.run(self._finish(talk, request))

    def count(self, text: str) -> int:
        """RETURNS (int): The tokens of a text, as the model's tokenizer or an estimate has it."""
        if self._counter is None:
            self._counter = load_counter(self._settings.tokenizer)
        return self._counter(text)

    def holds(self, request: ChatRequest) -> bool:
        """RETURNS (bool): Whether the store has the reply; no file is made to find out."""
        if self._settings.store is None or not Path(self._settings.store).expanduser().exists():
            return False
        store = self._open()
        return store is not None and store.get(self._key(request)[0]) is not None

    def cost(self, usage: Usage) -> float | None:
        """RETURNS (float | None): USD for so many tokens; None where the model's price isn't known."""
        return None if self._price is None else self._price.cost(usage)

    def close(self) -> None:
        """Stop at once: what is in flight is cancelled, what has arrived is in the store."""
        if self._pid != os.getpid():  # a fork's: the thread and the connections are its parent's
            return
        self._loop.stop()
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _open(self) -> Store | None:
        if self._endpoint is None:
            self._endpoint = self._settings.endpoint()
        if self._store is None and self._settings.store is not None:
            with self._lock:
                if self._store is None:
                    self._store = Store(self._settings.store, read_only=self._settings.replay_only)
        return self._store

    def _key(self, request: ChatRequest) -> tuple[str, str]:
        canonical = canonical_request(self._endpoint, self._settings.name, self._sampling, request)
        return request_key(canonical), canonical

    async def _finish(
        self, talk: Generator[ChatRequest, ChatReply, Outcome[T]], request: ChatRequest
    ) -> Outcome[T]:
        try:
            while True:
                try:
                    reply = await self._ask(request)
                except NoReply as failure:
                    request = talk.throw(failure)
                else:
                    request = talk.send(reply)
        except StopIteration as done:
            return self._counted(done.value)

    async def _ask(self, request: ChatRequest) -> ChatReply:
        key, canonical = self._key(request)
        flight = self._flights.get(key)
        if flight is None:
            # A twin of it may have landed since, or another process have asked.
            store = self._open()
            if store is not None and (reply := store.get(key)):
                self.meter.add(stored=1)
                return reply
            exchange = self._begin_exchange(store)
            task = asyncio.create_task(exchange.ask(request, key, canonical))
            flight = self._flights[key] = _Flight(task)
            task.add_done_callback(lambda _: self._land(key, flight))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._land(key, flight)
                flight.task.cancel()

    def _land(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # else asyncio complains of it where nobody waits any more

    def _begin_exchange(self, store: Store | None) -> Exchange:
        if self._exchange is None:
            given = self._settings
            if self._budget is None:
                # It goes on when the model was closed and is used again.
                self._budget = Budget(given.budget, price=self._price, name=given.name, store=given.store)
            self._exchange = Exchange(
                given, store=store, meter=self.meter, budget=self._budget, count=self.count
            )
        return self._exchange

    async def _end_exchange(self) -> None:
        exchange, self._exchange = self._exchange, None
        self._flights.clear()
        if exchange is not None:
            await exchange.close()

    def _counted(self, outcome: Outcome[Any]) -> Outcome[Any]:
        invalid, failed = outcome.kind == "invalid", outcome.kind == "transport"
        if invalid or failed or len(outcome.replies) > 1:
            self.meter.add(invalid=int(invalid), failed=int(failed), reasked=int(len(outcome.replies) > 1))
        return outcome
