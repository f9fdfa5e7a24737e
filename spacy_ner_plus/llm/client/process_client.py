"""What a chat model holds in one process: its store, its event loop, its requests in flight."""

import asyncio
import os
import threading
import warnings
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.extras import check_installed
from spacy_ner_plus.llm.client.limits import Budget
from spacy_ner_plus.llm.client.loop_thread import LoopThread
from spacy_ner_plus.llm.client.prices import find_price
from spacy_ner_plus.llm.client.reask import NoReply, ReplyReader, ask_and_reask
from spacy_ner_plus.llm.client.sender import Sender
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import load_counter
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Outcome, Usage
from spacy_ner_plus.llm.store.request_key import canonical_request, earlier_canonicals, request_key
from spacy_ner_plus.llm.store.store import Store

T = TypeVar("T")
Read = Callable[[ChatReply], T]


@dataclass(slots=True)
class _InFlight:
    """A request that was sent, and how many wait for its reply."""

    task: asyncio.Task[ChatReply]
    waiting: int = 0


class ProcessClient:
    """Answers requests from the store or the server. Nothing is opened before the first request.

    After `close` the next request opens everything again.
    """

    def __init__(self, settings: ChatSettings):
        self._settings = settings
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._price, note = find_price(settings.name, settings.prices or {})
        self.meter = UsageMeter(self._price, note)
        self._endpoint: str | None = None
        self._invalid_kept = 0
        # Keys that needn't be asked again, where invalid replies are.
        self._asked: set[str] = set()
        self._address = ""
        self._sampling = settings.sampling()
        self._counter: Callable[[str], int] | None = None
        self._store: Store | None = None
        self._loop = LoopThread(self._close_sender)
        # Used in the event loop alone.
        self._sender: Sender | None = None
        self._budget: Budget | None = None
        self._in_flight: dict[str, _InFlight] = {}

    def submit(self, request: ChatRequest, read: Read[T]) -> Future[Outcome[T]]:
        """Ask for a reply, from the store if it is there, else from the server.

        read (Callable): Makes a value of a reply, or raises InvalidReply.
        RETURNS (Future[Outcome[T]]): What comes of it.
        """
        future: Future[Outcome[T]] = Future()
        reader = ReplyReader(read, self._settings.max_tokens)
        steps = ask_and_reask(request, reader)
        first = request
        try:
            store = self._open()
            request = next(steps)
            while store is not None and (reply := self._find(store, request)):
                self.meter.add(stored=1)
                request = steps.send(reply)
            if self._settings.replay_only:
                if request is not first:
                    # The first reply is there and can't be read: that says something of it, and nothing of the store.
                    steps.throw(NoReply("the store has no reply to a second question"))
                key = self._key(request)[0]
                raise UserError(Errors.E257.format(path=self._settings.store, key=key[:12]))
        except StopIteration as done:
            if done.value.kind == "invalid":
                if self._settings.retry_invalid and not self._settings.replay_only:
                    steps = ask_and_reask(first, reader)
                    return self._loop.run(self._finish(steps, next(steps), reader, again=True))
                self._invalid_kept += 1
            future.set_result(self._counted(done.value))
            return future
        except Exception as error:  # noqa: BLE001 - raised where the caller asks for the result
            future.set_exception(error)
            return future
        return self._loop.run(self._finish(steps, request, reader))

    def warn_of_invalid(self, name: str) -> None:
        """Warn of the invalid replies that came from the store since the last warning.

        name (str): The component, for the command that asks again.
        """
        count, self._invalid_kept = self._invalid_kept, 0
        if count:
            text = Warnings.W261.format(count=count, path=self._settings.store, name=name)
            warnings.warn(text, stacklevel=3)

    def count(self, text: str) -> int:
        """RETURNS (int): The tokens of a text, by the model's tokenizer or an estimate."""
        if self._counter is None:
            self._counter = load_counter(self._settings.tokenizer)
        return self._counter(text)

    def has_stored(self, request: ChatRequest) -> bool:
        """RETURNS (bool): Whether the store has the reply; looking makes no file."""
        if self._settings.store is None or not Path(self._settings.store).expanduser().exists():
            return False
        store = self._open()
        return store is not None and self._find(store, request) is not None

    def cost(self, usage: Usage) -> float | None:
        """RETURNS (float | None): What tokens cost in USD; None where the model's price isn't known."""
        return None if self._price is None else self._price.cost(usage)

    def close(self) -> None:
        """Stop at once: what is in flight is cancelled, what has arrived is in the store."""
        if self._pid != os.getpid():  # after a fork: the thread and the connections are the parent's
            return
        self._loop.stop()
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _open(self) -> Store | None:
        if self._endpoint is None:
            # Found out before anything is sent and paid for.
            check_installed("aiolimiter", "llm")
            address = self._settings.endpoint()
            self._address, self._endpoint = address, self._settings.endpoint_name or address
        if self._store is None and self._settings.store is not None:
            with self._lock:
                if self._store is None:
                    self._store = Store(self._settings.store, read_only=self._settings.replay_only)
        return self._store

    def _key(self, request: ChatRequest) -> tuple[str, str]:
        canonical = canonical_request(self._endpoint, self._settings.name, self._sampling, request)
        return request_key(canonical), canonical

    def _find(self, store: Store, request: ChatRequest) -> ChatReply | None:
        if reply := store.get(self._key(request)[0]):
            return reply
        named = (self._endpoint, self._address, self._settings.name, self._sampling)
        for canonical in earlier_canonicals(*named, request):
            if reply := store.get(request_key(canonical)):
                return reply
        return None

    async def _finish(
        self,
        steps: Generator[ChatRequest, ChatReply, Outcome[T]],
        request: ChatRequest,
        reader: ReplyReader[T],
        *,
        again: bool = False,
    ) -> Outcome[T]:
        try:
            while True:
                try:
                    reply = await self._ask(request, reader, again=again)
                except NoReply as failure:
                    request = steps.throw(failure)
                else:
                    request = steps.send(reply)
        except StopIteration as done:
            return self._counted(done.value)

    async def _ask(self, request: ChatRequest, reader: ReplyReader, *, again: bool) -> ChatReply:
        key, canonical = self._key(request)
        sent = self._in_flight.get(key)
        if sent is None:
            # An identical request may have been answered since, here or in another process.
            store = self._open()
            again = again and key not in self._asked
            if self._settings.retry_invalid:
                self._asked.add(key)
            if store is not None and not again and (reply := self._find(store, request)):
                self.meter.add(stored=1)
                return reply
            sending = self._open_sender(store).ask(request, key, canonical, reader.status, again=again)
            task = asyncio.create_task(sending)
            sent = self._in_flight[key] = _InFlight(task)
            task.add_done_callback(lambda _: self._remove(key, sent))
        sent.waiting += 1
        try:
            return await asyncio.shield(sent.task)
        finally:
            sent.waiting -= 1
            if not sent.waiting and not sent.task.done():
                self._remove(key, sent)
                sent.task.cancel()

    def _remove(self, key: str, sent: _InFlight) -> None:
        if self._in_flight.get(key) is sent:
            del self._in_flight[key]
        if sent.task.done() and not sent.task.cancelled():
            sent.task.exception()  # read, since asyncio logs errors that were never read

    def _open_sender(self, store: Store | None) -> Sender:
        if self._sender is None:
            given = self._settings
            if self._budget is None:
                # It outlives the sender: closing the model doesn't give back what was spent.
                self._budget = Budget(
                    given.budget or {}, price=self._price, name=given.name, store=given.store
                )
            self._sender = Sender(given, store=store, meter=self.meter, budget=self._budget, count=self.count)
        return self._sender

    async def _close_sender(self) -> None:
        sender, self._sender = self._sender, None
        self._in_flight.clear()
        if sender is not None:
            await sender.close()

    def _counted(self, outcome: Outcome[Any]) -> Outcome[Any]:
        invalid, failed = outcome.kind == "invalid", outcome.kind == "transport"
        if invalid or failed or len(outcome.replies) > 1:
            self.meter.add(invalid=int(invalid), failed=int(failed), reasked=int(len(outcome.replies) > 1))
        return outcome
