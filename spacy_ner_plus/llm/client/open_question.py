"""A question, its reply, and one more question where that can't be read. It sends nothing itself."""

from collections.abc import Sized
from dataclasses import replace
from typing import Generic, TypeVar

from spacy_ner_plus.llm.client.call import NoReply
from spacy_ner_plus.llm.finish_reasons import BROKEN, CUT
from spacy_ner_plus.llm.requests import (
    Asked,
    ChatReply,
    ChatRequest,
    InvalidReply,
    Outcome,
    Question,
    ReplyStatus,
)

T = TypeVar("T")
# The message about a reply that can't be used.
RE_ASK = (
    "That reply can't be used: {reason}. Answer once more, in the form that was asked for, with nothing else."
)


class OpenQuestion(Generic[T]):
    """Holds the request to be sent next, until there is an outcome.

    question (Question[T]): What is asked, and how its replies are read.
    max_tokens (int): At which replies are cut, for the reason why one is.
    request (ChatRequest): What is to be sent next.
    outcome (Outcome[T] | None): What came of it in the end.
    is_again (bool): Whether it is to be sent although its reply is stored.
    """

    def __init__(self, question: Question[T], max_tokens: int):
        self.request = question.request
        self.outcome: Outcome[T] | None = None
        self.is_again = False
        self._question = question
        self._max_tokens = max_tokens
        self._replies: list[ChatReply] = []
        self._reason = ""
        self._read: tuple[str, str] | None = None
        self._value: T | None = None
        self._short: tuple[int, T] | None = (
            None  # what the first reply says, if that isn't all, and what it lacks
        )
        self._error: Exception | None = None

    @property
    def is_second(self) -> bool:
        """RETURNS (bool): Whether the next request asks again."""
        return bool(self._replies)

    @property
    def is_settled(self) -> bool:
        """RETURNS (bool): Whether no reply that may be stored can say more.

        Earlier versions asked again where a reply was cut: what came of that is as good as the parts.
        """
        return self.outcome is not None and (self.outcome.kind != "cut" or len(self._replies) == 2)

    def begin_again(self) -> None:
        """Forget what came, and ask although it is stored."""
        self.request, self.outcome, self.is_again = self._question.request, None, True
        self._replies, self._reason, self._short = [], "", None

    def leave_grammar_out(self) -> None:
        """Go on without the grammar of the text, which the server doesn't hold."""
        self._question = replace(self._question, request=without_text_grammar(self._question.request))
        self.request = without_text_grammar(self.request)

    def take(self, answer: ChatReply | NoReply) -> None:
        """Take what came of the request.

        answer (ChatReply | NoReply): The reply, or why there is none.
        """
        if isinstance(answer, NoReply):
            if self._short is not None:
                self._end(self._short[1])
                return
            reason = f"{answer.reason}, asked again since {self._reason}" if self._reason else answer.reason
            can_halve = answer.is_too_long and self._question.is_divisible
            self._end(None, reason, "cut" if can_halve else "transport")
            return
        self._replies.append(answer)
        self._read_once(answer)
        if self._error is None:
            self._take_value(answer, self._value)
        elif not isinstance(self._error, InvalidReply):
            raise self._error
        elif self._short is not None:
            self._end(self._short[1])
        else:
            self._reason = str(self._error) or "it isn't in the form that was asked for"
            is_last = self._error.is_final or len(self._replies) == 2
            if self._question.is_divisible and any(reply.finish_reason == CUT for reply in self._replies):
                self._end(None, self._reason, "cut")
            elif is_last:
                value = self._read_cut()
                self._end(value, self._reason, "invalid" if value is None else "partial")
            if not is_last:
                self.request = _ask_again(self.request, answer, self._reason)

    def _take_value(self, reply: ChatReply, value: T) -> None:
        lacking, reason = self._lacks(reply, value)
        if not lacking:
            self._end(value)
        elif len(self._replies) == 1:
            self._short, self._reason = (lacking, value), reason
            self.request = _ask_again(self.request, reply, reason)
        else:
            is_less = self._short is not None and self._short[0] <= lacking
            self._end(self._short[1] if is_less else value)

    def _lacks(self, reply: ChatReply, value: T) -> tuple[int, str]:
        # What was an answer when it was kept stays one.
        was_answer = reply.stored and reply.status not in (ReplyStatus.INVALID, ReplyStatus.CUT)
        return (0, "") if was_answer or self._question.lacks is None else self._question.lacks(value)

    def status(self, reply: ChatReply) -> ReplyStatus:
        """RETURNS (ReplyStatus): What could be read from a reply; 'unread' where reading it failed otherwise."""
        self._read_once(reply)
        if reply.finish_reason == CUT:
            return ReplyStatus.CUT
        if self._error is not None:
            is_invalid = isinstance(self._error, InvalidReply)
            return ReplyStatus.INVALID if is_invalid else ReplyStatus.UNREAD
        if self._lacks(reply, self._value)[0]:
            return ReplyStatus.INVALID
        repairs = getattr(self._value, "repairs", None)
        return ReplyStatus.REPAIRED if repairs is not None and len(repairs) else ReplyStatus.VALID

    def reason(self, reply: ChatReply) -> str:
        """RETURNS (str): Why a reply can't be read; '' where it can."""
        self._read_once(reply)
        return "" if self._error is None else str(self._error)

    def _read_once(self, reply: ChatReply) -> None:
        if self._read == (reply.content, reply.finish_reason):
            return
        self._read = (reply.content, reply.finish_reason)
        self._value = self._error = None
        try:
            if reply.finish_reason == CUT:
                raise InvalidReply(f"it is cut off at the limit of {self._max_tokens} tokens")
            if reply.finish_reason == BROKEN:  # of a store that keeps it from an earlier version
                raise InvalidReply("the server broke it off")
            self._value = self._question.read(reply)
        except Exception as error:  # noqa: BLE001 - raised again when the reply is taken
            self._error = error

    def _read_cut(self) -> T | None:
        """RETURNS (T | None): What replies that were cut hold completely: the first one's, unless the second one's is
        more."""
        read_cut, best, most = self._question.read_cut, None, -1
        for reply in self._replies if read_cut else ():
            if reply.finish_reason != CUT:
                continue
            try:
                value = read_cut(reply)
            except InvalidReply:
                continue
            size = len(value) if isinstance(value, Sized) else 0
            if size > most:
                best, most = value, size
        return best

    def _end(self, value: T | None, failure: str = "", kind: str = "") -> None:
        asked = Asked(self._question.request, tuple(self._replies))
        self.outcome = Outcome(value, failure, kind, (asked,))


def without_text_grammar(request: ChatRequest) -> ChatRequest:
    """RETURNS (ChatRequest): A request as servers get it that hold no reply to its text."""
    return request if request.text_grammar is None else replace(request, text_grammar=None)


def _ask_again(request: ChatRequest, reply: ChatReply, reason: str) -> ChatRequest:
    turns = [
        # Some servers refuse an empty message.
        {"role": "assistant", "content": reply.content or "(empty)"},
        {"role": "user", "content": RE_ASK.format(reason=reason.rstrip("."))},
    ]
    return replace(request, messages=[*request.messages, *turns])
