"""How many requests an endpoint gets at a time: fewer when it pushes back, more as long as it answers.

One pace for all requests to an endpoint in a process, whichever models, event loops or threads send them, each
model in a lane of its own, with its own most. It begins with the largest `max_concurrency` of them. What pushes
back halves it, at most once a round trip. It doubles back to half the last value that was too much, and then grows
by one a round trip, as TCP does (RFC 5681, slow start and congestion avoidance). Where the server asks everybody
to wait, or can't be reached, all requests wait, and one at a time tries it.
"""

import asyncio
import os
import random
import threading
import time
import weakref
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from typing import Protocol

# Seconds: a server that doesn't say how long to wait is tried at least as often.
_LONGEST_BETWEEN_TRIALS = 5.0
# The share of the time since the trouble began after which the server is tried again.
_TRIAL_SHARE = 0.25
# Nobody waits longer than this, unless told to.
LONGEST_ASKED = 600.0
# Without one answer, so long a limit is taken for one of hours, and a server for gone.
LIMIT_PATIENCE = 90.0
OUTAGE_PATIENCE = 45.0
# Seconds between looks at what other processes leave to this one.
_BETWEEN_LOOKS = 0.02
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


class Share(Protocol):
    """What a model may have in flight in this process, beside other processes that have copies of it."""

    def want(self, change: int) -> None:
        """Note that so many more requests wait for a turn, or fewer."""
        ...

    def take(self) -> bool:
        """RETURNS (bool): Whether one more may be in flight; then it counts as such."""
        ...

    def give_back(self) -> None:
        """Note that one less is in flight."""
        ...


