"""The lines of a batch's files: one request each, and in any order one reply or the reason why there is none."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.llm import finish_reasons
from spacy_ner_plus.llm.batch.batch_api import COMPLETIONS
from spacy_ner_plus.llm.client.completions import (
    Completion,
    NoCompletion,
    ServerError,
    read_completion,
    read_error,
)
from spacy_ner_plus.llm.client.endpoint.refusals import is_moderation

# What happened to a request without a reply, as users read it.
BROKEN = "line that can't be read"
REFUSED = "request that the server refused"
FILTERED = "request that the server's content filter refused"
NOT_RUN = "request that wasn't run before the batch ended"
FAILED = "request that failed"
EMPTY = "reply without any text"
# Codes of requests that were still waiting when their batch expired or was cancelled.
_WAITING = ("batch_expired", "batch_cancelled")


@dataclass(frozen=True, slots=True)
class ResultLine:
    """What a line says.

    key (str): The request's; '' where that can't be read.
    completion (Completion | None): The reply; None where there is none.
    trouble (str): Why there is none: BROKEN, REFUSED, FILTERED, NOT_RUN, FAILED or EMPTY; '' for a reply.
    reason (str): What the server says about it.
    error (ServerError | None): A refusal of the request.
    """

    key: str
    completion: Completion | None = None
    trouble: str = ""
    reason: str = ""
    error: ServerError | None = None


def request_line(key: str, body: str) -> bytes:
    """Write the line of a request.

    key (str): Under which its reply is stored; it comes back with that.
    body (str): What would be posted, as JSON.
    """
    return b'{"custom_id":"%s","method":"POST","url":"%s","body":%s}\n' % (
        key.encode("ascii"),
        COMPLETIONS.encode("ascii"),
        body.encode("ascii"),
    )


def read_line(line: bytes, *, limit: int | None = None) -> ResultLine:
    """Read a line of an output or error file.

    limit (int | None): Tokens at which the request had its reply cut, where that is known.
    RETURNS (ResultLine): What it says.
    """
    try:
        row = json.loads(line)
        key = row["custom_id"]
        response, error = row.get("response"), row.get("error")
        if not isinstance(key, str):
            raise TypeError
        if not isinstance(response, dict):
            return _without_response(key, error)
        status, body = int(response.get("status_code") or 200), response.get("body")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ResultLine("", None, BROKEN, line[:80].decode("utf8", "replace").strip())
    # A body may come as an object or as its text.
    text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if status != 200:
        return _refused(key, status, read_error(text))
    try:
        completion = read_completion(text, limit=limit)
    except NoCompletion as failure:
        return ResultLine(key, None, FAILED, str(failure))
    if completion.finish_reason == finish_reasons.BROKEN or (
        not completion.content.strip() and completion.finish_reason != finish_reasons.CUT
    ):
        return ResultLine(key, None, EMPTY, completion.finish_reason or "no reason given")
    return ResultLine(key, completion)


def _without_response(key: str, error: Any) -> ResultLine:
    said = read_error(json.dumps({"error": error}).encode())
    if isinstance(error, Mapping) and said.code in _WAITING:
        return ResultLine(key, None, NOT_RUN, said.message)
    if error:
        return _refused(key, 0, said)
    return ResultLine(key, None, FAILED, "neither a reply nor an error")


def _refused(key: str, status: int, error: ServerError) -> ResultLine:
    reason = f"{status}: {error.message}" if status else error.message
    if is_moderation(status, error):
        return ResultLine(key, None, FILTERED, reason, error)
    refused = 400 <= status < 500 and status not in (408, 409, 429)
    return ResultLine(key, None, REFUSED if refused else FAILED, reason, error if refused else None)
