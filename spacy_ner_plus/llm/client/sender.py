"""Requests to one model, each sent until it has a reply, or a reason why there is none."""

import asyncio
import json
import logging
import re
import sqlite3
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from spacy_ner_plus.llm.client.endpoint.waits import asked_wait
from spacy_ner_plus.llm.client.limits import Budget, RateLimits
from spacy_ner_plus.llm.client.pace import Hopeless, Trouble, Turn, shared_pace
from spacy_ner_plus.llm.client.reask import NoReply
from spacy_ner_plus.llm.client.retries import is_retried, waiting_time
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import estimate_tokens, message_tokens
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import ChatReply, ChatRequest, Message, ReplyStatus, Usage
from spacy_ner_plus.llm.store.store import Store

logger = logging.getLogger(__name__)
# What gateways and servers answer that are starting, or whose upstream is gone.
_OUTAGES = (502, 503, 504, 529)
# After so many requests in a row that ended alike without a reply, the next ones would, too.
_LOST_ALIKE = 12
# Beside those that halve the pace down to one at a time, so many time-outs don't count against a request.
_SLOW_BESIDE = 2
# What servers say about a model that they don't have, some with status 400.
_NO_MODEL = re.compile(
    r"model_not_found|`model` field|model '?[^ ']+'? (does not exist|not found|is not found)"
)
# After so many empty replies a request isn't sent again: most models would repeat it.
_EMPTY_REPLIES = 2
_DIGITS = re.compile(r"\d+")
# Enough for the constant of a probe, and for some reasoning before it.
_PROBE_TOKENS = 512
# Tokens that a reply is expected to have, before any has come.
_FIRST_GUESS = 256


class _FailedAttempt(Exception):
    """An attempt that may succeed when it is repeated.

    counts (bool): Whether it counts against the request, and not against the server alone.
    """

    def __init__(self, reason: str, *, counts: bool = True):
        super().__init__(reason)
        self.counts = counts


class _FormRefused(Exception):
    """An attempt to be repeated at once, with other fields: the server refused those that were sent."""


