"""The chat model as spacy-llm's component `llm` calls it: prompts in, texts out, with the types it checks."""

import warnings
from collections import deque
from concurrent.futures import Future
from pathlib import Path

# spacy-llm compares the types in signatures, and knows only these.
from typing import Any, Iterable  # noqa: UP035

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.client.chat_model import ChatModel
from spacy_ner_plus.llm.client.settings import ChatSettings, LocalWeights, OnOutage, Structured
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Outcome

# Prompts submitted for each that may be in flight, so that no slot waits for the caller.
_AHEAD = 2


class FailedReply(str):
    """What a prompt without a reply gives in spacy-llm's protocol: an empty text that says why.

    failure (str): Why there is none.
    """

    def __new__(cls, failure: str) -> "FailedReply":
        reply = super().__new__(cls, "")
        reply.failure = failure
        return reply


class SpacyLLMChatModel(ChatModel):
    """A chat model that spacy-llm's component can call."""

    def __call__(self, prompts: Iterable[Iterable[Any]]) -> Iterable[list[str]]:
        """Answer prompts, many at a time.

        prompts (Iterable[Iterable[Any]]): For each Doc its prompts: a str, or one with attributes
            `messages`, `schema` and `grammar`.
        RETURNS (Iterable[list[str]]): For each Doc its replies, in order. A prompt without a reply
            gives a FailedReply, and a warning at the end.
        """
        submitted: deque[list[Future[Outcome[str]]]] = deque()
        failures: list[str] = []
        try:
            for shards in prompts:
                submitted.append([self.submit(_as_request(prompt), _content) for prompt in shards])
                if sum(map(len, submitted)) >= _AHEAD * self.settings.max_concurrency:
                    yield _texts(submitted.popleft(), failures)
            while submitted:
                yield _texts(submitted.popleft(), failures)
        finally:
            for futures in submitted:
                for future in futures:
                    future.cancel()
            if failures:
                warnings.warn(Warnings.W254.format(count=len(failures), reason=failures[0]), stacklevel=2)


def make_chat_model_v1(
    *,
    base_url: str = "",
    name: str = "",
    local: str | None = None,
    adapters: dict[str, str] | None = None,
    local_weights: LocalWeights = "copy",
    threads: int | None = None,
    api_key_env: str | None = None,
    api_key_any_host: bool = False,
    headers: dict[str, str] | None = None,
    timeout: float = 60.0,
    deadline: float = 300.0,
    max_concurrency: int = 16,
    max_retries: int = 6,
    on_outage: OnOutage = "stop",
    temperature: float = 0.0,
    max_tokens: int = 2048,
    seed: int | None = None,
    parameters: dict[str, Any] | None = None,
    structured: Structured = "auto",
    grammar_field: str = "",
    text_grammar: bool | None = None,
    logprobs: bool = False,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    store: str | Path | None = None,
    endpoint_name: str = "",
    retry_invalid: bool = False,
    replay_only: bool = False,
    budget: dict[str, float] | None = None,
    prices: dict[str, Any] | None = None,
    context_length: int | None = None,
    tokenizer: str | None = None,
    retry_base: float = 0.5,
) -> SpacyLLMChatModel:
    """Make a chat model from a config, for spacy-llm's `llm` component or for structured_llm_ner.

    Configs need every argument by name. What each means, and its check, is in ChatSettings.

    RETURNS (SpacyLLMChatModel): The model; nothing is sent or opened.
    RAISES (UserError): For a setting that can't be.
    """
    # The arguments are the settings, so none of them can be forgotten here.
    return SpacyLLMChatModel(ChatSettings(**locals()))


def _as_request(prompt: Any) -> ChatRequest:
    messages = getattr(prompt, "messages", None) or [{"role": "user", "content": str(prompt)}]
    return ChatRequest(
        messages, schema=getattr(prompt, "schema", None), grammar=getattr(prompt, "grammar", None)
    )


def _content(reply: ChatReply) -> str:
    return reply.content


def _texts(futures: list[Future[Outcome[str]]], failures: list[str]) -> list[str]:
    texts = []
    for future in futures:
        outcome = future.result()
        if outcome.value is None:
            failures.append(outcome.failure)
            texts.append(FailedReply(outcome.failure))
        else:
            texts.append(outcome.value)
    return texts
