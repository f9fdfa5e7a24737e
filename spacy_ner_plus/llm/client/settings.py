"""The settings of a chat model: plain values, checked when they are given, that pickle."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.prices import read_prices

MODES = ("json_schema", "json_object", "tool", "off")
STRUCTURED = ("auto", *MODES)
_BUDGETS = ("usd", "tokens")
# Headers and parts of an address that carry keys, which belong into the environment.
_SECRET = re.compile(
    r"authorization|cookie|(api|access|auth|secret)[-_]?(key|token)|^(key|token|secret|password)$", re.I
)
_NUMBER = ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool))
_WHOLE = ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
_TEXT = ("a string", lambda value: isinstance(value, str))
_SWITCH = ("true or false", lambda value: isinstance(value, bool))
_MAPPING = ("a mapping", lambda value: isinstance(value, Mapping))
_KINDS = {
    **dict.fromkeys(
        ("base_url", "name", "api_key_env", "structured", "grammar_field", "store", "tokenizer"), _TEXT
    ),
    **dict.fromkeys(("timeout", "deadline", "retry_base", "temperature"), _NUMBER),
    **dict.fromkeys(("requests_per_minute", "tokens_per_minute"), _NUMBER),
    **dict.fromkeys(("max_concurrency", "max_retries", "max_tokens", "seed", "context_length"), _WHOLE),
    **dict.fromkeys(("logprobs", "replay_only"), _SWITCH),
    **dict.fromkeys(("headers", "parameters", "budget", "prices"), _MAPPING),
}
_MAY_LACK = ("seed", "requests_per_minute", "tokens_per_minute", "store", "context_length", "tokenizer")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """What a ChatModel was given; its docstring says what each is."""

    base_url: str
    name: str
    api_key_env: str
    headers: dict[str, str]
    timeout: float
    deadline: float
    max_concurrency: int
    max_retries: int
    retry_base: float
    temperature: float
    max_tokens: int
    seed: int | None
    parameters: dict[str, Any]
    structured: str
    grammar_field: str
    logprobs: bool
    requests_per_minute: float | None
    tokens_per_minute: float | None
    store: str | None
    replay_only: bool
    budget: dict[str, float]
    prices: dict[str, Any]
    context_length: int | None
    tokenizer: str | None

    def __post_init__(self) -> None:
        for name, (kind, fits) in _KINDS.items():
            value = getattr(self, name)
            if not fits(value) and not (value is None and name in _MAY_LACK):
                raise _wrong(name, repr(value), kind)
        for name, value in self.headers.items():
            if not isinstance(value, str):
                raise _wrong("headers", repr({name: value}), "strings")
            if _SECRET.search(name) and "$" not in value:
                remedy = "it as '$NAME' and keep the secret in the environment; it would be saved with the pipeline"
                raise _wrong("headers", f"a literal {name}", remedy)
        at_least = {"max_concurrency": 1, "max_tokens": 1, "max_retries": 0, "retry_base": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise _wrong(name, getattr(self, name), f"{least} or more")
        for name in ("timeout", "deadline", "requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise _wrong(name, value, "a number above 0")
        if self.structured not in STRUCTURED:
            raise _wrong("structured", self.structured, f"one of: {', '.join(STRUCTURED)}")
        for name, most in self.budget.items():
            if name not in _BUDGETS or not _NUMBER[1](most) or not most > 0:
                raise _wrong("budget", {name: most}, "'usd' or 'tokens' with a number above 0")
        read_prices(self.prices)
        if self.replay_only and self.store is None:
            raise _wrong("store", None, "the file of the replies, which `replay_only` needs")

    def endpoint(self) -> str:
        """RETURNS (str): The base address, as the store knows it.

        RAISES (UserError): Where `base_url` is no address, or holds a password.
        """
        url = self.base_url.strip()
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port  # the port is checked when it is read
        except ValueError as error:
            raise UserError(Errors.E251.format(url=url, reason=error)) from error
        if parts.username or parts.password:
            hidden = url.replace(parts.netloc, parts.netloc.rpartition("@")[2])
            reason = "it holds a password, which belongs into `headers` as $NAME"
            raise UserError(Errors.E251.format(url=hidden, reason=reason))
        if any(_SECRET.search(name) for name, _ in parse_qsl(parts.query)):
            reason = "it holds a key, which belongs into the variable that `api_key_env` names"
            raise UserError(Errors.E251.format(url=parts._replace(query="***").geturl(), reason=reason))
        if parts.scheme not in ("http", "https") or not host:
            raise UserError(Errors.E251.format(url=url, reason="it doesn't begin with http:// or https://"))
        if not url.isascii() or " " in url:
            reason = "a letter outside ASCII, or a space, is to be written in the form of URLs"
            raise UserError(Errors.E251.format(url=url, reason=reason))
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        return parts._replace(path=path, fragment="").geturl()

    def address(self) -> str:
        """RETURNS (str): Where requests are sent."""
        parts = urlsplit(self.endpoint())
        return parts._replace(path=f"{parts.path}/chat/completions").geturl()

    def sampling(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The fields of a request that change its reply, beside model and messages."""
        # As a float, since 0 and 0.0 would have two keys.
        fields = {"temperature": float(self.temperature), "max_tokens": self.max_tokens, "seed": self.seed}
        if self.logprobs:
            fields["logprobs"] = True
        # A parameter that is None takes a field out, for servers that refuse it.
        return {name: value for name, value in {**fields, **self.parameters}.items() if value is not None}


def _wrong(name: str, value: Any, remedy: str) -> UserError:
    return UserError(Errors.E250.format(setting=name, value=value, remedy=remedy))
