"""A request is sent until it has a reply, or a reason why there is none."""

import asyncio
import logging
import re
from dataclasses import replace

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.call import Call, Cause, Layer, NoReply
from spacy_ner_plus.llm.client.retries import waiting_time
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.usage import UsageMeter
from spacy_ner_plus.llm.requests import ChatReply

logger = logging.getLogger(__name__)
# After so many requests in a row that ended alike without a reply, the next ones would, too.
_LOST_ALIKE = 12
# Beside those that halve the pace down to one at a time, so many time-outs don't count against a request.
_SLOW_BESIDE = 2
# After so many empty replies a request isn't sent again: most models would repeat it.
_EMPTY_REPLIES = 2
_DIGITS = re.compile(r"\d+")


class Retried:
    """Repeats attempts that failed, with waits between those that count against the request.

    inner (Layer): Makes an attempt.
    meter (UsageMeter): Counts what is sent again.
    """

    def __init__(self, inner: Layer, settings: ChatSettings, meter: UsageMeter):
        self._inner = inner
        self._settings = settings
        self._meter = meter
        self._most_slow = settings.max_concurrency.bit_length() + _SLOW_BESIDE
        self._lost: list[str] = []  # why the last requests ended without a reply

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """Try until there is a reply.

        RETURNS (ChatReply | NoReply): It, or why the request is given up.
        RAISES (UserError): Where the last requests were all given up for the same reason.
        """
        given, failures, slow, empty, tried = self._settings, 0, 0, 0, 0.0
        while True:
            answer = await self._inner.ask(
                replace(call, seconds=min(given.timeout, max(given.deadline - tried, 0.0)))
            )
            if isinstance(answer, ChatReply):
                self._lost.clear()
                return answer
            if answer.cause == Cause.FORM:
                continue
            if answer.cause == Cause.REFUSED:
                return answer if answer.is_alone else self._give_up(call, answer.reason)
            empty += answer.cause == Cause.EMPTY
            if empty == _EMPTY_REPLIES:
                return self._give_up(call, answer.reason)
            slow += answer.cause == Cause.SLOW
            wait = 0.0
            if answer.counts or slow > self._most_slow:
                failures += 1
                tried += answer.seconds
                if failures > given.max_retries:
                    return self._give_up(call, f"no reply after {failures} attempts: {answer.reason}")
                if tried >= given.deadline:
                    within = f"within the deadline of {given.deadline:g} s"
                    return self._give_up(
                        call, f"no reply after {failures} attempts {within}: {answer.reason}"
                    )
                wait = waiting_time(failures, given.retry_base)
            logger.debug("Attempt failed, %.2f s until the next: %s", wait, answer.reason)
            self._meter.add(retries=1)
            await asyncio.sleep(wait)

    def _give_up(self, call: Call, reason: str) -> NoReply:
        """RETURNS (NoReply): For this request.

        RAISES (UserError): For all of them, where the last ones all ended alike.
        """
        if not call.key:  # a probe
            return NoReply(reason)
        alike = _DIGITS.sub("", reason)
        self._lost = [*(lost for lost in self._lost if lost == alike), alike]
        if len(self._lost) < _LOST_ALIKE or self._settings.on_outage == "wait":
            return NoReply(reason)
        shown = {"count": len(self._lost), "url": self._settings.endpoint(), "reason": reason}
        raise UserError(Errors.E276.format(**shown, kept=self._settings.where_kept()))
