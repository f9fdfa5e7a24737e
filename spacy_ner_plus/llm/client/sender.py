"""Requests to one model: each until it has a reply, or the reason why there is none."""

import asyncio
import json
import logging
import re
import sqlite3
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.llm.client.completions import Completion, NoCompletion, read_completion, read_error
from spacy_ner_plus.llm.client.credentials import Credentials
from spacy_ner_plus.llm.client.limits import Budget, RateLimits
from spacy_ner_plus.llm.client.reask import NoReply
from spacy_ner_plus.llm.client.retries import is_retried, waiting_time
from spacy_ner_plus.llm.client.schema_modes import Dialect, make_probe
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import estimate_tokens, message_tokens
from spacy_ner_plus.llm.client.transport import Answer, Endpoint, NoAnswer
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Usage
from spacy_ner_plus.llm.store.store import Store

logger = logging.getLogger(__name__)
# How often a server that never answered is tried: it may be starting, or not be there.
_UNREACHABLE_TRIES = 3
# What servers say of a model that they don't have, some with status 400.
_NO_MODEL = re.compile(
    r"model_not_found|`model` field|model '?[^ ']+'? (does not exist|not found|is not found)"
)
# Enough for the constant of a probe, and for some reasoning before it.
_PROBE_TOKENS = 512
# What a reply is taken to have before there is any.
_FIRST_GUESS = 256


class _Unusable(Exception):
    """An attempt that may go well when it is repeated."""

    def __init__(self, reason: str, *, retry_after: str = "", unreachable: bool = False):
        super().__init__(reason)
        self.retry_after = retry_after
        self.unreachable = unreachable


class _Adapted(Exception):
    """An attempt that the server refused, to be repeated in the way that it takes."""


@dataclass(slots=True)
class _Errand:
    """A request until it has a reply; a probe has no key."""

    request: ChatRequest
    sampling: Mapping[str, Any]
    key: str = ""
    until: float | None = None

    def begin(self, seconds: float) -> None:
        # When it is sent for the first time: waiting for its turn doesn't count.
        if self.until is None:
            self.until = time.monotonic() + seconds

    def left(self) -> float:
        return self.until - time.monotonic()


class _Answered(Exception):
    """The reply is in the store by now."""

    def __init__(self, reply: ChatReply):
        super().__init__()
        self.reply = reply


