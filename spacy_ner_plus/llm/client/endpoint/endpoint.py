"""The innermost layer: one request to the server, and what its answer means."""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.call import Call, Cause, NoReply
from spacy_ner_plus.llm.client.completions import (
    Completion,
    NoCompletion,
    ServerError,
    read_completion,
    read_error,
)
from spacy_ner_plus.llm.client.credentials import Credentials
from spacy_ner_plus.llm.client.endpoint.accepted_fields import AcceptedFields
from spacy_ner_plus.llm.client.endpoint.refusals import (
    is_field_at_fault,
    is_moderation,
    is_no_access,
    is_too_long,
)
from spacy_ner_plus.llm.client.endpoint.schema_modes import SchemaModes
from spacy_ner_plus.llm.client.endpoint.transport import Response, Transport, TransportError
from spacy_ner_plus.llm.client.endpoint.waits import asked_wait
from spacy_ner_plus.llm.client.retries import is_retried
from spacy_ner_plus.llm.client.settings import ChatSettings, reply_limit
from spacy_ner_plus.llm.client.tokens import estimate_tokens, message_tokens
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.finish_reasons import BROKEN, CUT
from spacy_ner_plus.llm.requests import ChatReply, Message, Usage

logger = logging.getLogger(__name__)
# What gateways and servers answer that are starting, or whose upstream is gone.
_OUTAGES = (502, 503, 504, 529)
# What servers say about a model that they don't have, some with status 400.
_NO_MODEL = re.compile(
    r"model_not_found|`model` field|model '?[^ ']+'? (does not exist|not found|is not found)"
)


