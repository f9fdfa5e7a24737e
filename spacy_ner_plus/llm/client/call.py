"""A request on its way through the layers, and what comes back where there is no reply."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, ReplyStatus, Usage


def _unread(reply: ChatReply) -> ReplyStatus:
    return ReplyStatus.UNREAD


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A request, with what the layers need to know of it.

    sampling (Mapping[str, Any]): The fields from the settings.
    key (str): Under which its reply is stored; '' for a probe, whose reply isn't.
    canonical (str): The form from which the key is made.
    status (Callable): Says what can be read from a reply.
    again (bool): Whether to ask although a reply is stored.
    seconds (float): How long an attempt may take.
    find (Callable): Looks for a reply that another process has stored meanwhile.
    asked (float): When it was asked for, by time.monotonic().
    """

    request: ChatRequest
    sampling: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    canonical: str = ""
    status: Callable[[ChatReply], ReplyStatus] = _unread
    again: bool = False
    seconds: float = 0.0
    find: Callable[[], ChatReply | None] = _nothing
    asked: float = field(default_factory=time.monotonic)


class Cause(StrEnum):
    """Why an attempt has no reply.

    REFUSED: The server refuses this request, whenever it is sent.
    FORM: It refuses fields that the next attempt doesn't send any more.
    FAILED: It failed, and may succeed with the next attempt.
    EMPTY: It answered with nothing.
    LIMIT: It takes no more requests for now.
    DOWN: It can't be reached.
    UPSTREAM: It is starting, or what is behind it can't be reached.
    SLOW: There was no answer in time.
    BROKEN: The connection broke.
    """

    REFUSED = "refused"
    FORM = "form"
    FAILED = "failed"
    EMPTY = "empty"
    LIMIT = "limit"
    DOWN = "down"
    UPSTREAM = "upstream"
    SLOW = "slow"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class NoReply:
    """What comes of a request in place of a reply.

    reason (str): Why there is none, for people, without secrets.
    is_alone (bool): Whether it surely is for the sake of this request, and says nothing of others.
    wait (float | None): Seconds that the server asks to wait, if it says so.
    seconds (float): What the attempt took.
    usage (Usage | None): What the server counted all the same.
    counts (bool): Whether the attempt counts against the request, and not against the server alone.
    is_too_long (bool): Whether a shorter text might get one.
    """

    reason: str
    cause: Cause = Cause.REFUSED
    is_alone: bool = False
    wait: float | None = None
    seconds: float = 0.0
    usage: Usage | None = None
    counts: bool = True
    is_too_long: bool = False


class Layer(Protocol):
    """Whatever answers calls: a server, or a layer around another one."""

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """Get a reply.

        RETURNS (ChatReply | NoReply): The reply, or why there is none for this request.
        RAISES (UserError): Where there would be none for any request.
        """
        ...
