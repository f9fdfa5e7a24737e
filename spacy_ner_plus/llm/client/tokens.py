"""Counting the tokens of a prompt, before a server does."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.requests import Message

# English takes about four characters a token; names, numbers and other languages fewer.
CHARACTERS_PER_TOKEN = 3.5
# Tokens that chat templates put around a message, and in front of the reply.
_PER_MESSAGE = 4
_PER_REPLY = 3


def estimate_tokens(text: str) -> int:
    """RETURNS (int): How many tokens a text has, about."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def message_tokens(messages: Sequence[Message], count: Callable[[str], int]) -> int:
    """RETURNS (int): The tokens of messages, with what chat templates put around them."""
    return sum(count(message["content"]) + _PER_MESSAGE for message in messages) + _PER_REPLY


def load_counter(tokenizer: str | None) -> Callable[[str], int]:
    """Make a function that counts the tokens of a text.

    tokenizer (str | None): A Hugging Face tokenizer.json, or the folder of one; None to estimate.
    RAISES (UserError): Where there is no such tokenizer.
    """
    if tokenizer is None:
        return estimate_tokens
    from tokenizers import Tokenizer

    path = Path(tokenizer).expanduser()
    path = path / "tokenizer.json" if path.is_dir() else path
    try:
        loaded = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise UserError(Errors.E268.format(path=path, reason=error)) from error
    loaded.no_truncation()
    return lambda text: len(loaded.encode(text, add_special_tokens=False).ids)
