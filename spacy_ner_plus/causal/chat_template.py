"""How a base is asked: its chat template, filled in as llama.cpp's server does, which asks the model in use."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Chat = Sequence[Mapping[str, str]]
# Words that no template has of its own.
_SYSTEM, _USER = "snp0system", "snp0user"


class ChatTemplate:
    """Writes chats as a model reads them.

    tokenizer (PreTrainedTokenizerBase): With the template.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase"):
        self._tokenizer = tokenizer
        self._first = _first_token(tokenizer)
        self._has_system = self._takes_system()

    def prompt(self, messages: Chat) -> str:
        """RETURNS (str): What the model is sent so that it answers.
        RAISES (UserError): Where the template can't write it."""
        return self._write(messages, is_prompt=True)

    def whole(self, messages: Chat) -> str:
        """RETURNS (str): A chat with its last answer.
        RAISES (UserError): Where the template can't write it."""
        return self._write(messages, is_prompt=False)

    def _write(self, messages: Chat, *, is_prompt: bool) -> str:
        from jinja2 import TemplateError

        given = [dict(message) for message in messages]
        if not self._has_system:
            given = _without_system(given)
        try:
            text = self._render(given, is_prompt=is_prompt)
        except (TemplateError, TypeError, ValueError) as error:
            raise UserError(Errors.E906.format(reason=str(error).rstrip("."))) from error
        # llama.cpp adds what begins a text where the tokenizer does, and once alone.
        return text if text.startswith(self._first) else self._first + text

    def _takes_system(self) -> bool:
        """RETURNS (bool): Whether the template has a place for a system message. Gemma's and the first Mistral's
        refuse one, and others leave it out without a word."""
        from jinja2 import TemplateError

        probe = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _USER}]
        try:
            return _SYSTEM in self._render(probe, is_prompt=True)
        except (TemplateError, TypeError, ValueError):
            return False

    def _render(self, messages: list[dict[str, Any]], *, is_prompt: bool) -> str:
        return self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=is_prompt)


def _without_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """RETURNS (list[dict[str, Any]]): With the system message in the one after it, as llama.cpp has it then."""
    if len(messages) < 2 or messages[0].get("role") != "system":
        return messages
    system, first, *others = messages
    return [{**first, "content": f"{system['content']}\n{first['content']}"}, *others]


def _first_token(tokenizer: "PreTrainedTokenizerBase") -> str:
    """RETURNS (str): What the tokenizer puts before every text; '' for nothing."""
    first = tokenizer.bos_token_id
    return tokenizer.bos_token if first is not None and tokenizer("a").input_ids[0] == first else ""
