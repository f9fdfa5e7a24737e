"""How a schema is sent to a server: in the strictest mode that the server accepts and enforces.

The modes, from the strictest: `json_schema`, `json_object`, `tool`, `off`. When a server refuses a
field by name, the next mode is tried, unless a request with that field was ever answered: then the refusal
is about its document. Some servers accept a field and ignore it. So each server is probed once: the
prompt asks for one word, and the schema allows only another.
"""

import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.llm.client.completions import ServerError
from spacy_ner_plus.llm.client.endpoint.refusals import is_field_at_fault, is_too_long, names_field
from spacy_ner_plus.llm.client.settings import MODES
from spacy_ner_plus.llm.finish_reasons import CUT
from spacy_ner_plus.llm.formats.json_replies import read_json
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, InvalidReply
from spacy_ner_plus.llm.store.engines.engine import StoreError
from spacy_ner_plus.llm.store.store import Store

# How long a mode is remembered, since servers are updated.
KNOWN_SECONDS = 7 * 24 * 3600.0
# How refusals call what is sent in each mode.
_NAMES = {
    "json_schema": (
        *("response_format", "response format", "json_schema", "json schema", "structured output"),
        *("structured outputs", "schema"),
    ),
    "json_object": ("response_format", "response format", "json_object", "json mode", "json"),
    "tool": (
        *("tools", "tool_choice", "tool", "tool use", "tool calling", "tool calls", "functions"),
        *("function calling", "function"),
    ),
}
_TEXT_GRAMMAR_NAMES = ("grammar", "llguidance", "lark")
_CONSTANT = "quartz-7319"
_PROBE_SCHEMA = {
    "type": "object",
    "properties": {"reply": {"type": "string", "enum": [_CONSTANT]}},
    "required": ["reply"],
    "additionalProperties": False,
}
# "JSON" has to stand in the messages where servers want that of json_object.
_PROBE_TEXT = "Answer in plain text, without JSON and without quotes, with the one word: hello"

# So many probes must break the schema before a server is said to ignore it.
_MOST_VIOLATIONS = 2
# So many requests must be refused where no `param` names the field, and so many answered before a mode is
# written down: one alone may be about its document.
_CONFIRMED = 2

# Modes by endpoint and model, for all chat models of the process.
_known: dict[tuple[str, str], str] = {}


