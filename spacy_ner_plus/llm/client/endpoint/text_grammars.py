"""Whether a server holds its replies to the grammar of a text, as llama.cpp does that is built with llguidance.

Such a server answers a grammar that it can't read with status 200 and whatever the model likes to say; others ignore
the field in the same way. So each server is asked once, before anything else: the prompt asks for one word, and the
grammar allows only another. It is remembered as modes of schemas are.
"""

import json
import time
import warnings
from contextlib import suppress

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.client.endpoint.schema_modes import KNOWN_SECONDS
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.store import Store

# How a request is recorded that was sent with such a grammar.
TEXT_GRAMMAR = "text_grammar"
_IGNORED = "off"
_WORD = "quartz-7319"
_CANARY_TEXT = "Answer in plain text, without quotes, with the one word: hello"
# All that the formats' grammars are made of: rules with a parameter, terminals that name each other, one that matches
# nothing, what is both of two, and what is anything else.
_CANARY = f"""\
start: held::0x2
held::_ : REPLY %if is_zeros([0:1])
REPLY: /[a&&b]/ (WORD) | HELD
HELD: (WORD) & /[^<]+/ & OTHER
OTHER: ~"\\u0001"
WORD: {json.dumps(_WORD)}
"""

# By endpoint and model, for all chat models of the process.
_known: dict[tuple[str, str], bool] = {}


class TextGrammars:
    """What is known of one server.

    endpoint (str): Its address.
    name (str): The model, as the server calls it.
    """

    def __init__(self, *, endpoint: str, name: str):
        self._endpoint = endpoint
        self._name = name

    @property
    def hold(self) -> bool | None:
        """RETURNS (bool | None): Whether they hold; None where that isn't known yet."""
        return _known.get((self._endpoint, self._name))

    def recall(self, store: Store) -> None:
        """Take over what an earlier run found out."""
        if self.hold is None:
            with suppress(StoreError):
                mode = store.get_schema_mode(self._row(), self._name, time.time() - KNOWN_SECONDS)
                if mode is not None:
                    _known[self._endpoint, self._name] = mode == TEXT_GRAMMAR

    def read_canary(self, reply: ChatReply, store: Store | None) -> None:
        """Keep what the reply to `make_canary` shows; warn where a grammar doesn't hold."""
        hold = reply.mode == TEXT_GRAMMAR and reply.content.strip() == _WORD
        _known[self._endpoint, self._name] = hold
        if not hold:
            refused = reply.mode != TEXT_GRAMMAR
            reason = "it refuses the field `grammar`" if refused else "it takes it, and answers otherwise"
            warnings.warn(Warnings.W375.format(url=self._endpoint, reason=reason), stacklevel=2)
        # Without a store that can be written to, the next run asks again. Losing a reply gives a warning.
        with suppress(StoreError):
            if store is not None:
                store.set_schema_mode(self._row(), self._name, TEXT_GRAMMAR if hold else _IGNORED)

    def _row(self) -> str:
        # No address of a server has a fragment.
        return f"{self._endpoint}#{TEXT_GRAMMAR}"


def make_canary() -> ChatRequest:
    """RETURNS (ChatRequest): A question whose answer shows whether a text's grammar holds."""
    return ChatRequest([{"role": "user", "content": _CANARY_TEXT}], text_grammar=_CANARY)