@dataclass(slots=True)
class _Pending:
    """A request without a reply yet. A probe has no key, and isn't stored."""

    request: ChatRequest
    sampling: Mapping[str, Any]
    key: str = ""
    again: bool = False  # whether to ask although a reply is stored
    asked: float = field(default_factory=time.monotonic)
    tried: float = 0.0  # seconds of the attempts that count
    slow: int = 0  # time-outs that don't count
    empty: int = 0  # how many empty replies came
    mode: str | None = None  # where the server refused it in a stricter one


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
        self._credentials = Credentials(
            address=settings.address(),
            api_key_env=settings.api_key_env,
            headers=settings.headers or {},
            any_host=settings.api_key_any_host,
        )
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
        self._pace = shared_pace(self._url, settings.max_concurrency, settings.retry_base)
        self._probe: asyncio.Task[None] | None = None
        self._lost: list[str] = []  # why the last requests ended without a reply
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
            turn = await self._turn(pending)
            try:
                if not pending.again and (stored := self._find_stored(pending.key)):
                    return stored
                if pending.key and pending.request.schema is not None:
                    self._start_probe()
                return await self._attempt(pending, turn)
            except _FormRefused:
                continue
            except _FailedAttempt as error:
                failure = error
            finally:
                self._pace.end(turn)
            wait = 0.0
            if failure.counts:
                failures += 1
                pending.tried += time.monotonic() - turn.began
                self._check_retry(pending, failure, failures)
                wait = waiting_time(failures, self._settings.retry_base)
            logger.debug("Attempt failed, %.2f s until the next: %s", wait, failure)
            self._meter.add(retries=1)
            await asyncio.sleep(wait)

    async def _turn(self, pending: _Pending) -> Turn:
        gives_up = self._settings.on_outage == "stop"
        try:
            return await self._pace.turn(pending.asked, gives_up=gives_up)
        except Hopeless as error:
            if not error.was_reached and error.trouble == Trouble.OUTAGE:
                raise UserError(Errors.E255.format(url=self._url, reason=error)) from None
            shown = {
                "url": self._url,
                "lasts": _duration(error.seconds),
                "reason": error,
                "kept": self._kept(),
            }
            if error.trouble == Trouble.LIMIT:
                raise UserError(Errors.E273.format(**shown)) from None
            raise UserError(Errors.E274.format(**shown)) from None

    def _kept(self) -> str:
        if self._settings.store is None:
            return "Nothing is kept, since `store` isn't set: set it, and"
        return f"What came is kept in '{self._settings.store}':"

    def _find_stored(self, key: str) -> ChatReply | None:
        # Another process may have got the reply while this request waited for its turn.
        return self._store.get(key) if key and self._store is not None else None

    def _check_retry(self, pending: _Pending, failure: _FailedAttempt, failures: int) -> None:
        """Raise where a request isn't sent again."""
        if failures > self._settings.max_retries:
            raise self._no_reply(pending, f"no reply after {failures} attempts: {failure}")
        if pending.tried >= self._settings.deadline:
            seconds = self._settings.deadline
            text = f"no reply after {failures} attempts within the deadline of {seconds:g} s: {failure}"
            raise self._no_reply(pending, text)

    def _no_reply(self, pending: _Pending, reason: str) -> Exception:
        """RETURNS (Exception): For one request; for all of them, where the last ones all ended alike."""
        if not pending.key:
            return NoReply(reason)
        alike = _DIGITS.sub("", reason)
        self._lost = [*(lost for lost in self._lost if lost == alike), alike]
        if len(self._lost) < _LOST_ALIKE or self._settings.on_outage == "wait":
            return NoReply(reason)
        shown = {"count": len(self._lost), "url": self._url, "reason": reason, "kept": self._kept()}
        return UserError(Errors.E276.format(**shown))

    async def _attempt(self, pending: _Pending, turn: Turn) -> _Received:
        request = pending.request
        mode = weakest(self._modes.mode(request), pending.mode)
        fields = self._modes.fields(request, mode, self._accepted.fields(pending.sampling))
        messages = self._accepted.messages(request.messages)
        body = json.dumps({"model": self._settings.name, "messages": messages, **fields}).encode("ascii")
        prompt, completed = message_tokens(messages, self._count), self._expected_reply_tokens()
        async with self._budget.spending(prompt, completed):
            await self._limits.wait(prompt + completed)
            self._meter.add(requests=1)
            seconds = min(self._settings.timeout, self._settings.deadline - pending.tried)
            turn = self._pace.sent(turn)
            try:
                response = await self._endpoint.post(body, timeout=seconds)
            except TransportError as error:
                raise self._without_response(pending, turn, error) from None
            if response.status != 200:
                self._raise_refusal(response, pending, turn, mode, fields, messages)
            self._pace.answered(turn)
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
                    raise self._no_reply(pending, "the reply is empty")
                raise _FailedAttempt("the reply is empty")
        self._lost.clear()
        self._modes.answered(mode)
        self._accepted.replied(fields, messages)
        self._replies += 1
        self._reply_tokens += usage.completion
        return _Received(completion, mode, usage, response.seconds)

    def _without_response(self, pending: _Pending, turn: Turn, error: TransportError) -> _FailedAttempt:
        """Tell the pace, and find out whether the server or the request is at fault."""
        reason = self._credentials.redact(str(error))
        if error.unreachable:
            self._pace.unanswered(turn, reason)
            return _FailedAttempt(reason, counts=False)
        if error.timed_out:
            self._pace.slow(turn)
            most = self._settings.max_concurrency.bit_length() + _SLOW_BESIDE
            if self._pace.is_answering(turn) and pending.slow < most:
                pending.slow += 1
                return _FailedAttempt(reason, counts=False)
            return _FailedAttempt(reason)
        # A server that goes breaks all its connections; a request that is alone may be what it can't take.
        goes = self._pace.was_reached and not self._pace.is_answering(turn)
        if goes:
            self._pace.unanswered(turn, reason)
        return _FailedAttempt(reason, counts=not goes or turn.is_trial)

    def _raise_refusal(
        self,
        response: Response,
        pending: _Pending,
        turn: Turn,
        mode: str,
        fields: Mapping[str, Any],
        messages: Sequence[Message],
    ) -> None:
        """Raise what follows from a refusal: for this request alone, unless it surely holds for all of them."""
        error, status = read_error(response.body), response.status
        error = replace(error, message=self._credentials.redact(error.message))
        shown = {"url": self._url, "status": status, "reason": error.message}
        said = f"the server answered {status}: {error.message}"
        if status == 402 or error.code == "insufficient_quota":
            raise UserError(Errors.E262.format(**shown))
        wait = asked_wait(response.headers, error.message)
        if status == 429 or (status in _OUTAGES and "retry-after" in response.headers):
            self._pace.limited(turn, wait, said)
            raise _FailedAttempt(said, counts=False)
        if status in _OUTAGES and not self._pace.is_answering(turn):
            self._pace.unanswered(turn, said)
            raise _FailedAttempt(said, counts=False)
        self._pace.answered(turn)
        refused = NoReply(said)
        if is_moderation(status, error):
            raise refused
        if not self._replies and (
            error.param == "model" or _NO_MODEL.search(f"{error.code} {error.message}")
        ):
            raise UserError(Errors.E254.format(name=self._settings.name, **shown))
        if status in (400, 422):
            self._adapt(pending, mode, fields, messages, error)
        if status == 401 or (status == 403 and not self._replies and is_no_access(error)):
            raise self._without_access(shown)
        if (status == 404 or 300 <= status < 400) and not self._replies:
            raise UserError(Errors.E254.format(name=self._settings.name, **shown))
        if status in (400, 422) and not self._replies and not is_too_long(error):
            for field in filter(lambda name: is_field_at_fault(error, (name,)), fields):
                raise UserError(Errors.E260.format(field=field, **shown))
        if is_retried(status):
            raise _FailedAttempt(said)
        raise refused if is_too_long(error) else self._no_reply(pending, said)

    def _without_access(self, shown: Mapping[str, Any]) -> UserError:
        name = self._credentials.api_key_env
        if self._credentials.has_key:
            return UserError(Errors.E253.format(env=name or "behind the `headers`", **shown))
        if self._credentials.is_withheld:
            return UserError(Errors.E278.format(**shown))
        if not name:
            return UserError(Errors.E277.format(**shown))
        return UserError(Errors.E252.format(env=name, **shown))

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


def _duration(seconds: float) -> str:
    """RETURNS (str): Seconds, minutes or hours, for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
