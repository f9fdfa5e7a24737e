import json
import threading
from datetime import date

import pytest

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.prices import Price, find_price, shipped_prices
from spacy_ner_plus.llm.client.tokens import estimate_tokens, load_counter, message_tokens
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import Usage
from tests.conftest import wordpiece_tokenizer
from tests.llm.client.asking import ask_all, make_model, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer


def test_usage_costs_cached_tokens_apart():
    assert Price(2.0, 8.0, 0.5).cost(Usage(1_000_000, 500_000, 400_000)) == pytest.approx(1.2 + 0.2 + 4.0)
    assert Price(2.0, 8.0).cost(Usage(1_000_000, 0, 400_000)) == pytest.approx(2.0)


@pytest.mark.parametrize("name", ["gpt-4o-mini", "openai/gpt-4o-mini", "gpt-4o-mini-2024-07-18"])
def test_usage_knows_a_model_by_all_its_names(name):
    price, note = find_price(name, {})
    assert price == Price(0.15, 0.6, 0.075)
    assert note.startswith("price of gpt-4o-mini noted on ")


def test_usage_of_an_unknown_model_has_no_cost_and_says_so():
    assert find_price("tiny", {}) == (None, "no price is known for tiny: set `prices` to have a cost")


def test_usage_takes_given_prices_first():
    price, note = find_price("openai/gpt-4o-mini", {"gpt-4o-mini": {"input": 1, "output": 2}})
    assert (price, note) == (Price(1.0, 2.0), "price of gpt-4o-mini from `prices`")


@pytest.mark.parametrize("row", [{"input": 1}, {"input": 1, "output": "much"}, 3, {"input": 1, "outputs": 2}])
def test_usage_refuses_what_is_no_price(row):
    with pytest.raises(UserError, match=r"E269.*'m'"):
        find_price("m", {"m": row})


def test_usage_prices_say_when_and_where_they_were_noted():
    for row in shipped_prices().values():
        assert date.fromisoformat(row["noted"])
        assert row["source"].startswith("https://")
        assert 0 <= row["cached"] <= row["input"] <= row["output"]


def test_usage_is_counted_in_any_thread():
    meter = UsageMeter(Price(1.0, 1.0), "a price")

    def count() -> None:
        for _ in range(500):
            meter.add_reply(Usage(1, 2, 1), 0.5)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = meter.snapshot()
    assert (snapshot.replies, snapshot.prompt_tokens, snapshot.completion_tokens) == (4000, 4000, 8000)
    assert (snapshot.seconds, snapshot.cost) == (2000.0, pytest.approx(0.012))


def test_usage_of_a_model_is_what_the_server_sent():
    with FaultServer() as server, make_model(server, structured="json_schema") as model:
        ask_all(model, texts_of(5))
        usage = model.usage
    assert usage.requests == usage.replies == len(server.requests) == 5
    assert usage.prompt_tokens > usage.cached_tokens > 0
    assert usage.seconds > 0
    assert json.loads(json.dumps(usage.to_dict()))["cost"] is None


def test_usage_that_a_server_does_not_report_is_estimated():
    with FaultServer(Behaviour(usage=False)) as server, make_model(server, structured="off") as model:
        ask_all(model, texts_of(3))
        assert model.usage.unreported == 3
        assert model.usage.prompt_tokens > 3 * len(texts_of(1)[0]) / 4


def test_usage_counts_tokens_by_a_tokenizer(tmp_path):
    wordpiece_tokenizer().save_pretrained(tmp_path)
    text = "Anna Berg lives in Oslo " * 10
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        assert load_counter(str(path))(text) == 50


def test_usage_estimates_tokens_without_one():
    assert load_counter(None)("seven characters") == estimate_tokens("seven characters") == 5
    assert message_tokens([{"role": "user", "content": "x" * 35}], estimate_tokens) == 10 + 4 + 3


def test_usage_without_the_tokenizer_that_was_named_says_so(tmp_path):
    with pytest.raises(UserError, match=r"E268.*nowhere.json"):
        load_counter(str(tmp_path / "nowhere.json"))
