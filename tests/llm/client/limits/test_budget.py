import asyncio

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.limits.budget import Budget
from spacy_ner_plus.llm.client.limits.copies import Lineage, copies_of
from spacy_ner_plus.llm.client.prices import Price
from spacy_ner_plus.llm.requests import Usage
from tests.llm.client.asking import ask_all, ask_for, make_model, read_lists, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer


def make_budget(**limits) -> Budget:
    return Budget(copies_of(Lineage()), limits, price=Price(1.0, 2.0), name="m", store="s.sqlite")


async def spend(budget: Budget, usage: Usage) -> None:
    async with budget.spending(usage.prompt, usage.completion):
        await asyncio.sleep(0.01)
        budget.spend(usage)


@pytest.mark.parametrize(
    ("limits", "told"),
    [({"tokens": 100}, "100 tokens of 100 tokens"), ({"usd": 0.0001}, "0.0001 USD of 0.0001 USD")],
)
def test_budget_stop_with_what_was_spent(limits, told):
    async def main() -> None:
        budget = make_budget(**limits)
        for _ in range(4):
            await spend(budget, Usage(20, 5) if "tokens" in limits else Usage(15, 5))
        with pytest.raises(UserError, match=rf"E256.*{told} went into 4 replies"):
            await spend(budget, Usage(1, 1))

    asyncio.run(main())


def test_budget_hold_for_requests_in_flight_together():
    async def main() -> list:
        budget = make_budget(tokens=100)
        return await asyncio.gather(*(spend(budget, Usage(20, 5)) for _ in range(20)), return_exceptions=True)

    results = asyncio.run(main())
    assert results.count(None) == 4
    assert sum(isinstance(result, UserError) for result in results) == 16


def test_budget_in_money_need_a_price():
    with pytest.raises(UserError, match=r"E258.*'m'"):
        Budget(copies_of(Lineage()), {"usd": 1.0}, price=None, name="m", store=None)


def test_budget_go_on_when_a_model_was_closed():
    with FaultServer() as server, make_model(server, structured="off", budget={"tokens": 80}) as model:
        ask_all(model, texts_of(2))
        model.close()
        with pytest.raises(UserError, match="E256"):
            ask_all(model, texts_of(20))
    assert len(server.requests) < 6


def test_budget_stop_a_model_and_keep_its_replies(tmp_path):
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
