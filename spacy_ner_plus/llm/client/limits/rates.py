"""How many requests and tokens a minute may take."""

import asyncio
import time
import warnings

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.client.limits.copies import Copies

# The share of a minute's allowance that may be used at once; the rest is spread evenly over the minute.
_BURST = 0.05


class RateLimits:
    """Requests and tokens per minute, by leaky buckets that all processes with copies of a model share.

    copies (Copies): This process's.
    requests_per_minute (float | None): None for no limit.
    tokens_per_minute (float | None): Of prompts and replies; None for no limit.
    """

    def __init__(self, copies: Copies, *, requests_per_minute: float | None, tokens_per_minute: float | None):
        self._requests = _Bucket(copies, 0, requests_per_minute) if requests_per_minute else None
        self._most = tokens_per_minute or 0.0
        self._has_warned = False
        self._tokens = _Bucket(copies, 1, tokens_per_minute) if tokens_per_minute else None

    async def wait(self, tokens: int) -> None:
        """Wait until a request may be sent.

        tokens (int): How many it is expected to take.
        """
        if self._requests:
            await self._requests.wait(1)
        if self._tokens:
            if tokens > self._most and not self._has_warned:
                self._has_warned = True
                text = Warnings.W340.format(tokens=tokens, most=self._most, seconds=60 * tokens / self._most)
                warnings.warn(text, stacklevel=2)
            await self._tokens.wait(tokens)

    def correct(self, expected: int, used: int) -> None:
        """Replace the expected tokens of a request by those it used; the next ones wait for the difference."""
        if self._tokens:
            self._tokens.add(used - expected)

    def give_back(self, tokens: int) -> None:
        """Take back what a request was let through for that wasn't sent.

        tokens (int): How many it was expected to take.
        """
        if self._requests:
            self._requests.add(-1)
        self.correct(tokens, 0)


class _Bucket:
    """A leaky bucket: what goes in leaks evenly, and waits where it doesn't fit.

    It is kept as the time at which it is empty ("theoretical arrival time" of the generic cell rate algorithm, ITU-T
    I.371), one number, by time.monotonic(), which all processes of a machine share.

    cell (int): Which number of the table.
    per_minute (float): What may go through in a minute.
    """

    def __init__(self, copies: Copies, cell: int, per_minute: float):
        self._copies = copies
        self._cell = cell
        self._size = max(1.0, per_minute * _BURST)
        self._rate = (per_minute - self._size if self._size > 1 else per_minute) / 60
        self._empty_at = 0.0
        self._is_shared = False

    async def wait(self, amount: float) -> None:
        """Wait until an amount is through; those that come later wait for it, too."""
        if (seconds := self.add(amount)) <= 0:
            return
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.add(-amount)
            raise

    def add(self, amount: float) -> float:
        """RETURNS (float): Seconds until an amount is through."""
        now = time.monotonic()

        def change(empty_at: float) -> float:
            return max(empty_at, now if amount > 0 else 0.0) + amount / self._rate

        table = self._copies.table
        if table is None:
            self._empty_at = change(self._empty_at)
        else:
            before, self._is_shared = (0.0 if self._is_shared else self._empty_at), True

            def change_shared(empty_at: float) -> float:
                self._empty_at = change(max(empty_at, before))
                return self._empty_at

            table.change_cell(self._cell, change_shared)
        return self._empty_at - self._size / self._rate - now
