"""A request, its reply, and one re-ask where the reply can't be read: a generator that sends nothing itself."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TypeVar

from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, InvalidReply, Outcome

T = TypeVar("T")
# The message about a reply that can't be used.
RE_ASK = (
    "That reply can't be used: {reason}. Answer once more, in the form that was asked for, with nothing else."
)


class NoReply(Exception):
    """A request that got no reply in the end. The text says why."""


def ask_and_reask(
    request: ChatRequest, read: Callable[[ChatReply], T], max_tokens: int
) -> Generator[ChatRequest, ChatReply, Outcome[T]]:
    """Ask, and once more where the reply is invalid.

    read (Callable): Makes a value of a reply, or raises InvalidReply.
    max_tokens (int): At which replies are cut, for the reason why one is invalid.
    YIELDS (ChatRequest): What to send next; the reply is sent in, or NoReply thrown.
    RETURNS (Outcome[T]): What came of it.
    """
    replies: list[ChatReply] = []
    reason = ""
    for _ in range(2):
        try:
            replies.append((yield request))
        except NoReply as failure:
            failed = f"{failure}, asked again since {reason}" if reason else str(failure)
            return Outcome(None, failed, "transport", tuple(replies))
        try:
            return Outcome(_read_whole(replies[-1], read, max_tokens), replies=tuple(replies))
        except InvalidReply as error:
            reason = str(error) or "it isn't in the form that was asked for"
            request = _ask_again(request, replies[-1], reason)
    return Outcome(None, reason, "invalid", tuple(replies))


def _read_whole(reply: ChatReply, read: Callable[[ChatReply], T], max_tokens: int) -> T:
    if reply.finish_reason == "length":
        raise InvalidReply(f"it is cut off at the limit of {max_tokens} tokens")
    return read(reply)


def _ask_again(request: ChatRequest, reply: ChatReply, reason: str) -> ChatRequest:
    turns = [
        # Some servers refuse an empty message.
        {"role": "assistant", "content": reply.content or "(empty)"},
        {"role": "user", "content": RE_ASK.format(reason=reason.rstrip("."))},
    ]
    return replace(request, messages=[*request.messages, *turns])
