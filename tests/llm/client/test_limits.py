import asyncio
import time

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.limits import Budget, RateLimits
from spacy_ner_plus.llm.client.prices import Price
from spacy_ner_plus.llm.requests import Usage
from tests.llm.client.asking import ask_all, ask_for, make_model, read_lists, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer


async def seconds_for(limits: RateLimits, tokens: list[int]) -> float:
    began = time.monotonic()
    await asyncio.gather(*(limits.wait(count) for count in tokens))
    return time.monotonic() - began


def run(function, **settings) -> float:
    async def main() -> float:
        return await function(
            RateLimits(**{"requests_per_minute": None, "tokens_per_minute": None, **settings})
        )

    return asyncio.run(main())


def test_limits_hold_back_requests():
    # 60 at once, 19 a second after that.
    seconds = run(lambda limits: seconds_for(limits, [1] * 66), requests_per_minute=1200)
    assert 0.25 < seconds < 2


def test_limits_hold_back_tokens():
    # 3,000 at once, 950 a second after that; the large request waits for its turn and is not cut.
    seconds = run(lambda limits: seconds_for(limits, [100, 3200, 50]), tokens_per_minute=60_000)
    assert 0.3 < seconds < 2


def test_limits_of_no_rate_hold_nothing_back():
    assert run(lambda limits: seconds_for(limits, [10**6] * 100)) < 0.5


def test_limits_make_up_for_replies_that_took_more_tokens():
    async def function(limits: RateLimits) -> float:
        await limits.wait(3000)
        limits.correct(3000, 3300)
        return await seconds_for(limits, [1])

    assert 0.25 < run(function, tokens_per_minute=60_000) < 2


def test_limits_of_requests_hold_for_a_model():
    with FaultServer() as server, make_model(server, requests_per_minute=1200, structured="off") as model:
        began = time.monotonic()
        ask_all(model, texts_of(66))
        assert 0.25 < time.monotonic() - began < 5


def make_budget(**limits) -> Budget:
    return Budget(limits, price=Price(1.0, 2.0), name="m", store="s.sqlite")


async def spend(budget: Budget, usage: Usage) -> None:
    async with budget.spending(usage.prompt, usage.completion):
        await asyncio.sleep(0.01)
        budget.spend(usage)


@pytest.mark.parametrize(
    ("limits", "told"),
    [({"tokens": 100}, "100 tokens of 100 tokens"), ({"usd": 0.0001}, "0.0001 USD of 0.0001 USD")],
)
def test_limits_of_a_budget_stop_with_what_was_spent(limits, told):
    async def main() -> None:
        budget = make_budget(**limits)
        for _ in range(4):
            await spend(budget, Usage(20, 5) if "tokens" in limits else Usage(15, 5))
        with pytest.raises(UserError, match=rf"E256.*{told} went into 4 replies"):
            await spend(budget, Usage(1, 1))

    asyncio.run(main())


def test_limits_of_a_budget_hold_for_requests_in_flight_together():
    async def main() -> list:
        budget = make_budget(tokens=100)
        return await asyncio.gather(*(spend(budget, Usage(20, 5)) for _ in range(20)), return_exceptions=True)

    results = asyncio.run(main())
    assert results.count(None) == 4
    assert sum(isinstance(result, UserError) for result in results) == 16


def test_limits_of_a_budget_in_money_need_a_price():
    with pytest.raises(UserError, match=r"E258.*'m'"):
        Budget({"usd": 1.0}, price=None, name="m", store=None)


def test_limits_of_a_budget_go_on_when_a_model_was_closed():
    with FaultServer() as server, make_model(server, structured="off", budget={"tokens": 80}) as model:
        ask_all(model, texts_of(2))
        model.close()
        with pytest.raises(UserError, match="E256"):
            ask_all(model, texts_of(20))
    assert len(server.requests) < 6


def test_limits_of_a_budget_stop_a_model_and_keep_its_replies(tmp_path):
    path = str(tmp_path / "s.sqlite")
    with FaultServer(Behaviour(delay=0.01)) as server:
        with make_model(server, structured="off", store=path, budget={"tokens": 400}) as model:
            futures = [model.submit(ask_for(text), read_lists) for text in texts_of(60)]
            errors = [error for future in futures if (error := future.exception(10))]
            spent = model.usage.prompt_tokens + model.usage.completion_tokens
            assert spent >= 400 > spent - 100
        assert errors
        assert all("[E256]" in str(error) and "kept in" in str(error) for error in errors)
        with make_model(server, structured="off", store=path) as model:
            ask_all(model, texts_of(60))
            assert model.usage.stored == 60 - len(errors)
    assert len(server.requests) == 60
