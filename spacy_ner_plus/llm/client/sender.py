"""Requests to one model, each sent until it has a reply, or a reason why there is none."""

import asyncio
import json
import logging
import re
import sqlite3
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
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
from spacy_ner_plus.llm.client.endpoint.schema_modes import SchemaModes, make_probe, weakest
from spacy_ner_plus.llm.client.endpoint.transport import Endpoint, Response, TransportError
from spacy_ner_plus.llm.client.limits import Budget, RateLimits
from spacy_ner_plus.llm.client.reask import NoReply
from spacy_ner_plus.llm.client.retries import is_retried, waiting_time
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import estimate_tokens, message_tokens
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Message, ReplyStatus, Usage
from spacy_ner_plus.llm.store.store import Store

logger = logging.getLogger(__name__)
# How often a server that never answered is tried: it may be starting, or not be there at all.
_UNREACHABLE_TRIES = 3
# What servers say about a model that they don't have, some with status 400.
_NO_MODEL = re.compile(
    r"model_not_found|`model` field|model '?[^ ']+'? (does not exist|not found|is not found)"
)
# After so many empty replies a request isn't sent again: most models would repeat it.
_EMPTY_REPLIES = 2
# Enough for the constant of a probe, and for some reasoning before it.
_PROBE_TOKENS = 512
# Tokens that a reply is expected to have, before any has come.
_FIRST_GUESS = 256


class _FailedAttempt(Exception):
    """An attempt that may succeed when it is repeated."""

    def __init__(self, reason: str, *, retry_after: str = "", unreachable: bool = False):
        super().__init__(reason)
        self.retry_after = retry_after
        self.unreachable = unreachable


class _FormRefused(Exception):
    """An attempt to be repeated at once, with other fields: the server refused those that were sent."""


@dataclass(slots=True)
class _Pending:
    """A request without a reply yet. A probe has no key, and isn't stored."""

    request: ChatRequest
    sampling: Mapping[str, Any]
    key: str = ""
    again: bool = False  # whether to ask although a reply is stored
    deadline: float | None = None
    empty: int = 0  # how many empty replies came
    mode: str | None = None  # where the server refused it in a stricter one

    def start(self, seconds: float) -> None:
        # When it is first sent: waiting for its turn doesn't count.
        if self.deadline is None:
            self.deadline = time.monotonic() + seconds

    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()


@dataclass(frozen=True, slots=True)
class _Received:
    """A completion from the server, how its schema was sent, and what it took."""

    completion: Completion
    mode: str
    usage: Usage
    seconds: float


