"""Identical requests in flight are sent once."""

import asyncio
from dataclasses import dataclass

from spacy_ner_plus.llm.client.call import Call, Layer, NoReply
from spacy_ner_plus.llm.requests import ChatReply


@dataclass(slots=True)
class _InFlight:
    """A request that was sent, and how many wait for its reply."""

    task: asyncio.Task[ChatReply | NoReply]
    waiting: int = 0


class Coalesced:
    """Has one request in flight for all calls with its key. It ends when nobody waits any more."""

    def __init__(self, inner: Layer):
        self._inner = inner
        self._in_flight: dict[str, _InFlight] = {}

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """RETURNS (ChatReply | NoReply): What comes of the request, which others may have sent."""
        sent = self._in_flight.get(call.key)
        if sent is None:
            sent = self._in_flight[call.key] = _InFlight(asyncio.create_task(self._inner.ask(call)))
            sent.task.add_done_callback(lambda _: self._remove(call.key, sent))
        sent.waiting += 1
        try:
            return await asyncio.shield(sent.task)
        finally:
            sent.waiting -= 1
            if not sent.waiting and not sent.task.done():
                self._remove(call.key, sent)
                sent.task.cancel()

    def _remove(self, key: str, sent: _InFlight) -> None:
        if self._in_flight.get(key) is sent:
            del self._in_flight[key]
        if sent.task.done() and not sent.task.cancelled():
            sent.task.exception()  # read, since asyncio logs errors that were never read
