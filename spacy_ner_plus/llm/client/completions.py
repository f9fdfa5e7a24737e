"""What servers send: chat completions and errors, read from the bytes of an answer."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.llm.finish_reasons import BROKEN, CUT, WHOLE, read_finish_reason
from spacy_ner_plus.llm.formats.json_replies import strip_reply
from spacy_ner_plus.llm.requests import GatewayIds, Usage

# How much of a page is looked at for what it says.
_PAGE = 20_000
# More than any model takes; a count above it is none.
_MOST_TOKENS = 10**9
_DRAFT = re.compile(r"""[{\[]\s*+["'{\[\]}]""")
# Stands after "the server answered 500: " and "The server says: ".
_NOTHING = "nothing more"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
# What TensorZero's gateway calls the model of a reply, where a variant of a function answered.
_TENSORZERO = re.compile(r"tensorzero::function_name::.+::variant_name::(?P<variant>.+)", re.DOTALL)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class NoCompletion(ValueError):
    """A response that should be a chat completion, and isn't."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A chat completion.

    content (str): The text, or the arguments of the tool that was called.
    finish_reason (str): As `read_finish_reason` has it, or 'refusal'; '' where the server says nothing.
    usage (Usage | None): Tokens, where the server counts them.
    logprobs (list[tuple[str, float]] | None): Tokens and log-probabilities, where given.
    called_tool (bool): Whether the content is a tool's arguments.
    gateway (GatewayIds | None): Under which ids a gateway knows it.
    """

    content: str
    finish_reason: str
    usage: Usage | None
    logprobs: list[tuple[str, float]] | None
    called_tool: bool
    gateway: GatewayIds | None = None


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


def read_completion(body: bytes, *, limit: int | None = None) -> Completion:
    """Read a chat completion.

    The answer may stand in the message's content, a text or a list of parts; in the arguments of a tool or
    function that it calls; or, where all of these are empty, in its reasoning, which is where some servers put
    all that a model writes. Counts of tokens and probabilities that can't be read are left out.

    body (bytes): Of a response with status 200.
    limit (int | None): Tokens at which the request had the reply cut. One of exactly so many was, though the server may
        say that it came to its end.
    RETURNS (Completion): Its first choice. The finish reason 'refusal' says that the content is one.
    RAISES (NoCompletion): Where it is broken off, an error of a server behind this one, or something else.
    """
    try:
        reply = json.loads(body)
        error = _error_in(reply)
        if not error:
            choice = reply["choices"][0]
            usage = _usage(reply.get("usage"))
            reason = read_finish_reason(choice.get("finish_reason") or "")
            if reason in (WHOLE, "") and limit and usage is not None and usage.completion == limit:
                reason = CUT
            content, called_tool, refused = _content(choice["message"], is_whole=reason != CUT)
            return Completion(
                content=_plain(content),
                finish_reason="refusal" if refused else reason,
                usage=usage,
                logprobs=_logprobs(choice.get("logprobs")),
                called_tool=called_tool,
                gateway=_gateway(reply),
            )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise NoCompletion(f"the answer is no chat completion: {_beginning(body)}") from error
    raise NoCompletion(f"the answer is no chat completion, but an error: {error}")


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


def _error_in(reply: Mapping[str, Any]) -> str:
    """What a gateway says of the server behind it, with status 200 all the same; '' where it says nothing."""
    error = reply.get("error")
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not error and isinstance(choice, dict):
        said = choice.get("finish_reason")
        error = choice.get("error") or (
            read_finish_reason(said) == BROKEN and f"finish_reason is '{str(said)[:50]}'"
        )
    if not error:
        return ""
    message = error.get("message") if isinstance(error, dict) else error
    return (message if isinstance(message, str) else json.dumps(error, ensure_ascii=False))[:500]


def _gateway(reply: Mapping[str, Any]) -> GatewayIds | None:
    """RETURNS (GatewayIds | None): The ids that TensorZero's gateway gave; None for the reply of any other server."""
    model, inference, episode = reply.get("model"), reply.get("id"), reply.get("episode_id")
    match = _TENSORZERO.fullmatch(model) if isinstance(model, str) else None
    if match is None or not (isinstance(inference, str) and isinstance(episode, str)):
        return None
    return GatewayIds("tensorzero", _plain(inference), _plain(episode), _plain(match["variant"]))


def _content(message: Mapping[str, Any], *, is_whole: bool) -> tuple[str, bool, bool]:
    """RETURNS (tuple[str, bool, bool]): The answer, whether it is a tool's arguments, and whether it is a refusal."""
    if arguments := _arguments(message):
        return arguments, True, False
    content, refusal = _text(message.get("content")), message.get("refusal")
    if isinstance(message.get("content"), list):
        parts = [part for part in message["content"] if isinstance(part, dict)]
        refusal = refusal or next((part["refusal"] for part in parts if part.get("refusal")), None)
    if not content.strip() and isinstance(refusal, str) and refusal.strip():
        return refusal, False, True
    # Of a reply that was cut, the reasoning isn't the answer; nor where it only leads to one.
    if not content.strip() and is_whole:
        content = _answer_in(message.get("reasoning_content") or message.get("reasoning")) or content
    return content, False, False


def _arguments(message: Mapping[str, Any]) -> str:
    """What tools are called with. Of several calls all arguments, one a line: which is meant isn't said."""
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls or () if isinstance(call, dict)]
    functions.append(message.get("function_call"))
    found = [function.get("arguments") for function in functions if isinstance(function, dict)]
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in found if each)


