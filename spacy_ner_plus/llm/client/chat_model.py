"""A chat model behind an OpenAI-compatible server: many requests in flight, each reply kept."""

import os
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from spacy_ner_plus.llm.client.limits.copies import Lineage
from spacy_ner_plus.llm.client.process_client import ProcessClient
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import message_tokens
from spacy_ner_plus.llm.client.usage import UsageSnapshot
from spacy_ner_plus.llm.dialogues import ask_one
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
    def context_length(self) -> int | None:
        """RETURNS (int | None): Tokens that the model takes, where known."""
        return self.settings.context_length

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
        return {"settings": self.settings, "lineage": self._lineage}

    def __setstate__(self, state: dict[str, Any]) -> None:
        lineage = state.get("lineage")  # earlier versions have none
        self.__init__(state["settings"], None if lineage is None or lineage.is_makers else lineage)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.settings.base_url!r}, name={self.settings.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
