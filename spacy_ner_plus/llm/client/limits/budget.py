"""How far requests may go, in money or tokens."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.limits.copies import Copies
from spacy_ner_plus.llm.client.prices import Price
from spacy_ner_plus.llm.requests import Usage

_UNITS = ("usd", "tokens")
# Seconds between looks at what other processes have spent.
_BETWEEN_LOOKS = 0.1


class Budget:
    """A limit in money or tokens, after which no process with a copy of a model sends a request.

    copies (Copies): This process's.
    limits (Mapping[str, float]): `usd` and `tokens`, or one of them, or none.
    price (Price | None): Of the model.
    name (str): The model, for messages.
    store (str | Path | None): Where the replies are kept, for messages.
    RAISES (UserError): Where money is limited and the price isn't known.
    """

    def __init__(
        self,
        copies: Copies,
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
        self._note = copies.note(
            "spent_usd", "spent_tokens", "spent_replies", "expected_usd", "expected_tokens"
        )
        if limits:
            copies.look(
                joins=True
            )  # so that what is spent before there are other processes counts in them, too
        self.start_loop()

    def start_loop(self) -> None:
        """Start with nothing in flight, in the running event loop; what was spent stays spent."""
        self._freed = asyncio.Event()
        self._expect({unit: self._note.own[f"expected_{unit}"] for unit in _UNITS}, -1)

    def spend(self, usage: Usage) -> None:
        """Count what a reply took."""
        if self._limits:
            amounts = {f"spent_{unit}": amount for unit, amount in self._amounts(usage).items()}
            self._note.add(spent_replies=1, **amounts)

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
        while not self._reserve(expected):
            self._freed.clear()
            # What other processes free is seen only by looking.
            seconds = None if self._note.table() is None else _BETWEEN_LOOKS
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._freed.wait()
        try:
            yield
        finally:
            self._expect(expected, -1)
            self._freed.set()

    def _amounts(self, usage: Usage) -> dict[str, float]:
        usd = self._price.cost(usage) if self._price else 0.0
        return {"usd": usd, "tokens": usage.prompt + usage.completion}

    def _reserve(self, expected: Mapping[str, float]) -> bool:
        """RETURNS (bool): Whether there was room; then it is reserved."""
        with self._note.exclusive():
            for unit, most in self._limits.items():
                spent = self._note.of_all(f"spent_{unit}")
                if spent >= most:
                    raise UserError(self._message())
                in_flight = self._note.of_all("expected_tokens") > 0
                if in_flight and spent + self._note.of_all(f"expected_{unit}") + expected[unit] > most:
                    return False
            self._expect(expected, 1)
        return True

    def _expect(self, expected: Mapping[str, float], sign: int) -> None:
        if self._limits:
            self._note.add(**{f"expected_{unit}": sign * amount for unit, amount in expected.items()})

    def _message(self) -> str:
        units = {"usd": "{:.4f} USD", "tokens": "{:,.0f} tokens"}
        spent = " and ".join(
            f"{units[unit].format(self._note.of_all(f'spent_{unit}'))} of {units[unit].format(most)}"
            for unit, most in self._limits.items()
        )
        kept = f"are kept in '{self._store}'" if self._store else "are kept nowhere, since `store` isn't set"
        return Errors.E256.format(spent=spent, replies=round(self._note.of_all("spent_replies")), kept=kept)
