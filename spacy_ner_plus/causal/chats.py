"""Chats as tokens: what is asked, and the answer that is learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spacy_ner_plus.causal.chat_template import Chat, ChatTemplate
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOO_LONG = "chat with more tokens than fit: left out"
NO_ANSWER = "chat whose last message isn't an answer of the assistant, or is empty: left out"
NO_TEXT = "chat whose answer holds a special token of the base, which no answer can: left out"
_SHOWN = 60
_THOUGHT, _END = "<think>", "</think>"


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
    return encode_prompts(tokenizer, [messages])[0]


def encode_prompts(tokenizer: "PreTrainedTokenizerBase", chats: Sequence[Chat]) -> list[Tokens]:
    """RETURNS (list[Tokens]): What a server sends a model that is to answer, of each chat."""
    template = ChatTemplate(tokenizer)
    return [Tokens(tuple(_ids(tokenizer, template.prompt(messages)))) for messages in chats]


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
    template = ChatTemplate(tokenizer)
    special = set(tokenizer.all_special_ids)
    for number, messages in enumerate(chats, start=1):
        where = f"chat {number}"
        shown = str(messages[-2].get("content", "") if len(messages) > 1 else "")[:_SHOWN]
        if not has_answer(messages):
            left_out.add(NO_ANSWER, shown, where)
            continue
        if special & set(_ids(tokenizer, messages[-1]["content"])):
            left_out.add(NO_TEXT, messages[-1]["content"][:_SHOWN], where)
            continue
        tokens = _encode(tokenizer, template, special, messages)
        if len(tokens) > max_length:
            left_out.add(TOO_LONG, f"{shown!r}, {len(tokens):,} tokens of {max_length:,}", where)
            continue
        found.append(tokens)
    if not found:
        reasons = ", ".join(f"{issue.count:,}: {kind}" for kind, issue in left_out) or "there were none"
        raise UserError(Errors.E905.format(reasons=reasons))
    return found


def begins_to_think(prompt: str) -> bool:
    """RETURNS (bool): Whether a template ends a prompt as R1's does: what comes before the end of the thought is no
    answer to llama.cpp."""
    return prompt.rstrip().endswith(_THOUGHT)


def without_thought(reply: str) -> str:
    """RETURNS (str): What a server gives of a reply, where the prompt had begun to think."""
    ended = reply.lstrip()
    return ended.removeprefix(_END).lstrip() if ended.startswith(_END) else reply


def has_answer(messages: Chat) -> bool:
    """RETURNS (bool): Whether a chat ends with an answer to something."""
    last = messages[-1] if messages else {}
    return (
        len(messages) > 1 and last.get("role") == "assistant" and bool(str(last.get("content") or "").strip())
    )


def _encode(
    tokenizer: "PreTrainedTokenizerBase", template: ChatTemplate, special: set[int], messages: Chat
) -> Tokens:
    content = messages[-1]["content"]
    prompt = template.prompt(messages[:-1])
    whole = template.whole(messages)
    asked = _ids(tokenizer, prompt)
    if whole.startswith(prompt):
        rest = whole[len(prompt) :]
        head, _, tail = rest.partition(content.strip())
        if special & set(_ids(tokenizer, head)) or _THOUGHT in head:
            # A template without a prompt for answers: the server sends none, and so the answer begins at once. And
            # an empty thought in front of it, as Qwen3's has it, is what a grammar of replies doesn't let through.
            told = _ids(tokenizer, content.strip() + tail)
        else:
            both = _ids(tokenizer, whole)
            # Where a piece goes over the boundary, the answer begins as it does when it is written after the prompt.
            told = both[len(asked) :] if both[: len(asked)] == asked else _ids(tokenizer, rest)
    elif begins_to_think(prompt):
        told = _ids(tokenizer, f"\n{_END}\n\n{content}")
    else:
        told = _ids(tokenizer, content)
    end = tokenizer.eos_token_id
    told = [*told[: told.index(end) if end in told else len(told)], end]
    return Tokens(tuple(asked), tuple(told))


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False).input_ids


def shared_prefix(chats: Sequence[Tokens]) -> int:
    """RETURNS (int): How many tokens all prompts begin with; at least one of each prompt is left."""
    first, last = min(chat.prompt for chat in chats), max(chat.prompt for chat in chats)
    longest = min(len(chat.prompt) for chat in chats) - 1
    same = 0
    while same < longest and first[same] == last[same]:
        same += 1
    return same
