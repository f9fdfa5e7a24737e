"""A chat model behind an OpenAI-compatible server: many requests in flight, each reply kept."""

import os
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self, TypeVar

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.llm.client.endpoint.local_endpoint import find_local
from spacy_ner_plus.llm.client.limits.copies import Lineage
from spacy_ner_plus.llm.client.process_client import ProcessClient
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import message_tokens
from spacy_ner_plus.llm.client.usage import UsageSnapshot
from spacy_ner_plus.llm.dialogues import ask_one
from spacy_ner_plus.llm.local.server import HandedServers
from spacy_ner_plus.llm.requests import (
    ChatReply,
    ChatRequest,
    Dialogue,
    Message,
    Outcome,
    Question,
    Usage,
)
from spacy_ner_plus.llm.store.store import Store

T = TypeVar("T")


class ChatModel:
    """A model on a server that answers chat completions as OpenAI's does.

    Making, copying and pickling one opens nothing: the first request reads the key, opens the store
    and starts a thread. Any thread may use it, beside any event loop, and after a fork.

    Copies in other processes (forked, or from a pickle) share what is limited: `max_concurrency`, the rates a minute
    and the budget.

    settings (ChatSettings): The server, the model, and how to ask it.
    lineage (Lineage | None): Of which model it is a copy, for one that is made from a copy of its settings.
    """

    def __init__(self, settings: ChatSettings, lineage: Lineage | None = None):
        self.settings = settings
        self._lineage = lineage or Lineage()
        self._clients: dict[int, ProcessClient] = {}

    def hold(self, dialogue: Dialogue[T]) -> Future[T]:
        """Hold a dialogue: each question is answered from the store if the reply is there, else from the server.

        It runs in this thread or in the one of the requests. Cancelling the Future cancels its requests. Identical
        requests in flight are sent once.

        RETURNS (Future[T]): What it comes to. It raises UserError where a setting or the server would make every
            request fail, and what the dialogue raises otherwise.
        """
        return self._client().hold(dialogue)

    def submit(self, request: ChatRequest, read: Callable[[ChatReply], T]) -> Future[Outcome[T]]:
        """Ask one question, as `hold` does.

        read (Callable): Makes a value of a reply, or raises InvalidReply, upon which the model is
            asked once more.
        RETURNS (Future[Outcome[T]]): What comes of it.
        """
        return self.hold(ask_one(Question(request, read)))

    @property
    def usage(self) -> UsageSnapshot:
        """RETURNS (UsageSnapshot): What requests have taken so far: of this process, and of all its copies if it was
        made here.
        """
        return self._client().usage()

    @property
    def store(self) -> Store | None:
        """RETURNS (Store | None): Where the replies are kept, opened when it is first asked for; None for nowhere.

        RAISES (UserError): Where it can't be opened.
        """
        return self._client().kept.open()

    @property
    def takes_text_grammar(self) -> bool:
        """RETURNS (bool): Whether replies are to be held to their texts, as far as is known: where not, nobody needs to
        write the grammars.
        """
        return self.settings.sends_text_grammar() and self._client().takes_text_grammar

    @property
    def context_length(self) -> int | None:
        """RETURNS (int | None): Tokens that the model takes, where known."""
        given = self.settings
        if given.local is not None:
            with suppress(UserError):  # which is raised as it is first asked
                return find_local(given).context_length
        return given.context_length

    def count_tokens(self, messages: Sequence[Message] | str) -> int:
        """Count tokens with the model's tokenizer, where it was given, else estimate them.

        messages (Sequence[Message] | str): Messages of a request, or a text alone.
        RETURNS (int): Their tokens; for messages with what chat templates put around them.
        """
        count = self._client().count
        return count(messages) if isinstance(messages, str) else message_tokens(messages, count)

    def is_stored(self, request: ChatRequest) -> bool:
        """RETURNS (bool): Whether the store has a reply; its re-ask, if it needed one, isn't looked for."""
        return self._client().has_stored(request)

    def warn_of_invalid(self, name: str) -> None:
        """Warn of the invalid replies that came from the store since the last warning, and how to ask again.

        name (str): The component that the model belongs to.
        """
        self._client().warn_of_invalid(name)

    def cost(self, usage: Usage) -> float | None:
        """RETURNS (float | None): What tokens cost in USD; None where the price of the model isn't known."""
        return self._client().cost(usage)

    def with_settings(self, **changes: Any) -> Self:
        """RETURNS (ChatModel): One with other settings, which counts and is limited as this one."""
        return type(self)(replace(self.settings, **changes), self._lineage)

    def prepare_for_workers(self) -> None:
        """Start what workers of this process use, before they are started: the server of a local model.

        RAISES (UserError): Where it can't be started.
        """
        self._client().prepare_for_workers()

    def close(self) -> None:
        """Stop at once: cancel what is in flight, close store and connections. Replies that came are kept.

        A request after that opens them again.
        """
        client = self._clients.get(os.getpid())
        if client is not None:
            client.close()

    def _client(self) -> ProcessClient:
        # One for each process, since neither threads nor connections survive a fork.
        client = self._clients.get(os.getpid())
        if client is None:
            client = ProcessClient(self.settings, self._lineage)
            if self._clients.setdefault(os.getpid(), client) is client:
                weakref.finalize(self, client.close)
        return self._clients[os.getpid()]

    def __getstate__(self) -> dict[str, Any]:
        # A worker that is started gets the addresses of this process's servers with it.
        return {"settings": self.settings, "lineage": self._lineage, "servers": HandedServers()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        lineage = state.get("lineage")  # earlier versions have none
        self.__init__(state["settings"], None if lineage is None or lineage.is_makers else lineage)

    def __repr__(self) -> str:
        given = self.settings
        where = f"base_url={given.base_url!r}" if given.local is None else f"local={given.local!r}"
        return f"{type(self).__name__}({where}, name={given.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
