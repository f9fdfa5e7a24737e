"""A request to a chat model, its reply, and the outcome, as plain data."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

Message = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One prompt.

    messages (Sequence[Message]): Each with `role` and `content`.
    schema (Mapping[str, Any] | None): JSON schema that the reply must follow; None for free text.
    schema_name (str): The name under which the schema is sent; letters, digits, '_' and '-'.
    grammar (str | None): GBNF grammar for servers that take one, for formats that are no JSON.
    sample (int): Which of several samples of the same prompt this is, from 0.
    text_grammar (str | None): Lark's source of the grammar that holds the reply to its text, for llama.cpp with
        llguidance, where it is sent in place of schema and grammar. A part of the request's key where there is one.
    snapshot (int | None): The position of the store from which its examples were taken; None where they weren't. It
        isn't sent, and is a part of the request's key.
    """

    messages: Sequence[Message]
    schema: Mapping[str, Any] | None = None
    schema_name: str = "entities"
    grammar: str | None = None
    sample: int = 0
    snapshot: int | None = None
    text_grammar: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one reply took.

    prompt (int): Tokens of the prompt.
    completion (int): Tokens of the reply.
    cached (int): Tokens of the prompt that the server had cached.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0


class ReplyStatus(StrEnum):
    """What could be read from a reply when it came.

    UNREAD: It wasn't looked at, as in stores of earlier versions.
    VALID: An answer in the form that was asked for.
    REPAIRED: An answer, once its form was mended.
    INVALID: No answer.
    CUT: It ended at the limit of tokens.
    """

    UNREAD = ""
    VALID = "valid"
    REPAIRED = "repaired"
    INVALID = "invalid"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class GatewayIds:
    """What a gateway that samples among variants of its own says of a reply.

    gateway (str): Which one it is, such as 'tensorzero'.
    inference (str): Its id of the reply, to which feedback is given.
    episode (str): Its id of what the reply is a part of.
    variant (str): Which of its variants answered; where one failed, that is another one than was sampled.
    """

    gateway: str
    inference: str
    episode: str
    variant: str


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A reply that arrived.

    content (str): Its text as the server sent it.
    finish_reason (str): 'stop', 'length', 'content_filter', 'refusal', or what else the server says; '' for nothing.
    usage (Usage): Tokens.
    seconds (float): From sending to the end of the reply.
    logprobs (Sequence[tuple[str, float]] | None): Token and log-probability in order, where given.
    mode (str): How the schema was sent: 'json_schema', 'json_object', 'tool', 'grammar', 'text_grammar' or
        'off'.
    key (str): The request's SHA-256, under which it is stored.
    stored (bool): Whether it comes from the store.
    status (ReplyStatus): What could be read from it when it came.
    called_tool (bool): Whether the text is what a tool was called with; not kept.
    gateway (GatewayIds | None): Under which ids a gateway knows it, where one of its variants answered.
    """

    content: str
    finish_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    logprobs: Sequence[tuple[str, float]] | None = None
    mode: str = "off"
    key: str = ""
    stored: bool = False
    status: ReplyStatus = ReplyStatus.UNREAD
    called_tool: bool = False
    gateway: GatewayIds | None = None


class InvalidReply(ValueError):
    """A reply that can't be read as its format. The message says why, and is shown to the model once.

    is_final (bool): Whether asking again is of no use, as after a server's content filter.
    """

    def __init__(self, reason: str, *, is_final: bool = False):
        super().__init__(reason)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A request, and how its reply is read.

    read (Callable): Makes a value of a reply, or raises InvalidReply, upon which the model is asked once more.
        What it repaired, if anything, is in the value's `repairs`.
    is_divisible (bool): Whether less can be asked for, so that a reply that was cut isn't asked for again.
    lacks (Callable | None): How much of an answer a value lacks, and why, for people; (0, '') where that is no reason
        to ask once more.
    read_cut (Callable | None): Makes a value of what a reply that was cut holds completely, where there is no better
        one in the end, or raises InvalidReply.
    """

    request: ChatRequest
    read: Callable[[ChatReply], T]
    is_divisible: bool = False
    lacks: Callable[[T], tuple[int, str]] | None = None
    read_cut: Callable[[ChatReply], T] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked, with the replies to it in order: the first, and that to the re-ask."""

    request: ChatRequest
    replies: Sequence[ChatReply] = ()


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What came of a question, or of several, in the end: a value, or the reason why there is none.

    value (T | None): What was read from the replies; None where that failed.
    failure (str): Why there is no value, or no more of one, for people; '' where there is one.
    kind (str): '' for a value, 'partial' for what a reply that was cut holds completely, 'invalid' for replies that
        stayed invalid, 'cut' for one that ended at the limit of tokens where less can be asked for, 'transport' for
        requests that got no reply.
    asked (Sequence[Asked]): What was asked, in order.
    """

    value: T | None
    failure: str = ""
    kind: str = ""
    asked: Sequence[Asked] = ()

    @property
    def replies(self) -> tuple[ChatReply, ...]:
        """RETURNS (tuple[ChatReply, ...]): All replies, in order."""
        return tuple(reply for asked in self.asked for reply in asked.replies)


# Several questions that belong together, such as about the parts of a text. It yields those that may be asked
# at the same time, is sent what came of each, and returns what they come to. It sends nothing itself.
Dialogue = Generator[Sequence[Question[Any]], Sequence[Outcome[Any]], T]