class Sender:
    """Sends requests in one event loop, each until it has a reply.

    store (Store | None): Where replies are kept.
    meter (UsageMeter): Counts what is sent and received.
    budget (Budget): What may be spent.
    count (Callable[[str], int]): Counts tokens.
    RAISES (UserError): Where a setting would make every request fail.
    """

    def __init__(
        self,
        settings: ChatSettings,
        *,
        store: Store | None,
        meter: UsageMeter,
        budget: Budget,
        count: Callable[[str], int],
    ):
        self._settings = settings
        self._url = settings.endpoint()
        self._store = store
        self._meter = meter
        self._count = count
        self._sampling = settings.sampling()
        self._credentials = Credentials(api_key_env=settings.api_key_env, headers=settings.headers or {})
        self._endpoint = Endpoint(settings.address(), self._credentials.headers)
        self._limits = RateLimits(
            requests_per_minute=settings.requests_per_minute, tokens_per_minute=settings.tokens_per_minute
        )
        self._budget = budget
        budget.start_loop()
        self._modes = SchemaModes(
            settings.structured,
            endpoint=self._url,
            name=settings.name,
            grammar_field=settings.grammar_field,
            store=store,
        )
        self._accepted = AcceptedFields(url=self._url, name=settings.name)
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._probe: asyncio.Task[None] | None = None
        self._reached = False  # whether anything ever answered
        self._replies = 0
        self._reply_tokens = 0
        self._warned = False

    async def ask(
        self,
        request: ChatRequest,
        key: str,
        canonical: str,
        status: Callable[[ChatReply], ReplyStatus],
        *,
        again: bool = False,
    ) -> ChatReply:
        """Send a request until it has a reply, and store that.

        key (str): Under which it is stored.
        canonical (str): The request in the form from which the key is made.
        status (Callable): Says what can be read from the reply.
        again (bool): Whether to ask although a reply is stored.
        RAISES (NoReply): Where the server gives none.
        RAISES (UserError): Where it would give none to any request.
        """
        received = await self._receive(_Pending(request, self._sampling, key, again=again))
        if isinstance(received, ChatReply):
            self._meter.add(stored=1)
            return received
        reply = ChatReply(
            content=received.completion.content,
            finish_reason=received.completion.finish_reason,
            usage=received.usage,
            seconds=received.seconds,
            logprobs=received.completion.logprobs,
            mode=received.mode,
            key=key,
        )
        reply = replace(reply, status=status(reply))
        self._keep(canonical, reply)
        return reply

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def _receive(self, pending: _Pending) -> _Received | ChatReply:
        """Try until there is a completion, or another process has stored the reply."""
        failures = 0
        while True:
            try:
                async with self._slots:
                    if not pending.again and (stored := self._find_stored(pending.key)):
                        return stored
                    if pending.key and pending.request.schema is not None:
                        self._start_probe()
                    return await self._attempt(pending)
            except _FormRefused:
                continue
            except _FailedAttempt as failure:
                failures += 1
                wait = waiting_time(failures, self._settings.retry_base, failure.retry_after)
                self._check_retry(failure, failures, pending.seconds_left() - wait)
                logger.debug("Attempt %d failed, %.2f s until the next: %s", failures, wait, failure)
            self._meter.add(retries=1)
            await asyncio.sleep(wait)

    def _find_stored(self, key: str) -> ChatReply | None:
        # Another process may have got the reply while this request waited for its turn.
        return self._store.get(key) if key and self._store is not None else None

    def _check_retry(self, failure: _FailedAttempt, failures: int, seconds_left: float) -> None:
        """Raise where a request isn't sent again."""
        enough = min(_UNREACHABLE_TRIES, self._settings.max_retries + 1)
        if failure.unreachable and not self._reached and failures >= enough:
            raise UserError(Errors.E255.format(url=self._url, reason=failure))
        if failures > self._settings.max_retries:
            raise NoReply(f"no reply after {failures} attempts: {failure}")
        if seconds_left <= 0:
            seconds = self._settings.deadline
            raise NoReply(
                f"no reply after {failures} attempts within the deadline of {seconds:g} s: {failure}"
            )

    async def _attempt(self, pending: _Pending) -> _Received:
        request = pending.request
        mode = weakest(self._modes.mode(request), pending.mode)
        fields = self._modes.fields(request, mode, self._accepted.fields(pending.sampling))
        messages = self._accepted.messages(request.messages)
        body = json.dumps({"model": self._settings.name, "messages": messages, **fields}).encode("ascii")
        prompt, completed = message_tokens(messages, self._count), self._expected_reply_tokens()
        async with self._budget.spending(prompt, completed):
            await self._limits.wait(prompt + completed)
            pending.start(self._settings.deadline)
            self._meter.add(requests=1)
            try:
                response = await self._endpoint.post(
                    body, timeout=min(self._settings.timeout, pending.seconds_left())
                )
            except TransportError as error:
                reason = self._credentials.redact(str(error))
                raise _FailedAttempt(reason, unreachable=error.unreachable) from None
            self._reached = True
            if response.status != 200:
                self._raise_refusal(response, pending, mode, fields, messages)
            try:
                completion = read_completion(response.body)
            except NoCompletion as error:
                raise _FailedAttempt(self._credentials.redact(str(error))) from None
            usage = completion.usage or Usage(prompt, estimate_tokens(completion.content))
            reported, probe = completion.usage is not None, not pending.key
            self._meter.add_reply(usage, response.seconds, reported=reported, probe=probe)
            self._budget.spend(usage)
            self._limits.correct(prompt + completed, usage.prompt + usage.completion)
            if pending.key and _is_no_reply(completion):
                pending.empty += 1
                if pending.empty == _EMPTY_REPLIES:
                    raise NoReply("the reply is empty")
                raise _FailedAttempt("the reply is empty")
        self._modes.answered(mode)
        self._accepted.replied(fields, messages)
        self._replies += 1
        self._reply_tokens += usage.completion
        return _Received(completion, mode, usage, response.seconds)

    def _raise_refusal(
        self,
        response: Response,
        pending: _Pending,
        mode: str,
        fields: Mapping[str, Any],
        messages: Sequence[Message],
    ) -> None:
        """Raise what follows from a refusal: for this request alone, unless it surely holds for all of them."""
        error, status = read_error(response.body), response.status
        error = replace(error, message=self._credentials.redact(error.message))
        shown = {"url": self._url, "status": status, "reason": error.message}
        refused = NoReply(f"the server answered {status}: {error.message}")
        if is_moderation(status, error):
            raise refused
        if not self._replies and (
            error.param == "model" or _NO_MODEL.search(f"{error.code} {error.message}")
        ):
            raise UserError(Errors.E254.format(name=self._settings.name, **shown))
        if status in (400, 422):
            self._adapt(pending, mode, fields, messages, error)
        if status == 401 or (status == 403 and not self._replies and is_no_access(error)):
            text = Errors.E253 if self._credentials.has_key else Errors.E252
            raise UserError(text.format(env=self._settings.api_key_env, **shown))
        if status == 402 or error.code == "insufficient_quota":
            raise UserError(Errors.E262.format(**shown))
        if (status == 404 or 300 <= status < 400) and not self._replies:
            raise UserError(Errors.E254.format(name=self._settings.name, **shown))
        if status in (400, 422) and not self._replies and not is_too_long(error):
            for field in filter(lambda name: is_field_at_fault(error, (name,)), fields):
                raise UserError(Errors.E260.format(field=field, **shown))
        if is_retried(status):
            raise _FailedAttempt(
                f"the server answered {status}: {error.message}", retry_after=response.retry_after
            )
        raise refused

    def _adapt(
        self,
        pending: _Pending,
        mode: str,
        fields: Mapping[str, Any],
        messages: Sequence[Message],
        error: ServerError,
    ) -> None:
        weaker = self._modes.after_refusal(mode, pending.key, error)
        if weaker is not None:
            pending.mode = weaker
        elif not self._accepted.adapt(fields, messages, error):
            return
        logger.debug("Sent as %s, refused: %s", mode, error.message)
        raise _FormRefused

    def _keep(self, canonical: str, reply: ChatReply) -> None:
        if self._store is None:
            return
        try:
            self._store.add(canonical, reply)
        except sqlite3.Error as error:
            # The reply itself is good. It is returned, and a rerun pays for it again.
            if not self._warned:
                self._warned = True
                warnings.warn(Warnings.W253.format(path=self._store.path, reason=error), stacklevel=2)

    def _expected_reply_tokens(self) -> int:
        return (
            self._reply_tokens // self._replies
            if self._replies
            else min(self._settings.max_tokens, _FIRST_GUESS)
        )

    def _start_probe(self) -> None:
        if self._probe is None and not self._modes.is_decided:
            self._probe = asyncio.create_task(self._probe_server())

    async def _probe_server(self) -> None:
        sampling = {**self._sampling, "max_tokens": min(self._settings.max_tokens, _PROBE_TOKENS)}
        sampling.pop("logprobs", None)
        try:
            while not self._modes.is_decided:
                received = await self._receive(_Pending(make_probe(), sampling))
                self._modes.read_probe(received.mode, received.completion)
        except (NoReply, UserError) as error:
            # The requests beside it fail for the same reason, and report it.
            logger.debug("The probe got no reply: %s", error)


def _is_no_reply(completion: Completion) -> bool:
    """Whether a completion holds nothing that a model said. Where it had no tokens left for that, it was cut."""
    return completion.finish_reason == "error" or (
        not completion.content.strip() and completion.finish_reason != "length"
    )
