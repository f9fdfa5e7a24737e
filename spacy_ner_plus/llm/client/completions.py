"""What servers send: chat completions and errors, read from the bytes of an answer."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.llm.requests import Usage

# How much of a page is looked at for what it says.
_PAGE = 20_000
# Stands after "the server answered 500: " and "The server says: ".
_NOTHING = "nothing more"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class NoCompletion(ValueError):
    """A response that should be a chat completion, and isn't."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A chat completion.

    content (str): The text, or the arguments of the tool that was called.
    finish_reason (str): As the server says it; '' where it doesn't.
    usage (Usage | None): Tokens, where the server counts them.
    logprobs (list[tuple[str, float]] | None): Tokens and log-probabilities, where given.
    called_tool (bool): Whether the content is a tool's arguments.
    """

    content: str
    finish_reason: str
    usage: Usage | None
    logprobs: list[tuple[str, float]] | None
    called_tool: bool


@dataclass(frozen=True, slots=True)
class ServerError:
    """What a server says about a request that it refuses or can't serve.

    message (str): For people; the beginning of the body where it isn't in a usual form.
    param (str): The field at fault, where it names one.
    code (str): Its code for the error, such as 'insufficient_quota'.
    """

    message: str
    param: str
    code: str


def read_completion(body: bytes) -> Completion:
    """Read a chat completion.

    body (bytes): Of a response with status 200.
    RETURNS (Completion): Its first choice.
    RAISES (NoCompletion): Where it is broken off, an error, or something else.
    """
    try:
        reply = json.loads(body)
        choice = reply["choices"][0]
        message = choice["message"]
        content, called_tool = _content(message)
        return Completion(
            content=_plain(content),
            finish_reason=str(choice.get("finish_reason") or ""),
            usage=_usage(reply.get("usage")),
            logprobs=_logprobs(choice.get("logprobs")),
            called_tool=called_tool,
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NoCompletion(f"the answer is no chat completion: {_beginning(body)}") from error


def read_error(body: bytes) -> ServerError:
    """RETURNS (ServerError): What the body of a response with another status says, in words in any case."""
    try:
        reply = json.loads(body)
        error = reply.get("error", reply) if isinstance(reply, dict) else reply
    except (ValueError, RecursionError):
        error = None
    if isinstance(error, str):
        return ServerError(error.strip()[:500] or _NOTHING, "", "")
    if not isinstance(error, dict):
        return ServerError(_page_text(body), "", "")
    message = error.get("message") or error.get("detail") or (_page_text(body) if error else _NOTHING)
    if not isinstance(message, str):  # a list of what is wrong with each field
        message = json.dumps(message, ensure_ascii=False)
    return ServerError(
        message.strip()[:500] or _NOTHING, str(error.get("param") or ""), str(error.get("code") or "")
    )


def _page_text(body: bytes) -> str:
    """RETURNS (str): How a body begins; of a page in HTML its title, or else its text."""
    if not body.strip():
        return _NOTHING
    text = body[:_PAGE].decode("utf8", "replace")
    if not text.lstrip().startswith("<"):
        return _beginning(body)
    title = _TITLE.search(text)
    words = " ".join(html.unescape(_TAG.sub(" ", title[1] if title else text)).split())
    return f"'{words[:200]}'" if words else _NOTHING


def _content(message: Mapping[str, Any]) -> tuple[str, bool]:
    if calls := message.get("tool_calls"):
        arguments = calls[0]["function"]["arguments"]
        return arguments if isinstance(arguments, str) else json.dumps(arguments), True
    content = message.get("content")
    if isinstance(content, list):  # parts, of which some are thoughts or pictures
        content = "".join(part["text"] for part in content if part.get("type") == "text")
    if content is None:
        content = message.get("refusal") or ""
    if not isinstance(content, str):
        raise TypeError("no text")
    return content, False


def _usage(usage: Mapping[str, Any] | None) -> Usage | None:
    if not usage or "prompt_tokens" not in usage:
        return None
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        prompt=int(usage["prompt_tokens"] or 0),
        completion=int(usage.get("completion_tokens") or 0),
        cached=int(details.get("cached_tokens") or 0),
    )


def _logprobs(logprobs: Mapping[str, Any] | None) -> list[tuple[str, float]] | None:
    if not logprobs:
        return None
    if tokens := logprobs.get("tokens"):  # the form of the older completions
        return [
            (str(token), float(value))
            for token, value in zip(tokens, logprobs["token_logprobs"], strict=True)
        ]
    return [(str(part["token"]), float(part["logprob"])) for part in logprobs.get("content") or ()] or None


def _plain(content: str) -> str:
    # Half of a surrogate pair, which JSON can hold and a Doc, a file and a database can't.
    return content.encode("utf8", "replace").decode("utf8")


def _beginning(body: bytes, length: int = 200) -> str:
    text = " ".join(body[: 2 * length].decode("utf8", "replace").split())
    return f"'{text[:length]}'" if text else "it is empty"
