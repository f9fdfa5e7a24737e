"""A request, its reply, and one re-ask where the reply can't be read: a generator that sends nothing itself."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Generic, TypeVar

from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, InvalidReply, Outcome, ReplyStatus

T = TypeVar("T")
# The message about a reply that can't be used.
RE_ASK = (
    "That reply can't be used: {reason}. Answer once more, in the form that was asked for, with nothing else."
)


# What servers say of a reply that ended at the limit of tokens.
_CUT = "length"


class NoReply(Exception):
    """A request that got no reply in the end. The text says why."""


class ReplyReader(Generic[T]):
    """Reads the replies to one request, each once.

    read (Callable): Makes a value of a reply, or raises InvalidReply. What it repaired, if anything, is in
        the value's `repairs`.
    max_tokens (int): At which replies are cut, for the reason why one is invalid.
    """

    def __init__(self, read: Callable[[ChatReply], T], max_tokens: int):
        self._read = read
        self._max_tokens = max_tokens
        self._last: tuple[str, str] | None = None
        self._value: T | None = None
        self._error: Exception | None = None

    def value(self, reply: ChatReply) -> T:
        """RETURNS (T): What a reply says.

        RAISES (InvalidReply): Where it can't be read, or was cut.
        """
        self._read_once(reply)
        if self._error is not None:
            raise self._error
        return self._value

    def status(self, reply: ChatReply) -> ReplyStatus:
        """RETURNS (ReplyStatus): What could be read from a reply; 'unread' where reading it failed otherwise."""
        self._read_once(reply)
        if reply.finish_reason == _CUT:
            return ReplyStatus.CUT
        if self._error is not None:
            is_invalid = isinstance(self._error, InvalidReply)
            return ReplyStatus.INVALID if is_invalid else ReplyStatus.UNREAD
        repairs = getattr(self._value, "repairs", None)
        return ReplyStatus.REPAIRED if repairs is not None and len(repairs) else ReplyStatus.VALID

    def _read_once(self, reply: ChatReply) -> None:
        if self._last == (reply.content, reply.finish_reason):
            return
        self._last = (reply.content, reply.finish_reason)
        self._value = self._error = None
        try:
            if reply.finish_reason == _CUT:
                raise InvalidReply(f"it is cut off at the limit of {self._max_tokens} tokens")
            self._value = self._read(reply)
        except Exception as error:  # noqa: BLE001 - raised again by whoever asks for the value
            self._error = error


def ask_and_reask(
    request: ChatRequest, reader: ReplyReader[T]
) -> Generator[ChatRequest, ChatReply, Outcome[T]]:
    """Ask, and once more where the reply is invalid.

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
            return Outcome(reader.value(replies[-1]), replies=tuple(replies))
        except InvalidReply as error:
            reason = str(error) or "it isn't in the form that was asked for"
            request = _ask_again(request, replies[-1], reason)
    return Outcome(None, reason, "invalid", tuple(replies))


def _ask_again(request: ChatRequest, reply: ChatReply, reason: str) -> ChatRequest:
    turns = [
        # Some servers refuse an empty message.
        {"role": "assistant", "content": reply.content or "(empty)"},
        {"role": "user", "content": RE_ASK.format(reason=reason.rstrip("."))},
    ]
    return replace(request, messages=[*request.messages, *turns])
