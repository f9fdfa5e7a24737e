"""What tokens cost: a table that is shipped, and that settings override."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.requests import Usage

_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens.

    input (float): Of a prompt.
    output (float): Of a reply.
    cached (float | None): Of a prompt that the server had cached; as `input` where None.
    """

    input: float
    output: float
    cached: float | None = None

    def cost(self, usage: Usage) -> float:
        """RETURNS (float): What tokens cost, in USD."""
        cached = self.input if self.cached is None else self.cached
        fresh = usage.prompt - usage.cached
        return (fresh * self.input + usage.cached * cached + usage.completion * self.output) / _MILLION


def find_price(name: str, prices: Mapping[str, Any]) -> tuple[Price | None, str]:
    """Look up what a model costs.

    name (str): The model, as the server calls it, maybe with a provider before '/' and a date at its end.
    prices (Mapping[str, Any]): From models to `input`, `output` and maybe `cached`; these win
        over the table that is shipped.
    RETURNS (tuple[Price | None, str]): The price, None where it isn't known, and a sentence about it.
    RAISES (UserError): Where a given price isn't one.
    """
    given = read_prices(prices)
    for model in _spellings(name):
        if model in given:
            return given[model], f"price of {model} from `prices`"
    shipped = shipped_prices()
    for model in _spellings(name):
        if model in shipped:
            row = shipped[model]
            price = Price(row["input"], row["output"], row.get("cached"))
            return price, f"price of {model} noted on {row['noted']} from {row['source']}"
    return None, f"no price is known for {name}: set `prices` to have a cost"


def read_prices(prices: Mapping[str, Any]) -> dict[str, Price]:
    """Read prices that settings give.

    prices (Mapping[str, Any]): From models to `input`, `output` and maybe `cached`.
    RETURNS (dict[str, Price]): By model.
    RAISES (UserError): Where one is no price.
    """
    return {model: _price(model, row) for model, row in prices.items()}


def shipped_prices() -> dict[str, dict[str, Any]]:
    """RETURNS (dict[str, dict[str, Any]]): By model: USD per million tokens, when and where they were noted."""
    table = json.loads(files("spacy_ner_plus.resources").joinpath("prices.json").read_text(encoding="utf8"))
    return {
        model: {**row, "noted": group["noted"], "source": group["source"]}
        for group in table["groups"]
        for model, row in group["models"].items()
    }


def _spellings(name: str) -> list[str]:
    last = name.rpartition("/")[2]
    return [name, last, _DATED.sub("", last)]


def _price(model: str, row: Any) -> Price:
    try:
        return Price(**{key: float(value) for key, value in row.items() if value is not None})
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(Errors.E269.format(model=model, row=row)) from error
