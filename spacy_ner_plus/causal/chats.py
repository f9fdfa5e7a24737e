"""Chats as tokens: what is asked, and the answer that is learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Chat = Sequence[Mapping[str, str]]
TOO_LONG = "chat with more tokens than fit: left out"
NO_ANSWER = "chat whose last message isn't an answer of the assistant, or is empty: left out"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Tokens:
    """A chat.

    prompt (tuple[int, ...]): All before the answer.
    answer (tuple[int, ...]): The answer and what ends it; () where it isn't known.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.prompt) + len(self.answer)


def encode_prompt(tokenizer: "PreTrainedTokenizerBase", messages: Chat) -> Tokens:
    """RETURNS (Tokens): What a server sends a model that is to answer."""
    return Tokens(tuple(_ids(tokenizer, _render(tokenizer, messages, is_prompt=True))))


def encode_chats(
    tokenizer: "PreTrainedTokenizerBase", chats: Sequence[Chat], *, max_length: int, left_out: IssueLog
) -> list[Tokens]:
    """Encode chats by the model's template.

    chats (Sequence[Chat]): Messages with `role` and `content`; the last is the assistant's.
    max_length (int): Longer ones are left out.
    left_out (IssueLog): Where what is left out is counted.
    RETURNS (list[Tokens]): In order.
    RAISES (UserError): Where the template can't render one, or none is left.
    """
    found = []
    for number, messages in enumerate(chats, start=1):
        last = messages[-1] if messages else {}
        shown = str(messages[-2].get("content", "") if len(messages) > 1 else "")[:_SHOWN]
        if len(messages) < 2 or last.get("role") != "assistant" or not str(last.get("content") or "").strip():
            left_out.add(NO_ANSWER, shown, f"chat {number}")
            continue
        tokens = _encode(tokenizer, messages)
        if len(tokens) > max_length:
            left_out.add(TOO_LONG, f"{shown!r}, {len(tokens):,} tokens of {max_length:,}", f"chat {number}")
            continue
        found.append(tokens)
    if not found:
        reasons = ", ".join(f"{issue.count:,}: {kind}" for kind, issue in left_out) or "there were none"
        raise UserError(Errors.E905.format(reasons=reasons))
    return found


def _encode(tokenizer: "PreTrainedTokenizerBase", messages: Chat) -> Tokens:
    prompt = _render(tokenizer, messages[:-1], is_prompt=True)
    whole = _render(tokenizer, messages, is_prompt=False)
    asked = _ids(tokenizer, prompt)
    if whole.startswith(prompt):
        both = _ids(tokenizer, whole)
        # Where a piece goes over the boundary, the answer begins as it does when it is written after the prompt.
        told = both[len(asked) :] if both[: len(asked)] == asked else _ids(tokenizer, whole[len(prompt) :])
    else:
        told = _ids(tokenizer, str(messages[-1]["content"]))
    end = tokenizer.eos_token_id
    told = [*told[: told.index(end) if end in told else len(told)], end]
    return Tokens(tuple(asked), tuple(told))


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False).input_ids


def _render(tokenizer: "PreTrainedTokenizerBase", messages: Chat, *, is_prompt: bool) -> str:
    from jinja2 import TemplateError

    given: list[Any] = [dict(message) for message in messages]
    try:
        return tokenizer.apply_chat_template(given, tokenize=False, add_generation_prompt=is_prompt)
    except TemplateError as error:
        raise UserError(Errors.E906.format(reason=error)) from error


def shared_prefix(chats: Sequence[Tokens]) -> int:
    """RETURNS (int): How many tokens all prompts begin with; at least one of each prompt is left."""
    first, last = min(chat.prompt for chat in chats), max(chat.prompt for chat in chats)
    longest = min(len(chat.prompt) for chat in chats) - 1
    same = 0
    while same < longest and first[same] == last[same]:
        same += 1
    return same
