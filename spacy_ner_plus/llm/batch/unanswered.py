"""Which request of a question has no reply yet: the first one, or the second, after a reply that can't be read."""

from collections.abc import Callable
from typing import Any

from spacy_ner_plus.llm.client.open_question import OpenQuestion
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Question
from spacy_ner_plus.llm.store.request_key import canonical_request, earlier_canonicals, request_key
from spacy_ner_plus.llm.store.store import Store


class Unanswered:
    """Looks through a store.

    settings (ChatSettings): Of the chat model that asks.
    store (Store | None): None where there is none yet.
    """

    def __init__(self, settings: ChatSettings, store: Store | None):
        self._settings = settings
        self._store = store
        self._sampling = settings.sampling()
        self._address = settings.endpoint()
        self._endpoint = settings.endpoint_name or self._address

    def next(self, request: ChatRequest, read: Callable[[ChatReply], Any]) -> ChatRequest | None:
        """Follow a question as far as its replies are there.

        read (Callable): Reads a reply, or raises InvalidReply.
        RETURNS (ChatRequest | None): What is to be asked next; None where nothing is.
        """
        question = OpenQuestion(Question(request, read), self._settings.max_tokens)
        while question.outcome is None:
            if (reply := self._find(question.request)) is None:
                return question.request
            question.take(reply)
        again = question.outcome.kind == "invalid" and self._settings.retry_invalid
        return request if again else None

    def _find(self, request: ChatRequest) -> ChatReply | None:
        if self._store is None:
            return None
        name, sampling = self._settings.name, self._sampling
        forms = [canonical_request(self._endpoint, name, sampling, request)]
        forms += earlier_canonicals(self._endpoint, self._address, name, sampling, request)
        return next((reply for form in forms if (reply := self._store.get(request_key(form)))), None)
