"""A request waits for its turn: for the pace of the server, the rates a minute, and the budget."""

from collections.abc import Callable
from dataclasses import replace

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.client.call import Call, Cause, Layer, NoReply
from spacy_ner_plus.llm.client.limits.budget import Budget
from spacy_ner_plus.llm.client.limits.pace import Hopeless, Lane, Trouble, Turn
from spacy_ner_plus.llm.client.limits.rates import RateLimits
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import message_tokens
from spacy_ner_plus.llm.requests import ChatReply

# Tokens that a reply is expected to have, before any has come.
_FIRST_GUESS = 256


class Limited:
    """Makes each attempt when it may be made, and tells the pace what came of it.

    inner (Layer): The server.
    lane (Lane): How many requests it gets at a time.
    rates (RateLimits): How many a minute.
    budget (Budget): What may be spent.
    count (Callable[[str], int]): Counts tokens.
    """

    def __init__(
        self,
        inner: Layer,
        settings: ChatSettings,
        *,
        lane: Lane,
        rates: RateLimits,
        budget: Budget,
        count: Callable[[str], int],
    ):
        self._inner = inner
        self._settings = settings
        self._lane = lane
        self._pace = lane.pace
        self._rates = rates
        self._budget = budget
        self._count = count
        self._replies = 0
        self._reply_tokens = 0

    async def ask(self, call: Call) -> ChatReply | NoReply:
        """Make one attempt.

        RETURNS (ChatReply | NoReply): What came of it, and whether it counts against the request; or a reply that
            was stored while the request waited.
        RAISES (UserError): Where the budget is used up, or the server is gone, or has a limit of hours.
        """
        while True:
            turn = await self._turn(call)
            try:
                if stored := call.find():
                    return stored
                prompt, completion = message_tokens(call.request.messages, self._count), self._expected()
                async with self._budget.spending(prompt, completion):
                    await self._rates.wait(prompt + completion)
                    if self._pace.is_paused(turn):  # since meanwhile the server asked all to wait
                        self._rates.give_back(prompt + completion)
                        continue
                    turn = self._pace.sent(turn)
                    return await self._attempt(call, turn, prompt + completion)
            finally:
                self._pace.end(turn)

    async def _attempt(self, call: Call, turn: Turn, expected: int) -> ChatReply | NoReply:
        """Send a request, count what it took, and tell the pace what came of it.

        expected (int): The tokens that it is expected to take.
        """
        try:
            answer = await self._inner.ask(call)
        except UserError:
            self._pace.answered(turn)  # with a refusal that holds for all requests of this model
            raise
        if answer.usage is not None:
            self._budget.spend(answer.usage)
            self._rates.correct(expected, answer.usage.prompt + answer.usage.completion)
        return self._judge(answer, turn)

    async def _turn(self, call: Call) -> Turn:
        try:
            return await self._lane.turn(call.asked, gives_up=self._settings.on_outage == "stop")
        except Hopeless as error:
            url = self._settings.endpoint()
            if not error.was_reached and error.trouble == Trouble.OUTAGE:
                raise UserError(Errors.E255.format(url=url, reason=error)) from None
            shown = {
                "url": url,
                "lasts": _duration(error.seconds),
                "reason": error,
                "kept": self._settings.where_kept(),
            }
            if error.trouble == Trouble.LIMIT:
                raise UserError(Errors.E273.format(**shown)) from None
            raise UserError(Errors.E274.format(**shown)) from None

    def _judge(self, answer: ChatReply | NoReply, turn: Turn) -> ChatReply | NoReply:
        """Tell the pace, and find out whether the server or the request is at fault."""
        if isinstance(answer, ChatReply):
            self._pace.answered(turn)
            self._replies += 1
            self._reply_tokens += answer.usage.completion
            return answer
        is_answering = self._pace.is_answering(turn)
        if answer.cause == Cause.LIMIT:
            self._pace.limited(turn, answer.wait, answer.reason)
            return replace(answer, counts=False)
        if answer.cause == Cause.DOWN or (answer.cause == Cause.UPSTREAM and not is_answering):
            self._pace.unanswered(turn, answer.reason)
            return replace(answer, counts=False)
        if answer.cause == Cause.SLOW:
            self._pace.slow(turn)
            return replace(answer, counts=not is_answering)
        if answer.cause == Cause.BROKEN:
            # A server that goes breaks all its connections; a request that is alone may be what it can't take.
            goes = self._pace.was_reached and not is_answering
            if goes:
                self._pace.unanswered(turn, answer.reason)
            return replace(answer, counts=not goes or turn.is_trial)
        self._pace.answered(turn)
        return answer

    def _expected(self) -> int:
        """RETURNS (int): Tokens that a reply is expected to have."""
        if self._replies:
            return self._reply_tokens // self._replies
        return min(self._settings.max_tokens, _FIRST_GUESS)


def _duration(seconds: float) -> str:
    """RETURNS (str): Seconds, minutes or hours, for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
