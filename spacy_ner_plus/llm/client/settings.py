"""The settings of a chat model: plain values, checked when they are given, that pickle."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.prices import read_prices
from spacy_ner_plus.llm.store.addresses import read_where
from spacy_ner_plus.settings import check_settings, setting, settings

Structured = Literal["auto", "json_schema", "json_object", "tool", "off"]
OnOutage = Literal["stop", "wait"]
LocalWeights = Literal["copy", "reference"]
# How a schema is sent, from the strictest way on.
MODES = get_args(Structured)[1:]
# Fields that say at how many tokens a reply is cut.
_LIMITS = ("max_tokens", "max_completion_tokens", "n_predict")
_BUDGETS = ("usd", "tokens")
# Fields that aren't for the user: what makes a request and its one reply, and by which setting it is changed.
_OWN_FIELDS = {
    "messages": "",
    "model": "`name`",
    "stream": "",
    "n": "`samples` of the component",
    "tools": "`structured`",
    "tool_choice": "`structured`",
    "functions": "`structured`",
    "function_call": "`structured`",
    "response_format": "`structured`",
}
# Settings that a server has, and a local model doesn't.
_OF_SERVERS = ("base_url", "api_key_env", "api_key_any_host", "headers", "endpoint_name")
_OF_LOCAL_MODELS = ("adapters", "threads")
# Fields beside which llama.cpp doesn't take the grammar of a text.
_CONSTRAINTS = ("response_format", "json_schema", "grammar", "grammar_lazy")
# Values with which such a field changes nothing.
_UNCHANGED = {"stream": False, "n": 1}
# Headers and parts of an address that carry keys, which belong in the environment.
_SECRET = re.compile(
    r"authorization|cookie|(api|access|auth|secret)[-_]?(key|token)|^(key|token|secret|password)$", re.I
)


@settings
class ChatSettings:
    """Which server a chat model asks and how, and what may be spent."""

    base_url: str = setting("The address, up to and including '/v1'; not with `local`.", "")
    name: str = setting(
        "The model, as the server calls it; with `local` one of `adapters`, or '' for the model itself.", ""
    )
    local: str | None = setting(
        "A model on this machine, which llama.cpp serves within this process (extra [local-llm]): 'smollm2', a .gguf "
        "file, or a folder of safetensors; in place of `base_url`.",
        None,
    )
    adapters: dict[str, str] | None = setting(
        "LoRA adapters of the local model by name: folders that peft wrote, or .gguf files.", None
    )
    local_weights: LocalWeights = setting(
        "What a saved pipeline has of the local model: 'copy', its files; 'reference', name and hash.", "copy"
    )
    threads: int | None = setting(
        "Threads that the local model computes with; None for as many as this process may use.",
        None,
        at_least=1,
    )
    api_key_env: str | None = setting(
        "The environment variable with the key, or a variable in a file .env in the working directory; "
        "None for no key, and for OPENAI_API_KEY at OpenAI itself.",
        None,
    )
    api_key_any_host: bool = setting("Whether OPENAI_API_KEY goes to other hosts than OpenAI's.", False)
    headers: dict[str, str] | None = setting(
        "Further headers of every request; '$NAME' in a value stands for an environment variable.", None
    )
    timeout: float = setting("Seconds for one attempt.", 60.0, above=0)
    deadline: float = setting(
        "Seconds for a request's attempts together. Waiting isn't counted, nor what the server's limits or "
        "an outage cost.",
        300.0,
        above=0,
    )
    max_concurrency: int = setting(
        "Requests in flight at most, in all processes together; fewer while the server pushes back.",
        16,
        at_least=1,
    )
    max_retries: int = setting(
        "How often a request is sent again after an attempt that failed. Limits and outages don't count.",
        6,
        at_least=0,
    )
    on_outage: OnOutage = setting(
        "What becomes of a run whose server is gone, has a limit of hours or refuses all alike: 'stop' ends "
        "it with one message, 'wait' goes on.",
        "stop",
    )
    temperature: float = setting("Temperature of sampling.", 0.0, at_least=0)
    max_tokens: int = setting(
        "Tokens at which a reply is cut off; the text is asked about in halves then.", 2048, at_least=1
    )
    seed: int | None = setting("Seed of sampling; sample k gets seed + k.", None)
    parameters: dict[str, Any] | None = setting(
        "Further fields of a request; None as a value takes a field out.", None
    )
    structured: Structured = setting(
        "How a schema is sent; 'auto' finds out what the server takes and enforces.", "auto"
    )
    grammar_field: str = setting("The field that takes a grammar: 'grammar' for llama.cpp; '' for none.", "")
    text_grammar: bool | None = setting(
        "Whether replies are held to the text by a grammar for each of them, as llama.cpp takes it that is built with "
        "llguidance; None for models that run in this process alone.",
        None,
    )
    logprobs: bool = setting("Whether to ask for the log-probabilities of tokens.", False)
    requests_per_minute: float | None = setting(
        "Requests sent in a minute at most, by all processes together.", None, above=0
    )
    tokens_per_minute: float | None = setting(
        "Tokens of prompts and replies in a minute at most: estimated when a request is sent, corrected "
        "when its reply comes.",
        None,
        above=0,
    )
    store: str | Path | None = setting(
        "The SQLite file, or the PostgreSQL database (postgresql://user@host:port/name), that keeps every reply; None "
        "to keep them nowhere.",
        None,
    )
    endpoint_name: str = setting(
        "A name that stands for `base_url` in the store, for a server whose address changes.", ""
    )
    retry_invalid: bool = setting(
        "Whether to ask once more where the store has only replies that are invalid or were cut.", False
    )
    replay_only: bool = setting("Whether to answer from the store alone, and send nothing.", False)
    budget: dict[str, float] | None = setting(
        "'usd' or 'tokens' after which nothing more is sent, in all processes together.", None
    )
    prices: dict[str, Any] | None = setting(
        "USD per million tokens by model: {'name': {'input': 1, 'output': 2, 'cached': 0.5}}.", None
    )
    context_length: int | None = setting(
        "Tokens that the model takes; long texts are split by it.", None, at_least=1
    )
    tokenizer: str | None = setting("The model's tokenizer.json, to count tokens; None to estimate.", None)
    retry_base: float = setting(
        "Seconds to wait at most before the first retry; the bound doubles up to 20 s.", 0.5, at_least=0
    )

    def __post_init__(self) -> None:
        check_settings(self, Errors.E250)
        self._check_where()
        for name, value in (self.headers or {}).items():
            if not isinstance(value, str):
                raise _wrong("headers", repr({name: value}), "strings")
            if _SECRET.search(name) and "$" not in value:
                remedy = "it as '$NAME' and keep the secret in the environment; it would be saved with the pipeline"
                raise _wrong("headers", f"a literal {name}", remedy)
        self._check_parameters()
        if self.text_grammar and (field := _own_constraint(self.parameters or {})):
            raise UserError(Errors.E885.format(field=field))
        for unit, most in (self.budget or {}).items():
            is_number = isinstance(most, int | float) and not isinstance(most, bool)
            if unit not in _BUDGETS or not is_number or not most > 0:
                raise _wrong("budget", {unit: most}, "'usd' or 'tokens' with a number above 0")
        read_prices(self.prices or {})
        if self.store is not None:
            read_where(self.store)
        if self.replay_only and self.store is None:
            raise _wrong("store", None, "the file of the replies, which `replay_only` needs")

    def _check_where(self) -> None:
        if self.local is None:
            missing = [f"`{name}`" for name in ("base_url", "name") if not getattr(self, name)]
            stray = [f"`{name}`" for name in _OF_LOCAL_MODELS if getattr(self, name) is not None]
            if missing or stray:
                problem = (
                    f"{' and '.join(missing)} isn't given" if missing else f"{', '.join(stray)} needs `local`"
                )
                raise UserError(Errors.E879.format(problem=problem))
            return
        if stray := [f"`{name}`" for name in _OF_SERVERS if getattr(self, name)]:
            raise UserError(
                Errors.E879.format(problem=f"{', '.join(stray)} is of a server, and `local` is given")
            )
        if not self.local:
            raise UserError(Errors.E879.format(problem="`local` is empty"))
        adapters = self.adapters or {}
        if not all(isinstance(text, str) and text for text in (*adapters, *adapters.values())):
            raise _wrong("adapters", adapters, "from names to paths")
        if self.name and self.name not in adapters:
            known = ", ".join(adapters) or "none: `adapters` names none"
            raise UserError(Errors.E880.format(local=self.local, name=self.name, adapters=known))

    def _check_parameters(self) -> None:
        for name, value in (self.parameters or {}).items():
            is_users = name == "response_format" and self.structured == "off"
            is_harmless = value is None or value == _UNCHANGED.get(name)
            if name in _OWN_FIELDS and not (is_users or is_harmless):
                instead = f"; {_OWN_FIELDS[name]} sets it" if _OWN_FIELDS[name] else ""
                remedy = f"fields without `{name}`, which makes every request what it is{instead}"
                raise _wrong("parameters", {name: value}, remedy)

    def sends_text_grammar(self) -> bool:
        """RETURNS (bool): Whether the server is to get the grammars of texts."""
        wanted = self.local is not None if self.text_grammar is None else self.text_grammar
        return wanted and not _own_constraint(self.parameters or {})

    def endpoint(self) -> str:
        """RETURNS (str): The base address, as the store knows it; of a local model what it is called.

        RAISES (UserError): Where `base_url` is no address, or holds a password.
        """
        if self.local is not None:
            return f"local:{self.local}"
        url = self.base_url.strip()
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port  # the port is checked when it is read
        except ValueError as error:
            raise UserError(Errors.E251.format(url=url, reason=error)) from error
        if parts.username or parts.password:
            hidden = url.replace(parts.netloc, parts.netloc.rpartition("@")[2])
            reason = "it holds a password, which belongs in `headers` as $NAME"
            raise UserError(Errors.E251.format(url=hidden, reason=reason))
        if any(_SECRET.search(name) for name, _ in parse_qsl(parts.query)):
            reason = "it holds a key, which belongs in the variable that `api_key_env` names"
            raise UserError(Errors.E251.format(url=parts._replace(query="***").geturl(), reason=reason))
        if parts.scheme not in ("http", "https") or not host:
            raise UserError(Errors.E251.format(url=url, reason="it doesn't begin with http:// or https://"))
        if not url.isascii() or " " in url:
            reason = "a letter outside ASCII, or a space, has to be percent-encoded"
            raise UserError(Errors.E251.format(url=url, reason=reason))
        path = parts.path.rstrip("/").removesuffix("/chat/completions")
        return parts._replace(path=path, fragment="").geturl()

    def address(self) -> str:
        """RETURNS (str): Where requests are sent.

        RAISES (UserError): For a local model, whose server has another address in each process.
        """
        if self.local is not None:
            raise UserError(Errors.E881.format(local=self.local, what="what was asked for"))
        parts = urlsplit(self.endpoint())
        return parts._replace(path=f"{parts.path}/chat/completions").geturl()

    def shown_name(self) -> str:
        """RETURNS (str): What the model is called, for people and tables; of a local one its file, and the adapter."""
        if self.local is None:
            return self.name
        stem = Path(self.local).name.removesuffix(".gguf")
        return f"{stem}+{self.name}" if self.name else stem

    def where_kept(self) -> str:
        """RETURNS (str): Where replies are kept, as the beginning of a sentence in messages about a run that ends."""
        if self.store is None:
            return "Nothing is kept, since `store` isn't set: set it, and"
        return f"What came is kept in '{self.store}':"

    def sampling(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The fields of a request that change its reply, beside model and messages."""
        # As a float, since 0 and 0.0 would have two keys in the store.
        fields = {"temperature": float(self.temperature), "max_tokens": self.max_tokens, "seed": self.seed}
        if self.logprobs:
            fields["logprobs"] = True
        fields.update(self.parameters or {})
        # A parameter that is None takes a field out, for servers that refuse it.
        return {name: value for name, value in fields.items() if value is not None}

    def reply_limit(self) -> int | None:
        """RETURNS (int | None): At how many tokens a reply is cut; None where nothing says so."""
        return reply_limit(self.sampling())


def _own_constraint(parameters: Mapping[str, Any]) -> str:
    """RETURNS (str): Which field binds replies to something else than the grammar of a text; '' for none."""
    return next((name for name in _CONSTRAINTS if parameters.get(name) is not None), "")


def reply_limit(fields: Mapping[str, Any]) -> int | None:
    """RETURNS (int | None): At how many tokens the fields of a request have its reply cut; None where none says so."""
    limits = [fields.get(name) for name in _LIMITS]
    return min((limit for limit in limits if isinstance(limit, int) and limit > 0), default=None)


def _wrong(name: str, value: Any, remedy: str) -> UserError:
    return UserError(Errors.E250.format(setting=name, value=value, remedy=remedy))
