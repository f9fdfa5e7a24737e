"""Which of the usual fields a model takes: those that it refuses are left out, or sent in another way."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from spacy_ner_plus.errors import Warnings
from spacy_ner_plus.llm.client.completions import ServerError
from spacy_ner_plus.llm.client.endpoint.refusals import is_too_long, names_field
from spacy_ner_plus.llm.requests import Message

_TOKENS = ("max_tokens", "max_completion_tokens")
_SYSTEM = (
    "system",
    "system role",
    "system message",
    "system prompt",
    "system instruction",
    "developer instruction",
)
# How a refused role is named by `param`.
_ROLE = "messages"


class AcceptedFields:
    """Learns from refusals what one model wants to get. What it took once is no more taken for refused.

    url (str): The server, for messages.
    name (str): The model, for messages.
    """

    def __init__(self, *, url: str, name: str):
        self._shown = {"url": url, "name": name}
        self._tokens_fields = list(_TOKENS)
        self._takes_temperature = True
        self._takes_system = True
        self._taken: set[str] = set()

    def replied(self, fields: Mapping[str, Any], messages: Sequence[Message]) -> None:
        """Note that the model answered, and so takes these fields and roles."""
        self._taken.update(fields, (message["role"] for message in messages))

    def fields(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): The fields from the settings, as the model takes them."""
        fields = dict(sampling)
        if "max_tokens" in fields and self._tokens_fields[:1] != ["max_tokens"]:
            most = fields.pop("max_tokens")
            if self._tokens_fields:
                fields.setdefault(self._tokens_fields[0], most)
        if not self._takes_temperature:
            fields.pop("temperature", None)
        return fields

    def messages(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        """RETURNS (list[dict[str, str]]): Messages as the model takes them, maybe with the system's in the user's."""
        sent = [dict(message) for message in messages]
        if self._takes_system or not sent or sent[0]["role"] != "system":
            return sent
        system, *rest = sent
        if rest and rest[0]["role"] == "user":
            rest[0]["content"] = f"{system['content']}\n\n{rest[0]['content']}"
            return rest
        return [{**system, "role": "user"}, *rest]

    def adapt(self, fields: Mapping[str, Any], messages: Sequence[Message], error: ServerError) -> bool:
        """Learn from a refusal.

        fields (Mapping[str, Any]): Of the refused request.
        messages (Sequence[Message]): Of the refused request.
        error (ServerError): What the server said, with status 400 or 422.
        RETURNS (bool): Whether the request is to be sent again, in another form.
        """
        if is_too_long(error):
            return False
        refusable = fields.keys() - self._taken
        for name in _TOKENS:
            if name in refusable and names_field(error, (name,)):
                if name in self._tokens_fields:
                    self._tokens_fields.remove(name)
                return True
        if "temperature" in refusable and names_field(error, ("temperature",)):
            if self._takes_temperature:
                self._takes_temperature = False
                warnings.warn(Warnings.W260.format(value=fields["temperature"], **self._shown), stacklevel=2)
            return True
        has_system = bool(messages) and messages[0]["role"] == "system"
        if has_system and "system" not in self._taken and self._is_system_refused(error):
            self._takes_system = False
            return True
        return False

    def _is_system_refused(self, error: ServerError) -> bool:
        if error.param and not error.param.startswith(_ROLE):
            return False
        return names_field(ServerError(error.message, "", error.code), _SYSTEM)