class SchemaModes:
    """Finds and remembers the mode in which one server gets schemas for one model.

    structured (str): 'auto' to find out, or the mode to use.
    grammar_field (str): The field for a grammar; '' where the server takes none.
    store (Store | None): Where the mode is remembered for other runs.
    enforces (bool): Whether the server is known to enforce schemas, so that 'auto' needs no probe.
    """

    def __init__(
        self,
        structured: str,
        *,
        endpoint: str,
        name: str,
        grammar_field: str = "",
        store: Store | None = None,
        enforces: bool = False,
    ):
        self._fixed = structured != "auto"
        self._endpoint = endpoint
        self._name = name
        self._grammar_field = grammar_field
        self._store = store
        known = None if self._fixed or enforces else self._recall()
        self._mode = structured if self._fixed else known or MODES[0]
        self.is_decided = self._fixed or enforces or known is not None
        self._violations = 0
        self._ignored: list[str] = []
        self._refused: defaultdict[str, set[str]] = defaultdict(set)  # which requests, by mode
        self._without_text: set[str] = (
            set()
        )  # which requests, by key, go on without the grammar of their text
        self._left: dict[str, str] = {}  # by request, the mode that is left once stricter ones were refused
        self._answered: Counter[str] = Counter()
        self._may_be_remembered = False
        self._remembered = known or ""

    def mode(self, request: ChatRequest, key: str = "") -> str:
        """Find out how a request is sent.

        key (str): Which request it is; '' for a probe.
        RETURNS (str): One of MODES, or 'grammar', or 'text_grammar'.
        """
        if request.text_grammar is not None and key not in self._without_text:
            return "text_grammar"
        if request.schema is None:
            return "grammar" if request.grammar is not None and self._grammar_field else "off"
        return max(self._mode, self._left.get(key, self._mode), key=MODES.index)

    def fields(self, request: ChatRequest, mode: str, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Make the fields of a request beside model and messages.

        mode (str): How its schema or grammar is sent.
        sampling (Mapping[str, Any]): The fields from the settings, as the model takes them.
        RETURNS (dict[str, Any]): All fields, by the names that the server knows.
        """
        fields = dict(sampling)
        if "seed" in fields:
            fields["seed"] += request.sample  # else all samples would be one
        if mode == "text_grammar":
            # Beside a `response_format`, llama.cpp would leave it out without a word.
            fields["grammar"] = f"%llguidance {{}}\n{request.text_grammar}"
        elif mode == "grammar":
            fields[self._grammar_field] = request.grammar
        elif mode == "json_schema":
            schema = {"name": request.schema_name, "strict": True, "schema": request.schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif mode == "json_object":
            fields["response_format"] = {"type": "json_object"}
        elif mode == "tool":
            function = {"name": request.schema_name, "parameters": request.schema}
            fields["tools"] = [{"type": "function", "function": function}]
            fields["tool_choice"] = {"type": "function", "function": {"name": request.schema_name}}
        return fields

    def adapt(self, mode: str, key: str, error: ServerError) -> bool:
        """Learn from a refusal.

        mode (str): How the request was sent.
        key (str): Which request it is; '' for a probe.
        error (ServerError): What the server said, with status 400 or 422.
        RETURNS (bool): Whether it is to be sent again, in another mode; else the refusal isn't about the mode.
        RAISES (UserError): Where the mode was chosen in the settings, and the server takes it from nobody.
        """
        if is_too_long(error):
            return False
        if mode == "text_grammar":
            # Of a canary, what is left shows that it isn't taken; other requests go on by their schema.
            if key and not names_field(error, _TEXT_GRAMMAR_NAMES):
                return False
            self._without_text.add(key)
            return True
        if self._answered[mode]:
            return False
        if mode == "grammar":
            return self._is_grammar_refused(error)
        names = _NAMES.get(mode, ())
        if not names or not names_field(error, names):
            return False
        self._refused[mode].add(key)
        is_sure = is_field_at_fault(error, names) or len(self._refused[mode]) >= _CONFIRMED
        if self._fixed:
            if is_sure:
                raise UserError(Errors.E261.format(url=self._endpoint, mode=mode, reason=error.message))
            return False
        if is_sure:
            self._use_next(mode)
        self._left[key] = MODES[MODES.index(mode) + 1]
        return True

    def answered(self, mode: str, key: str = "") -> None:
        """Note that a request was answered which was sent in this way."""
        self._left.pop(key, None)
        self._answered[mode] += 1
        if mode == self._mode:
            self._remember()

    def _is_grammar_refused(self, error: ServerError) -> bool:
        if not names_field(error, ("grammar", *filter(None, [self._grammar_field]))):
            return False
        if self._grammar_field:
            field, self._grammar_field = self._grammar_field, ""
            warnings.warn(Warnings.W256.format(url=self._endpoint, field=field), stacklevel=2)
        return True

    def read_probe(self, reply: ChatReply) -> None:
        """Keep a mode that the server enforced in a probe, else try the next; warn where one is ignored."""
        mode = reply.mode
        if mode != self._mode:  # another request was refused meanwhile
            return
        # A reply that was cut off proves nothing: the mode is kept for now, and not remembered.
        cut = reply.finish_reason == CUT
        if cut or mode == "off" or _is_enforced(mode, reply):
            self._decide(remembered=not cut)
            return
        self._violations += 1
        if self._violations < _MOST_VIOLATIONS:
            return
        self._ignored.append(mode)
        self._use_next(mode)

    def _decide(self, *, remembered: bool) -> None:
        self.is_decided = True
        if self._ignored:
            ignored = ", ".join(self._ignored)
            shown = {"url": self._endpoint, "name": self._name, "ignored": ignored, "mode": self._mode}
            warnings.warn(Warnings.W251.format(**shown), stacklevel=2)
        self._may_be_remembered = remembered
        self._remember()

    def _use_next(self, mode: str) -> None:
        # Many requests in flight may be refused; only the first one changes the mode.
        if self._mode == mode:
            self._mode = MODES[MODES.index(mode) + 1]
            self._violations = 0
            if self._mode == "off":
                self._decide(remembered=True)

    def _recall(self) -> str | None:
        mode = _known.get((self._endpoint, self._name))
        if mode is None and self._store is not None:
            with suppress(StoreError):  # as in _remember
                mode = self._store.get_schema_mode(self._endpoint, self._name, time.time() - KNOWN_SECONDS)
        return mode if mode in MODES else None

    def _remember(self) -> None:
        proven = self.is_decided and self._may_be_remembered and self._answered[self._mode] >= _CONFIRMED
        if not proven or self._remembered == self._mode:
            return
        self._remembered = self._mode
        _known[self._endpoint, self._name] = self._mode
        # Without a store that can be written to, the next run probes again. Losing a reply gives a warning.
        with suppress(StoreError):
            if self._store is not None:
                self._store.set_schema_mode(self._endpoint, self._name, self._mode)


def make_probe() -> ChatRequest:
    """RETURNS (ChatRequest): A question whose answer shows whether a schema is enforced."""
    return ChatRequest([{"role": "user", "content": _PROBE_TEXT}], schema=_PROBE_SCHEMA, schema_name="probe")


def _is_enforced(mode: str, reply: ChatReply) -> bool:
    try:
        value = read_json(reply.content)
    except InvalidReply:
        return False
    if mode == "json_object":
        return isinstance(value, dict)
    return value == {"reply": _CONSTANT} and (mode != "tool" or reply.called_tool)