class Exchange:
    """Sends requests in one event loop.

    settings (ChatSettings): Of the chat model.
    store (Store | None): Where replies are kept.
    meter (UsageMeter): Counts what is sent and received.
    budget (Budget): What may be spent.
    count (Callable[[str], int]): Counts tokens.
    RAISES (UserError): Where a setting makes every request senseless.
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
        self._credentials = Credentials(api_key_env=settings.api_key_env, headers=settings.headers)
        self._endpoint = Endpoint(settings.address(), self._credentials.headers)
        self._limits = RateLimits(
            requests_per_minute=settings.requests_per_minute, tokens_per_minute=settings.tokens_per_minute
        )
        self._budget = budget
        budget.begin()
        self._dialect = Dialect(
            settings.structured,
            endpoint=self._url,
            name=settings.name,
            grammar_field=settings.grammar_field,
            store=store,
        )
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._probe: asyncio.Task[None] | None = None
        self._reached = False  # whether anything ever answered
        self._replies = 0
        self._reply_tokens = 0
        self._warned = False

    async def ask(self, request: ChatRequest, key: str, canonical: str) -> ChatReply:
        """Send a request until it has a reply, and keep that.

        request (ChatRequest): The prompt.
        key (str): Under which it is kept.
        canonical (str): The request in the form from which the key is made.
        RETURNS (ChatReply): The reply.
        RAISES (NoReply): Where the server gives none.
        RAISES (UserError): Where it would give none to any request.
        """
        try:
            completion, mode, usage, seconds = await self._complete(_Errand(request, self._sampling, key))
        except _Answered as answered:
            self._meter.add(stored=1)
            return answered.reply
        reply = ChatReply(
            content=completion.content,
            finish_reason=completion.finish_reason,
            usage=usage,
            seconds=seconds,
            logprobs=completion.logprobs,
            mode=mode,
            key=key,
        )
        self._keep(canonical, reply)
        return reply

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def _complete(self, errand: _Errand) -> tuple[Completion, str, Usage, float]:
        failures = 0
        while True:
            try:
                async with self._slots:
                    self._look_again(errand.key)
                    if errand.key and errand.request.schema is not None:
                        self._begin_probe()
                    return await self._attempt(errand)
            except _Adapted:
                continue
            except _Unusable as failure:
                failures += 1
                wait = waiting_time(failures, self._settings.retry_base, failure.retry_after)
                self._give_up(failure, failures, errand.left() - wait)
                logger.debug("Attempt %d failed, %.2f s until the next: %s", failures, wait, failure)
            self._meter.add(retries=1)
            await asyncio.sleep(wait)

    def _look_again(self, key: str) -> None:
        """Another process may have had the reply while this request waited for its turn."""
        if key and self._store is not None and (reply := self._store.get(key)):
            raise _Answered(reply)

    def _give_up(self, failure: _Unusable, failures: int, left: float) -> None:
        enough = min(_UNREACHABLE_TRIES, self._settings.max_retries + 1)
        if failure.unreachable and not self._reached and failures >= enough:
            raise UserError(Errors.E255.format(url=self._url, reason=failure))
        if failures > self._settings.max_retries:
            raise NoReply(f"no reply after {failures} attempts: {failure}")
        if left <= 0:
            seconds = self._settings.deadline
            raise NoReply(
                f"no reply after {failures} attempts within the deadline of {seconds:g} s: {failure}"
            )

    async def _attempt(self, errand: _Errand) -> tuple[Completion, str, Usage, float]:
        request = errand.request
        mode = self._dialect.mode(request)
        fields = self._dialect.fields(request, mode, errand.sampling)
        messages = [dict(message) for message in request.messages]
        body = json.dumps({"model": self._settings.name, "messages": messages, **fields}).encode("ascii")
        prompt, completed = message_tokens(messages, self._count), self._expected_reply()
        async with self._budget.spending(prompt, completed):
            await self._limits.wait(prompt + completed)
            errand.begin(self._settings.deadline)
            self._meter.add(requests=1)
            try:
                answer = await self._endpoint.post(body, timeout=min(self._settings.timeout, errand.left()))
            except NoAnswer as failure:
                reason = self._credentials.redact(str(failure))
                raise _Unusable(reason, unreachable=failure.unreachable) from None
            self._reached = True
            if answer.status != 200:
                self._refuse(answer, mode, fields)
            try:
                completion = read_completion(answer.body)
            except NoCompletion as failure:
                raise _Unusable(self._credentials.redact(str(failure))) from None
            usage = completion.usage or Usage(prompt, estimate_tokens(completion.content))
            reported, probe = completion.usage is not None, not errand.key
            self._meter.add_reply(usage, answer.seconds, reported=reported, probe=probe)
            self._budget.spend(usage)
            self._limits.settle(prompt + completed, usage.prompt + usage.completion)
        self._replies += 1
        self._reply_tokens += usage.completion
        return completion, mode, usage, answer.seconds

    def _refuse(self, answer: Answer, mode: str, fields: Mapping[str, Any]) -> None:
        error, status = read_error(answer.body), answer.status
        error = replace(error, message=self._credentials.redact(error.message))
        shown = {"url": self._url, "status": status, "reason": error.message}
        if not self._replies and (
            error.param == "model" or _NO_MODEL.search(f"{error.code} {error.message}")
        ):
            raise UserError(Errors.E254.format(name=self._settings.name, **shown))
        if status in (400, 422) and self._dialect.adapt(mode, fields, error):
            logger.debug("Sent as %s, refused with %d: %s", mode, status, error.message)
            raise _Adapted
        if status == 401 or (status == 403 and not self._replies):
            text = Errors.E253 if self._credentials.has_key else Errors.E252
            raise UserError(text.format(env=self._settings.api_key_env, **shown))
        if status == 402 or error.code == "insufficient_quota":
            raise UserError(Errors.E262.format(**shown))
        if (status == 404 or 300 <= status < 400) and not self._replies:
            raise UserError(Errors.E254.format(name=self._settings.name, **shown))
        if status in (400, 422) and error.param in fields and not self._replies:
            raise UserError(Errors.E260.format(field=error.param, **shown))
        if is_retried(status):
            raise _Unusable(f"the server answered {status}: {error.message}", retry_after=answer.retry_after)
        raise NoReply(f"the server answered {status}: {error.message}")

    def _keep(self, canonical: str, reply: ChatReply) -> None:
        if self._store is None:
            return
        try:
            self._store.add(canonical, reply)
        except sqlite3.Error as error:
            # The reply itself is good: it is handed on, and paid for again in a rerun.
            if not self._warned:
                self._warned = True
                warnings.warn(Warnings.W253.format(path=self._store.path, reason=error), stacklevel=2)

    def _expected_reply(self) -> int:
        return (
            self._reply_tokens // self._replies
            if self._replies
            else min(self._settings.max_tokens, _FIRST_GUESS)
        )

    def _begin_probe(self) -> None:
        if self._probe is None and not self._dialect.is_settled:
            self._probe = asyncio.create_task(self._probe_server())

    async def _probe_server(self) -> None:
        sampling = {**self._sampling, "max_tokens": min(self._settings.max_tokens, _PROBE_TOKENS)}
        sampling.pop("logprobs", None)
        try:
            while not self._dialect.is_settled:
                completion, mode, *_ = await self._complete(_Errand(make_probe(), sampling))
                self._dialect.judge(mode, completion)
        except (NoReply, UserError) as error:
            # The requests beside it meet the same, and say so.
            logger.debug("The probe got no reply: %s", error)