class Endpoint:
    """A server and its model. Used in one event loop.

    modes (SchemaModes): How it gets schemas.
    meter (UsageMeter): Counts what is sent and received.
    count (Callable[[str], int]): Counts tokens, where the server doesn't.
    api_key (str): The key, where it isn't in the environment.
    fields (Mapping[str, Any]): Of every request, beside those from the settings.
    RAISES (UserError): Where a setting would make every request fail.
    """

    def __init__(
        self,
        settings: ChatSettings,
        *,
        modes: SchemaModes,
        meter: UsageMeter,
        count: Callable[[str], int],
        api_key: str = "",
        fields: Mapping[str, Any] | None = None,
    ):
        self._url = settings.endpoint()
        self._name = settings.name
        self._modes = modes
        self._meter = meter
        self._count = count
        self._credentials = Credentials(
            address=settings.address(),
            api_key_env=settings.api_key_env,
            headers=settings.headers or {},
            any_host=settings.api_key_any_host,
            api_key=api_key,
        )
        self._fields = dict(fields or {})
        self._transport = Transport(settings.address(), self._credentials.headers)
        self._accepted = AcceptedFields(url=self._url, name=settings.name)
        self._has_replied = False

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """Send a request once.

        RETURNS (ChatReply | NoReply): The reply, without a key, or why there is none.
        RAISES (UserError): Where there would be none for any request.
        """
        request = call.request
        mode = self._modes.mode(request, call.key)
        fields = self._modes.fields(request, mode, self._accepted.fields(call.sampling))
        messages = self._accepted.messages(request.messages)
        body = json.dumps({"model": self._name, "messages": messages, **fields, **self._fields}).encode(
            "ascii"
        )
        self._meter.add(requests=1)
        began = time.monotonic()
        try:
            response = await self._transport.post(body, timeout=call.seconds)
        except TransportError as error:
            cause = Cause.DOWN if error.unreachable else Cause.SLOW if error.timed_out else Cause.BROKEN
            answer = NoReply(self._credentials.redact(str(error)), cause)
        else:
            if response.status == 200:
                answer = self._read(response, call, mode, reply_limit(fields))
            else:
                answer = self._read_refusal(response, call, mode, fields, messages)
        if isinstance(answer, NoReply):
            return replace(answer, seconds=time.monotonic() - began)
        self._modes.answered(mode, call.key)
        self._accepted.replied(fields, messages)
        self._has_replied = True
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    def _read(self, response: Response, call: Call, mode: str, limit: int | None) -> ChatReply | NoReply:
        try:
            completion = read_completion(response.body, limit=limit)
        except NoCompletion as error:
            return NoReply(self._credentials.redact(str(error)), Cause.FAILED)
        usage = completion.usage or Usage(
            message_tokens(call.request.messages, self._count), estimate_tokens(completion.content)
        )
        reported = completion.usage is not None
        self._meter.add_reply(usage, response.seconds, reported=reported, probe=not call.key)
        if call.key and _is_nothing(completion):
            return NoReply("the reply is empty", Cause.EMPTY, usage=usage)
        return ChatReply(
            content=completion.content,
            finish_reason=completion.finish_reason,
            usage=usage,
            seconds=response.seconds,
            logprobs=completion.logprobs,
            mode=mode,
            called_tool=completion.called_tool,
            gateway=completion.gateway,
        )

    def _read_refusal(
        self,
        response: Response,
        call: Call,
        mode: str,
        fields: Mapping[str, Any],
        messages: Sequence[Message],
    ) -> NoReply:
        """Find out what follows: something for this request alone, unless it surely holds for all of them."""
        error, status = read_error(response.body), response.status
        error = replace(error, message=self._credentials.redact(error.message))
        shown = {"url": self._url, "status": status, "reason": error.message}
        said = f"the server answered {status}: {error.message}"
        if status == 402 or error.code == "insufficient_quota":
            raise UserError(Errors.E262.format(**shown))
        wait = asked_wait(response.headers, error.message)
        if status == 429 or (status in _OUTAGES and "retry-after" in response.headers):
            return NoReply(said, Cause.LIMIT, wait=wait)
        if status in _OUTAGES:
            return NoReply(said, Cause.UPSTREAM)
        if is_moderation(status, error):
            return NoReply(said, is_alone=True)
        self._check_name(error, shown)
        if status in (400, 422) and self._adapts(call, mode, fields, messages, error):
            logger.debug("Sent as %s, refused: %s", mode, error.message)
            return NoReply(said, Cause.FORM)
        self._check_access(error, status, shown)
        if status in (400, 422) and not self._has_replied and not is_too_long(error):
            for field in filter(lambda name: is_field_at_fault(error, (name,)), fields):
                raise UserError(Errors.E260.format(field=field, **shown))
        if is_retried(status):
            return NoReply(said, Cause.FAILED)
        # What a proxy says in its page may be in any language.
        too_long = status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or is_too_long(error)
        return NoReply(said, is_alone=too_long, is_too_long=too_long)

    def _adapts(
        self,
        call: Call,
        mode: str,
        fields: Mapping[str, Any],
        messages: Sequence[Message],
        error: ServerError,
    ) -> bool:
        """RETURNS (bool): Whether the request is to be sent again, in another form."""
        return self._modes.adapt(mode, call.key, error) or self._accepted.adapt(fields, messages, error)

    def _check_name(self, error: ServerError, shown: Mapping[str, Any]) -> None:
        """Raise where the server doesn't have the model."""
        if self._has_replied:
            return
        if error.param == "model" or _NO_MODEL.search(f"{error.code} {error.message}"):
            raise UserError(Errors.E254.format(name=self._name, **shown))

    def _check_access(self, error: ServerError, status: int, shown: Mapping[str, Any]) -> None:
        """Raise where the server lets nobody in with this key, or there is no server at this address."""
        if (status == 404 or 300 <= status < 400) and not self._has_replied:
            raise UserError(Errors.E254.format(name=self._name, **shown))
        if status != 401 and not (status == 403 and not self._has_replied and is_no_access(error)):
            return
        name = self._credentials.api_key_env
        if self._credentials.has_key:
            raise UserError(Errors.E253.format(env=name or "behind the `headers`", **shown))
        if self._credentials.is_withheld:
            raise UserError(Errors.E278.format(**shown))
        if not name:
            raise UserError(Errors.E277.format(**shown))
        raise UserError(Errors.E252.format(env=name, **shown))


def _is_nothing(completion: Completion) -> bool:
    """Whether a completion holds nothing that a model said. Where it had no tokens left for that, it was cut."""
    return completion.finish_reason == BROKEN or (
        not completion.content.strip() and completion.finish_reason != CUT
    )
