"""A chat model behind an OpenAI-compatible server: many requests in flight, each reply kept."""

import os
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict

# spacy-llm compares the types in signatures, and knows only these.
from typing import Any, Iterable, TypeVar  # noqa: UP035

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.client.process_client import Session
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import message_tokens
from spacy_ner_plus.llm.client.usage import UsageSnapshot
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Message, Outcome, Usage

T = TypeVar("T")
# Prompts that are begun, for each that may be in flight, so that no slot waits for the caller.
_AHEAD = 2


class FailedReply(str):
    """What a prompt without a reply gives in spacy-llm's protocol: an empty text that says why.

    failure (str): Why there is none.
    """

    def __new__(cls, failure: str) -> "FailedReply":
        reply = super().__new__(cls, "")
        reply.failure = failure
        return reply


class ChatModel:
    """A model on a server that answers chat completions as OpenAI's does.

    Making, copying and pickling one opens nothing: the first request reads the key, opens the store
    and starts a thread. Any thread may use it, beside any event loop, and after a fork.

    base_url (str): The address, up to and with '/v1'.
    name (str): The model, as the server calls it.
    api_key_env (str): The environment variable with the key, or a variable in a file .env in the
        working directory. Servers that want no key need none.
    headers (dict[str, str] | None): Further headers; "$NAME" in a value stands for a variable.
    timeout (float): Seconds for one attempt.
    deadline (float): Seconds for a request with all its attempts, from when it is first sent.
    max_concurrency (int): Requests in flight at most.
    max_retries (int): How often a request is sent again where there was no usable answer.
    temperature (float): Of sampling.
    max_tokens (int): At which a reply is cut; one that was cut is invalid.
    seed (int | None): Of sampling; sample k gets seed + k.
    parameters (dict[str, Any] | None): Further fields of a request; None as a value takes a field out.
    structured (str): How a schema is sent: 'json_schema', 'json_object', 'tool', 'off', or 'auto' to
        find out what the server takes and enforces.
    grammar_field (str): The field that takes a grammar: 'grammar' for llama.cpp; '' for none.
    logprobs (bool): Whether to ask for the probabilities of tokens.
    requests_per_minute (float | None): At most.
    tokens_per_minute (float | None): At most, of prompts and replies, expected and then corrected.
    store (str | None): The SQLite file that keeps every reply; None to keep them nowhere.
    replay_only (bool): Whether to answer from the store alone, and send nothing.
    budget (dict[str, float] | None): 'usd' or 'tokens' after which nothing more is sent, in each process.
    prices (dict[str, Any] | None): USD per million tokens by model: {'name': {'input': 1, 'output': 2, 'cached': 0.5}}.
    context_length (int | None): Tokens that the model takes, for those who split texts.
    tokenizer (str | None): Its tokenizer.json, to count tokens; None to estimate.
    retry_base (float): Seconds to wait at most before the first retry; the bound doubles up to 20 s.
    RAISES (UserError): Where a setting can't be.
    """

    def __init__(
        self,
        *,
        base_url: str,
        name: str,
        api_key_env: str = "OPENAI_API_KEY",
        headers: dict[str, str] | None = None,
        timeout: float = 60.0,
        deadline: float = 300.0,
        max_concurrency: int = 16,
        max_retries: int = 6,
        temperature: float = 0.0,
        max_tokens: int = 2048,
        seed: int | None = None,
        parameters: dict[str, Any] | None = None,
        structured: str = "auto",
        grammar_field: str = "",
        logprobs: bool = False,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        store: str | None = None,
        replay_only: bool = False,
        budget: dict[str, float] | None = None,
        prices: dict[str, Any] | None = None,
        context_length: int | None = None,
        tokenizer: str | None = None,
        retry_base: float = 0.5,
    ):
        self.settings = ChatSettings(
            base_url=base_url,
            name=name,
            api_key_env=api_key_env,
            headers={} if headers is None else headers,
            timeout=timeout,
            deadline=deadline,
            max_concurrency=max_concurrency,
            max_retries=max_retries,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            parameters={} if parameters is None else parameters,
            structured=structured,
            grammar_field=grammar_field,
            logprobs=logprobs,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            store=None if store is None else str(store),
            replay_only=replay_only,
            budget={} if budget is None else budget,
            prices={} if prices is None else prices,
            context_length=context_length,
            tokenizer=tokenizer,
            retry_base=retry_base,
        )
        self._sessions: dict[int, Session] = {}

    def submit(self, request: ChatRequest, read: Callable[[ChatReply], T]) -> Future[Outcome[T]]:
        """Ask for a reply, from the store if it is there, else from the server.

        `read` runs in this thread or in the one of the requests. Cancelling the Future cancels the
        request. Identical requests in flight are sent once.

        request (ChatRequest): The prompt.
        read (Callable): Makes a value of a reply, or raises InvalidReply, upon which the model is
            asked once more.
        RETURNS (Future[Outcome[T]]): What comes of it. It raises UserError where a setting or the
            server makes every request senseless, and what `read` raises otherwise.
        """
        return self._session().submit(request, read)

    @property
    def usage(self) -> UsageSnapshot:
        """RETURNS (UsageSnapshot): What requests of this process took since it began, or was reset."""
        return self._session().meter.snapshot()

    def reset_usage(self) -> UsageSnapshot:
        """Begin to count at 0. A budget goes on.

        RETURNS (UsageSnapshot): What was counted until now.
        """
        snapshot = self.usage
        self._session().meter.reset()
        return snapshot

    @property
    def context_length(self) -> int | None:
        """RETURNS (int | None): Tokens that the model takes, where known."""
        return self.settings.context_length

    def count_tokens(self, messages: Sequence[Message] | str) -> int:
        """Count tokens with the model's tokenizer, where it was given, else estimate them.

        messages (Sequence[Message] | str): A conversation, or a text alone.
        RETURNS (int): Its tokens; for a conversation with what stands around its messages.
        """
        count = self._session().count
        return count(messages) if isinstance(messages, str) else message_tokens(messages, count)

    def is_stored(self, request: ChatRequest) -> bool:
        """Say whether a request would be answered from the store.

        request (ChatRequest): The prompt.
        RETURNS (bool): Whether its reply is there; its re-ask, if it needed one, isn't looked for.
        """
        return self._session().holds(request)

    def cost(self, usage: Usage) -> float | None:
        """Price tokens.

        usage (Usage): How many.
        RETURNS (float | None): USD; None where the price of the model isn't known.
        """
        return self._session().cost(usage)

    def close(self) -> None:
        """Stop at once: cancel what is in flight, close store and connections. Replies that came are kept.

        A request after that opens them again.
        """
        session = self._sessions.get(os.getpid())
        if session is not None:
            session.close()

    def __call__(self, prompts: Iterable[Iterable[Any]]) -> Iterable[list[str]]:
        """Answer prompts as spacy-llm's component asks for it.

        prompts (Iterable[Iterable[Any]]): For each Doc its prompts: a str, or one with attributes
            `messages`, `schema` and `grammar`.
        RETURNS (Iterable[list[str]]): For each Doc its replies, in order. One that there is none of
            is a FailedReply, with a warning at the end.
        """
        begun: deque[list[Future[Outcome[str]]]] = deque()
        failures: list[str] = []
        try:
            for shards in prompts:
                begun.append([self.submit(as_request(prompt), _content) for prompt in shards])
                if sum(map(len, begun)) >= _AHEAD * self.settings.max_concurrency:
                    yield _replies(begun.popleft(), failures)
            while begun:
                yield _replies(begun.popleft(), failures)
        finally:
            for futures in begun:
                for future in futures:
                    future.cancel()
            if failures:
                warnings.warn(Warnings.W254.format(count=len(failures), reason=failures[0]), stacklevel=2)

    def _session(self) -> Session:
        # One for each process, since neither threads nor connections live through a fork.
        session = self._sessions.get(os.getpid())
        if session is None:
            session = Session(self.settings)
            if self._sessions.setdefault(os.getpid(), session) is session:
                weakref.finalize(self, session.close)
        return self._sessions[os.getpid()]

    def __getstate__(self) -> dict[str, Any]:
        return asdict(self.settings)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)

    def __repr__(self) -> str:
        return f"ChatModel(base_url={self.settings.base_url!r}, name={self.settings.name!r})"

    def __enter__(self) -> "ChatModel":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def as_request(prompt: Any) -> ChatRequest:
    """RETURNS (ChatRequest): The request of a prompt of spacy-llm's protocol."""
    messages = getattr(prompt, "messages", None) or [{"role": "user", "content": str(prompt)}]
    return ChatRequest(
        messages, schema=getattr(prompt, "schema", None), grammar=getattr(prompt, "grammar", None)
    )


def _content(reply: ChatReply) -> str:
    return reply.content


def _replies(futures: list[Future[Outcome[str]]], failures: list[str]) -> list[str]:
    replies = []
    for future in futures:
        outcome = future.result()
        if outcome.value is None:
            failures.append(outcome.failure)
            replies.append(FailedReply(outcome.failure))
        else:
            replies.append(outcome.value)
    return replies