@dataclass(slots=True, eq=False)
class _Pause:
    trouble: Trouble
    since: float
    until: float
    reason: str
    is_told: bool  # by the server, which is believed once
    has_trial: bool = False
    hopeless: Hopeless | None = None
    hopeless_since: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to send one request.

    lane (Lane): Whose it is.
    began (float): When, by time.monotonic().
    pause (object | None): The pause that it ends, as the one request that tries a server in trouble; None for others.
    """

    lane: "Lane"
    began: float
    pause: _Pause | None = None

    @property
    def is_trial(self) -> bool:
        """RETURNS (bool): Whether it is the one request that tries a server in trouble."""
        return self.pause is not None


@dataclass(slots=True, eq=False)
class _Waiter:
    future: asyncio.Future[Turn]
    number: int
    asked: float
    gives_up: bool
    turn: Turn | None = None


class Lane:
    """The requests of one model in one event loop, on the pace of their endpoint.

    most (int): In flight at most, whatever the pace allows.
    base (float): Seconds between the first trials.
    share (Share | None): What other processes leave; None for all.
    """

    def __init__(self, pace: "Pace", *, most: int, base: float, share: Share | None = None):
        self.pace = pace
        self.most = most
        self.base = base
        self.share = share
        self.loop = asyncio.get_running_loop()
        self.in_flight = 0
        self.waiters: deque[_Waiter] = deque()
        self.alarm = float("inf")  # when it looks again, by time.monotonic()

    async def turn(self, asked: float, *, gives_up: bool) -> Turn:
        """Wait for a turn, which `Pace.end` gives back.

        asked (float): When the request was first asked for, by time.monotonic().
        gives_up (bool): Whether the request ends where waiting isn't worth it.
        RAISES (Hopeless): Where it isn't.
        """
        return await self.pace.turn(self, asked, gives_up=gives_up)

    def take_share(self) -> bool:
        """RETURNS (bool): Whether other processes leave room for one more."""
        return self.share is None or self.share.take()

    def want(self, change: int) -> None:
        """Note that so many more requests wait, or fewer."""
        if self.share is not None:
            self.share.want(change)


class Pace:
    """Gives requests their turns, those of all lanes in the order in which they were asked for."""

    def __init__(self):
        self._lanes: weakref.WeakSet[Lane] = weakref.WeakSet()
        self._limit = float("inf")  # as long as nothing pushed back
        self._too_much = float("inf")
        self._cut_at = -1.0
        self._in_flight = 0
        self._numbers = count()
        self._pause: _Pause | None = None
        self._trials = 0
        self._trouble_since = 0.0
        self._answered_at = -1.0
        self._lock = threading.RLock()

    def lane(self, *, most: int, base: float, share: Share | None = None) -> Lane:
        """Add a lane for the running event loop; it counts as long as it is used.

        RETURNS (Lane): It.
        """
        with self._lock:
            lane = Lane(self, most=most, base=base, share=share)
            self._lanes.add(lane)
        return lane

    @property
    def limit(self) -> int:
        """RETURNS (int): How many requests may be in flight now."""
        return int(min(self._limit, self._most))

    @property
    def was_reached(self) -> bool:
        """RETURNS (bool): Whether anything ever answered."""
        return self._answered_at >= 0

    @property
    def _most(self) -> float:
        return float(max((lane.most for lane in self._lanes), default=1))

    async def turn(self, lane: Lane, asked: float, *, gives_up: bool) -> Turn:
        """Wait for a turn of a lane, as `Lane.turn` does."""
        with self._lock:
            waiter = _Waiter(lane.loop.create_future(), next(self._numbers), asked, gives_up)
            lane.waiters.append(waiter)
            lane.want(1)
            self._admit()
        try:
            return await waiter.future
        except asyncio.CancelledError:
            with self._lock:
                if waiter in lane.waiters:
                    lane.waiters.remove(waiter)
                    lane.want(-1)
                    self._admit()
                elif waiter.turn is not None:
                    self.end(waiter.turn)
            if waiter.future.done() and not waiter.future.cancelled():
                waiter.future.exception()  # read, since asyncio logs errors that were never read
            raise

    def sent(self, turn: Turn) -> Turn:
        """RETURNS (Turn): The turn as of now: limits per minute may have held its request back."""
        return replace(turn, began=time.monotonic())

    def is_paused(self, turn: Turn) -> bool:
        """RETURNS (bool): Whether all wait by now, but for the one that tries: the turn is to be given back unused."""
        return self._pause is not None and turn.pause is not self._pause

    def end(self, turn: Turn) -> None:
        """Give a turn back, after telling what came of it."""
        with self._lock:
            self._in_flight -= 1
            turn.lane.in_flight -= 1
            if turn.lane.share is not None:
                turn.lane.share.give_back()
            if turn.pause is not None:
                turn.pause.has_trial = False
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
            self._limit = min(max(self._most, self._limit), self._limit + step)

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
            self._too_much = min(self._limit, self._most)
            self._limit = max(1.0, self._too_much / 2)
            self._cut_at = time.monotonic()

    def _wait(self, trouble: Trouble, turn: Turn, wait: float | None, reason: str) -> None:
        now, pause, base = time.monotonic(), self._pause, turn.lane.base
        if pause is not None and turn.began < pause.since:  # one of those that were in flight together
            if wait is not None and not pause.has_trial:
                pause.until = max(pause.until, now + wait)
                self._judge(pause, wait)
            return
        if not self._trials:
            self._trouble_since = now
        self._trials += 1
        between = min(_LONGEST_BETWEEN_TRIALS, max(base, _TRIAL_SHARE * (now - self._trouble_since)))
        seconds = between * _chance.uniform(0.9, 1.1)
        is_told = wait is not None and self._trials == 1
        if is_told:
            seconds = wait + _chance.uniform(0, min(base, 0.5))
        elif wait is not None:
            seconds = max(wait, seconds)
        self._pause = _Pause(trouble, now, now + seconds, reason, is_told)
        self._judge(self._pause, wait or 0.0)
        self._admit()

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
        full: set[Lane] = set()
        while (lane := self._next_lane(full)) is not None:
            now, pause = time.monotonic(), self._pause
            if pause is not None:
                if pause.has_trial:
                    return
                # Who asks after all others gave up tries the server again.
                is_new = pause.hopeless is not None and lane.waiters[0].gives_up
                if now < pause.until and not is_new:
                    self._set_alarms(pause.until)
                    return
                if pause.is_told and not is_new:
                    self._pause = None
                    continue
            elif self._in_flight >= self.limit:
                return
            if not lane.take_share():
                full.add(lane)
                self._set_alarm(lane, now + _BETWEEN_LOOKS)
                continue
            if pause is not None:
                pause.has_trial = True
            waiter = lane.waiters.popleft()
            lane.want(-1)
            waiter.turn = Turn(lane, now, pause)
            self._in_flight += 1
            lane.in_flight += 1
            self._tell(lane, waiter, waiter.turn)

    def _next_lane(self, full: Collection[Lane]) -> Lane | None:
        """RETURNS (Lane | None): The one with room where a request waits longest."""
        lanes = [
            lane for lane in self._lanes if lane.waiters and lane.in_flight < lane.most and lane not in full
        ]
        return min(lanes, key=lambda lane: lane.waiters[0].number, default=None)

    def _give_up(self) -> None:
        pause = self._pause
        if pause is None or pause.hopeless is None:
            return
        for lane in self._lanes:
            for waiter in list(lane.waiters):
                if waiter.gives_up and waiter.asked <= pause.hopeless_since:
                    lane.waiters.remove(waiter)
                    lane.want(-1)
                    self._tell(lane, waiter, pause.hopeless)

    def _tell(self, lane: Lane, waiter: _Waiter, result: Turn | Hopeless) -> None:
        def tell() -> None:
            if waiter.future.done():  # cancelled, which gives the turn back
                return
            if isinstance(result, Turn):
                waiter.future.set_result(result)
            else:
                waiter.future.set_exception(result)

        if lane.loop is _running_loop():
            tell()
            return
        try:
            lane.loop.call_soon_threadsafe(tell)
        except RuntimeError:  # its loop was closed, and nobody waits there any more
            if isinstance(result, Turn):
                self.end(result)

    def _set_alarms(self, when: float) -> None:
        """Look again when a pause ends, in each lane that waits, since any of their loops may close before."""
        for lane in self._lanes:
            if lane.waiters:
                self._set_alarm(lane, when)

    def _set_alarm(self, lane: Lane, when: float) -> None:
        if lane.alarm <= when:  # it rings before, and is set again then
            return
        lane.alarm = when
        wait = max(0.0, when - time.monotonic())
        with suppress(RuntimeError):  # where its loop was closed
            lane.loop.call_soon_threadsafe(lane.loop.call_later, wait, self._ring, lane, when)

    def _ring(self, lane: Lane, when: float) -> None:
        with self._lock:
            if lane.alarm == when:
                lane.alarm = float("inf")
            self._admit()


# By process and address; each lasts as long as any model uses it.
_paces: "weakref.WeakValueDictionary[tuple[int, str], Pace]" = weakref.WeakValueDictionary()


def shared_pace(address: str) -> Pace:
    """RETURNS (Pace): The one of an address, in this process."""
    return _paces.setdefault((os.getpid(), address), Pace())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
