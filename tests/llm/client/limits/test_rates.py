import asyncio
import time

import pytest

from spacy_ner_plus.llm.client.limits.copies import Lineage, copies_of
from spacy_ner_plus.llm.client.limits.rates import RateLimits
from tests.llm.client.asking import ask_all, make_model, texts_of
from tests.servers.fault_server import FaultServer


async def seconds_for(limits: RateLimits, tokens: list[int]) -> float:
    began = time.monotonic()
    await asyncio.gather(*(limits.wait(count) for count in tokens))
    return time.monotonic() - began


def run(function, **settings) -> float:
    async def main() -> float:
        return await function(
            RateLimits(
                copies_of(Lineage()), **{"requests_per_minute": None, "tokens_per_minute": None, **settings}
            )
        )

    return asyncio.run(main())


def test_rates_hold_back_requests():
    # 60 at once, 19 a second after that.
    seconds = run(lambda limits: seconds_for(limits, [1] * 66), requests_per_minute=1200)
    assert 0.25 < seconds < 2


def test_rates_hold_back_tokens():
    # 3,000 at once, 950 a second after that; the large request waits for its turn and is not cut.
    seconds = run(lambda limits: seconds_for(limits, [100, 3200, 50]), tokens_per_minute=60_000)
    assert 0.3 < seconds < 2


def test_rates_of_no_rate_hold_nothing_back():
    assert run(lambda limits: seconds_for(limits, [10**6] * 100)) < 0.5


def test_rates_make_up_for_replies_that_took_more_tokens():
    async def function(limits: RateLimits) -> float:
        await limits.wait(3000)
        limits.correct(3000, 3300)
        return await seconds_for(limits, [1])

    assert 0.25 < run(function, tokens_per_minute=60_000) < 2


def test_rates_of_requests_hold_for_a_model():
    with FaultServer() as server, make_model(server, requests_per_minute=1200, structured="off") as model:
        began = time.monotonic()
        ask_all(model, texts_of(66))
        assert 0.25 < time.monotonic() - began < 5


def test_rates_say_that_one_request_takes_more_than_a_minute_allows():
    async def function(limits: RateLimits) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await limits.wait(3000)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await limits.wait(3000)
        return 0.0

    with pytest.warns(
        UserWarning, match=r"W340.*3,000 tokens.*`tokens_per_minute` is 1,000.*180 s"
    ) as caught:
        run(function, tokens_per_minute=1000)
    assert len(caught) == 1