def _text(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if isinstance(content, dict):  # an answer that the server has read already
        return json.dumps(content, ensure_ascii=False)
    if not isinstance(content, list):
        raise TypeError("no text")
    # Parts, of which some are thoughts or pictures.
    texts = [
        part if isinstance(part, str) else part.get("text")
        for part in content
        if isinstance(part, str) or part.get("type", "text") in ("text", "output_text")
    ]
    return "".join(text for text in texts if isinstance(text, str))


def _answer_in(reasoning: Any) -> str:
    if not isinstance(reasoning, str):
        return ""
    answer = strip_reply(reasoning)
    # JSON within prose is a draft; what comes after it may say that it is wrong.
    is_draft = _DRAFT.search(answer) and not (answer[0] in '{["' and answer[-1] in '}]"')
    return "" if is_draft else answer


def _usage(usage: Any) -> Usage | None:
    try:
        details = usage.get("prompt_tokens_details") or {}
        found = Usage(
            prompt=int(usage["prompt_tokens"] or 0),
            completion=int(usage.get("completion_tokens") or 0),
            cached=int(details.get("cached_tokens") or 0),
        )
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None
    counts = (found.prompt, found.completion, found.cached)
    # No prompt is empty: 0 is what servers say that don't count.
    is_counted = found.prompt + found.cached > 0
    return found if is_counted and all(0 <= count < _MOST_TOKENS for count in counts) else None


def _logprobs(logprobs: Any) -> list[tuple[str, float]] | None:
    try:
        if tokens := logprobs.get("tokens"):  # the form of the older completions
            pairs = list(zip(tokens, logprobs["token_logprobs"], strict=True))
        else:
            pairs = [(part["token"], part["logprob"]) for part in logprobs.get("content") or ()]
        found = [(_plain(str(token)), float(value)) for token, value in pairs]
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return None
    # A probability is at most 1, but for rounding.
    return found if found and all(value < 0.1 for _, value in found) else None


def _plain(content: str) -> str:
    # Half of a surrogate pair, which JSON can hold and a Doc, a file and a database can't.
    return content.encode("utf8", "replace").decode("utf8")


def _beginning(body: bytes, length: int = 200) -> str:
    text = " ".join(body[: 2 * length].decode("utf8", "replace").split())
    return f"'{text[:length]}'" if text else "it is empty"
