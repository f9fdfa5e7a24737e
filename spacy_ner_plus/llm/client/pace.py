"""How many requests an endpoint gets at a time: fewer when it pushes back, more as long as it answers.

One pace for all requests to an endpoint in a process, whichever models, event loops or threads send them. It
begins with `max_concurrency`. What pushes back halves it, at most once a round trip. It doubles back to half
the last value that was too much, and then grows by one a round trip, as TCP does (RFC 5681, slow start and
congestion avoidance). Where the server asks everybody to wait, or can't be reached, all requests wait, and
one at a time tries it.
"""

import asyncio
import os
import random
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum

# Seconds: a server that doesn't say how long to wait is tried at least as often.
_LONGEST_BETWEEN_TRIALS = 5.0
# The share of the time since the trouble began after which the server is tried again.
_TRIAL_SHARE = 0.25
# Nobody waits longer than this, unless told to.
LONGEST_ASKED = 600.0
# Without one answer, so long a limit is taken for one of hours, and a server for gone.
LIMIT_PATIENCE = 90.0
OUTAGE_PATIENCE = 45.0
# How often a server that never answered is tried: it may be starting, or not be there at all.
FIRST_TRIALS = 3
# Not of the module `random`, whose seed belongs to the user.
_chance = random.SystemRandom()


class Trouble(StrEnum):
    """Why requests wait: the server's limits, or that it doesn't answer."""

    LIMIT = "limit"
    OUTAGE = "outage"


