"""How fast and how far requests may go: per minute, and in money or tokens."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.llm.client.prices import Price
from spacy_ner_plus.llm.requests import Usage

# The share of a minute's allowance that may be used at once; the rest is spread evenly over the minute.
_BURST = 0.05


class RateLimits:
    """Requests and tokens per minute, by leaky buckets.

    requests_per_minute (float | None): None for no limit.
    tokens_per_minute (float | None): Of prompts and replies; None for no limit.
    """

    def __init__(self, *, requests_per_minute: float | None, tokens_per_minute: float | None):
        self._requests = _bucket(requests_per_minute)
        self._tokens = _bucket(tokens_per_minute)
        # One request at a time, since the bucket serves small amounts before large ones.
        self._turn = asyncio.Lock()
        self._owed = 0.0

    async def wait(self, tokens: int) -> None:
        """Wait until a request may be sent.

        tokens (int): How many it is expected to take.
        """
        if self._requests:
            await self._requests.acquire()
        if self._tokens:
            async with self._turn:
                rest, self._owed = max(0.0, tokens + self._owed), 0.0
                while rest > 0:
                    part = min(rest, self._tokens.max_rate)
                    await self._tokens.acquire(part)
                    rest -= part

    def correct(self, expected: int, used: int) -> None:
        """Replace the expected tokens of a request by those it used; the next ones wait for the difference."""
        self._owed += used - expected


class Budget:
    """A limit in money or tokens, after which no request is sent.

    limits (Mapping[str, float]): `usd` and `tokens`, or one of them, or none.
    price (Price | None): Of the model.
    name (str): The model, for messages.
    store (str | Path | None): Where the replies are kept, for messages.
    RAISES (UserError): Where money is limited and the price isn't known.
    """

    def __init__(
        self,
        limits: Mapping[str, float],
        *,
        price: Price | None,
        name: str,
        store: str | Path | None,
    ):
        if "usd" in limits and price is None:
            raise UserError(Errors.E258.format(name=name))
        self._limits = limits
        self._price = price
        self._store = store
        self._replies = 0
        self._spent = {"usd": 0.0, "tokens": 0.0}
        self.start_loop()

    def start_loop(self) -> None:
        """Start with nothing in flight, in the running event loop; what was spent stays spent."""
        self._freed = asyncio.Event()
        self._expected = {"usd": 0.0, "tokens": 0.0}

    def spend(self, usage: Usage) -> None:
        """Count what a reply took."""
        self._replies += 1
        for unit, amount in self._amounts(usage).items():
            self._spent[unit] += amount

    @asynccontextmanager
    async def spending(self, prompt: int, completion: int) -> AsyncIterator[None]:
        """Reserve what a request is expected to take while it is in flight.

        Where that goes over the budget, it waits for the requests in flight, which may take less than
        was reserved for them. A request that is alone may be sent as long as anything is left.

        prompt (int): Tokens of its prompt.
        completion (int): Tokens of its reply.
        RAISES (UserError): Where the budget is used up.
        """
        if not self._limits:
            yield
            return
        expected = self._amounts(Usage(prompt, completion))
        while not self._has_room(expected):
            self._freed.clear()
            await self._freed.wait()
        self._expect(expected, 1)
        try:
            yield
        finally:
            self._expect(expected, -1)
            self._freed.set()

    def _amounts(self, usage: Usage) -> dict[str, float]:
        usd = self._price.cost(usage) if self._price else 0.0
        return {"usd": usd, "tokens": usage.prompt + usage.completion}

    def _has_room(self, expected: Mapping[str, float]) -> bool:
        for unit, most in self._limits.items():
            if self._spent[unit] >= most:
                raise UserError(self._message())
            in_flight = self._expected["tokens"] > 0
            if in_flight and self._spent[unit] + self._expected[unit] + expected[unit] > most:
                return False
        return True

    def _expect(self, expected: Mapping[str, float], sign: int) -> None:
        for unit, amount in expected.items():
            self._expected[unit] += sign * amount

    def _message(self) -> str:
        units = {"usd": "{:.4f} USD", "tokens": "{:,.0f} tokens"}
        spent = " and ".join(
            f"{units[unit].format(self._spent[unit])} of {units[unit].format(most)}"
            for unit, most in self._limits.items()
        )
        kept = f"are kept in '{self._store}'" if self._store else "are kept nowhere, since `store` isn't set"
        return Errors.E256.format(spent=spent, replies=self._replies, kept=kept)


def _bucket(per_minute: float | None):
    if per_minute is None:
        return None
    with from_extra("llm"):
        from aiolimiter import AsyncLimiter

    burst = max(1.0, per_minute * _BURST)
    rate = (per_minute - burst if burst > 1 else per_minute) / 60
    return AsyncLimiter(burst, burst / rate)
