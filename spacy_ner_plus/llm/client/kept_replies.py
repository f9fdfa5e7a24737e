"""The replies that a chat model has in its store, by request."""

import threading
import warnings
from collections.abc import Sequence

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.client.endpoint.local_endpoint import find_local
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.request_key import canonical_request, earlier_canonicals, request_key
from spacy_ner_plus.llm.store.store import Store, has_store


class KeptReplies:
    """Finds replies and keeps new ones, in any thread. The store is opened when it is first needed.

    meter (UsageMeter): Counts the replies that are found.
    """

    def __init__(self, settings: ChatSettings, meter: UsageMeter):
        self._settings = settings
        self._meter = meter
        self._sampling = settings.sampling()
        self._names: tuple[str, str, str] | None = None
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._warned = False
        self._asked: set[str] = set()  # where invalid replies are asked for again, by key

    def open(self) -> Store | None:
        """RETURNS (Store | None): The store; None where replies are kept nowhere.

        RAISES (UserError): Where it can't be opened, or the address is none.
        """
        if self._store is None and self._settings.store is not None:
            with self._lock:
                if self._store is None:
                    self._store = Store(self._settings.store, read_only=self._settings.replay_only)
        return self._store

    def key(self, request: ChatRequest) -> tuple[str, str]:
        """RETURNS (tuple[str, str]): The key of a request, and the form from which it is made."""
        endpoint, _, name = self.names()
        canonical = canonical_request(endpoint, name, self._sampling, request)
        return request_key(canonical), canonical

    def find(self, request: ChatRequest) -> ChatReply | None:
        """RETURNS (ChatReply | None): The reply that is kept, under the key of today or an earlier one."""
        store = self.open()
        if store is None:
            return None
        reply = store.get(self.key(request)[0]) or self._find_earlier(store, request)
        if reply is not None:
            self._meter.add(stored=1)
        return reply

    def has(self, request: ChatRequest) -> bool:
        """RETURNS (bool): Whether a reply is kept; looking makes no store, and counts nothing."""
        if self._settings.store is None or (self._store is None and not has_store(self._settings.store)):
            return False
        store = self.open()
        return bool(store.get(self.key(request)[0]) or self._find_earlier(store, request))

    def note_asked(self, key: str) -> bool:
        """RETURNS (bool): Whether it is the first time in this run, where invalid replies are asked for again."""
        if not self._settings.retry_invalid or key in self._asked:
            return False
        self._asked.add(key)
        return True

    def keep(self, canonical: str, reply: ChatReply) -> None:
        """Keep a reply with its key and status; warn once where that fails.

        canonical (str): The request in the form from which its key is made.
        """
        store = self.open()
        if store is None:
            return
        try:
            store.add(canonical, reply)
        except StoreError as error:
            # The reply itself is good. It is returned, and a rerun pays for it again.
            if not self._warned:
                self._warned = True
                warnings.warn(Warnings.W253.format(path=store.where, reason=error.reason), stacklevel=2)

    def forget(self, keys: Sequence[str]) -> None:
        """Take replies out, so that their requests are asked again."""
        store = self.open()
        if store is not None:
            store.forget(keys)

    def close(self) -> None:
        """Close the store; the next use opens it again, and looks anew what a local model is."""
        with self._lock:
            self._names = None
            if self._store is not None:
                self._store.close()
                self._store = None

    def _find_earlier(self, store: Store, request: ChatRequest) -> ChatReply | None:
        for canonical in earlier_canonicals(*self.names(), self._sampling, request):
            if reply := store.get(request_key(canonical)):
                return reply
        return None

    def names(self) -> tuple[str, str, str]:
        """RETURNS (tuple[str, str, str]): The name that stands for the address, the address, and the model's name; of a
        local model hashes of its content, wherever it lies and is served.

        RAISES (UserError): Where the address is none, or a local model isn't there.
        """
        if self._names is None:
            given = self._settings
            if given.local is not None:
                endpoint, name = find_local(given).identity(given.name)
                self._names = (endpoint, endpoint, name)
            else:
                address = given.endpoint()
                self._names = (given.endpoint_name or address, address, given.name)
        return self._names