class Hopeless(Exception):
    """Waiting isn't worth it. The text says what the server said last.

    trouble (Trouble): Which trouble.
    seconds (float): How long it lasts by now, or how long the server asks to wait.
    was_reached (bool): Whether the server ever answered.
    """

    def __init__(self, reason: str, *, trouble: Trouble, seconds: float, was_reached: bool):
        super().__init__(reason)
        self.trouble = trouble
        self.seconds = seconds
        self.was_reached = was_reached


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to send one request.

    began (float): When, by time.monotonic().
    is_trial (bool): Whether it is the one request that tries a server in trouble.
    """

    began: float
    is_trial: bool = False


@dataclass(slots=True, eq=False)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Turn]
    asked: float
    gives_up: bool
    turn: Turn | None = None


@dataclass(slots=True)
class _Pause:
    trouble: Trouble
    since: float
    until: float
    reason: str
    is_told: bool  # by the server, which is believed once
    has_trial: bool = False
    hopeless: Hopeless | None = None
    hopeless_since: float = 0.0


class Pace:
    """Gives requests their turns.

    most (int): In flight at most.
    base (float): Seconds between the first trials.
    """

    def __init__(self, most: int, base: float):
        self._most = float(most)
        self._base = base
        self._limit = float(most)
        self._too_much = 2.0 * most
        self._cut_at = -1.0
        self._in_flight = 0
        self._waiters: deque[_Waiter] = deque()
        self._pause: _Pause | None = None
        self._trials = 0
        self._trouble_since = 0.0
        self._answered_at = -1.0
        self._alarms: dict[asyncio.AbstractEventLoop, float] = {}
        self._lock = threading.RLock()

    @property
    def limit(self) -> int:
        """RETURNS (int): How many requests may be in flight now."""
        return int(self._limit)

    @property
    def was_reached(self) -> bool:
        """RETURNS (bool): Whether anything ever answered."""
        return self._answered_at >= 0

    async def turn(self, asked: float, *, gives_up: bool) -> Turn:
        """Wait for a turn. `end` gives it back.

        asked (float): When the request was first asked for, by time.monotonic().
        gives_up (bool): Whether the request ends where waiting isn't worth it.
        RAISES (Hopeless): Where it isn't.
        """
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop, loop.create_future(), asked, gives_up)
        with self._lock:
            self._waiters.append(waiter)
            self._admit()
        try:
            return await waiter.future
        except asyncio.CancelledError:
            with self._lock:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                elif waiter.turn is not None:
                    self.end(waiter.turn)
            raise

    def sent(self, turn: Turn) -> Turn:
        """RETURNS (Turn): The turn as of now: limits per minute may have held its request back."""
        return replace(turn, began=time.monotonic())

    def end(self, turn: Turn) -> None:
        """Give a turn back, after telling what came of it."""
        with self._lock:
            self._in_flight -= 1
            if turn.is_trial and self._pause is not None:
                self._pause.has_trial = False
            self._admit()

    def answered(self, turn: Turn) -> None:
        """Note that the server answered a request, with a reply or with a refusal of that request alone."""
        with self._lock:
            self._answered_at = time.monotonic()
            pause = self._pause
            if pause is not None and pause.trouble == Trouble.LIMIT and turn.began < pause.since:
                return  # it was sent before the limit was reached
            self._pause = None
            self._trials = 0
            step = 1.0 if self._limit < self._too_much / 2 else 1.0 / self._limit
            self._limit = min(self._most, self._limit + step)

    def is_answering(self, turn: Turn) -> bool:
        """RETURNS (bool): Whether other requests were answered since this one was sent."""
        return self._answered_at > turn.began

    def slow(self, turn: Turn) -> None:
        """Note that a request wasn't answered in time."""
        with self._lock:
            self._halve(turn)

    def limited(self, turn: Turn, wait: float | None, reason: str) -> None:
        """Note that the server takes no more requests for now.

        wait (float | None): Seconds that it asks to wait, if it says so.
        reason (str): What it says.
        """
        with self._lock:
            self._halve(turn)
            self._wait(Trouble.LIMIT, turn, wait, reason)

    def unanswered(self, turn: Turn, reason: str) -> None:
        """Note that the server can't be reached, or answers nobody."""
        with self._lock:
            self._wait(Trouble.OUTAGE, turn, None, reason)

    def _halve(self, turn: Turn) -> None:
        # A trial is alone: it says nothing about how many are too many.
        if turn.began > self._cut_at and not turn.is_trial:
            self._too_much = self._limit
            self._limit = max(1.0, self._limit / 2)
            self._cut_at = time.monotonic()

    def _wait(self, trouble: Trouble, turn: Turn, wait: float | None, reason: str) -> None:
        now, pause = time.monotonic(), self._pause
        if pause is not None and turn.began < pause.since:  # one of those that were in flight together
            if wait is not None and not pause.has_trial:
                pause.until = max(pause.until, now + wait)
                self._judge(pause, wait)
            return
        if not self._trials:
            self._trouble_since = now
        self._trials += 1
        between = min(_LONGEST_BETWEEN_TRIALS, max(self._base, _TRIAL_SHARE * (now - self._trouble_since)))
        seconds = between * _chance.uniform(0.9, 1.1)
        is_told = wait is not None and self._trials == 1
        if is_told:
            seconds = wait + _chance.uniform(0, min(self._base, 0.5))
        elif wait is not None:
            seconds = max(wait, seconds)
        self._pause = _Pause(trouble, now, now + seconds, reason, is_told)
        self._judge(self._pause, wait or 0.0)
        self._set_alarms()

    def _judge(self, pause: _Pause, wait: float) -> None:
        """Give up where waiting isn't worth it, for all who give up."""
        now = time.monotonic()
        lasts = now - self._trouble_since
        if pause.trouble == Trouble.LIMIT:
            is_hopeless = wait > LONGEST_ASKED or lasts > LIMIT_PATIENCE + wait
        elif self.was_reached:
            is_hopeless = lasts > OUTAGE_PATIENCE
        else:
            is_hopeless = self._trials >= FIRST_TRIALS
        if is_hopeless:
            known = {"trouble": pause.trouble, "seconds": max(wait, lasts), "was_reached": self.was_reached}
            pause.hopeless, pause.hopeless_since = Hopeless(pause.reason, **known), now
            self._admit()

    def _admit(self) -> None:
        """Give turns to those who wait, as many as may be in flight."""
        self._give_up()
        while self._waiters:
            now, pause = time.monotonic(), self._pause
            if pause is not None:
                if pause.has_trial:
                    return
                # Who asks after all others gave up tries the server again.
                is_new = pause.hopeless is not None and self._waiters[0].gives_up
                if now < pause.until and not is_new:
                    self._set_alarms()
                    return
                if pause.is_told and not is_new:
                    self._pause = None
                    continue
                pause.has_trial = True
            elif self._in_flight >= int(self._limit):
                return
            waiter = self._waiters.popleft()
            waiter.turn = Turn(now, is_trial=pause is not None)
            self._in_flight += 1
            self._tell(waiter, waiter.turn)

    def _give_up(self) -> None:
        pause = self._pause
        if pause is None or pause.hopeless is None:
            return
        for waiter in list(self._waiters):
            if waiter.gives_up and waiter.asked <= pause.hopeless_since:
                self._waiters.remove(waiter)
                self._tell(waiter, pause.hopeless)

    def _tell(self, waiter: _Waiter, result: Turn | Hopeless) -> None:
        def tell() -> None:
            if waiter.future.done():  # cancelled, which gives the turn back
                return
            if isinstance(result, Turn):
                waiter.future.set_result(result)
            else:
                waiter.future.set_exception(result)

        if waiter.loop is _running_loop():
            tell()
        else:
            waiter.loop.call_soon_threadsafe(tell)

    def _set_alarms(self) -> None:
        """Look again when the pause ends, in each loop that waits, since any of them may close before."""
        until = self._pause.until
        for loop in {waiter.loop for waiter in self._waiters}:
            if self._alarms.get(loop) != until:
                self._alarms[loop] = until
                wait = max(0.0, until - time.monotonic())
                loop.call_soon_threadsafe(loop.call_later, wait, self._ring, loop, until)

    def _ring(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        with self._lock:
            if self._alarms.get(loop) == until:
                del self._alarms[loop]
            self._admit()


# By process and address; each lasts as long as any model uses it.
_paces: "weakref.WeakValueDictionary[tuple[int, str], Pace]" = weakref.WeakValueDictionary()


def shared_pace(address: str, most: int, base: float) -> Pace:
    """RETURNS (Pace): The one of an address and its largest number of requests, in this process."""
    return _paces.setdefault((os.getpid(), f"{most} {address}"), Pace(most, base))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
