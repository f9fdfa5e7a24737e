"""Which of several computations is the fastest, found out within a given time."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
# Computes something for so many wordpieces.
Run = Callable[[int], object]

_FEW = 32
# Numbers of wordpieces grow by no more at once: a library may be slow at some.
_GROWTH = 8
# As often each of them is to run, the first time slower, in this share of the time: other work may come beside it.
_PASSES = 4.5
_PLANNED = 0.8
_MOST_PASSES = 7
# So often at least once more: at the first time at a size, libraries make code for it, which takes longer than
# the computation.
_LEAST_PASSES = 1
# What is so many times slower than another on a few wordpieces isn't tried on many.
_HOPELESS = 8.0


@dataclass(frozen=True)
class Timings(Generic[K]):
    """What was measured.

    seconds (Mapping): For each computation, how long it takes for `wordpieces` of them, at best; infinite where it
        fails here. Without those for which there was no time.
    wordpieces (int): How many were computed at once.
    spent (float): Seconds that measuring took.
    whole (bool): Whether the time was enough to time all of them in turn.
    """

    seconds: Mapping[K, float]
    wordpieces: int
    spent: float
    whole: bool


def time_in_turn(
    makers: Mapping[K, Callable[[], Run]],
    sizes: Callable[[int], int],
    budget: float,
    *,
    wordpieces: int = 0,
    now: Callable[[], float] = perf_counter,
) -> Timings[K]:
    """Time computations in turn, so that what else the machine does hits all of them; the best time of each counts.

    The first of them tells how many wordpieces can be computed in the time, a few times by each.

    makers (Mapping): Prepare each of them; the time for that counts.
    sizes (Callable): Rounds a number of wordpieces down to one that is computed at once, or up to the least that is.
    budget (float): Seconds for all together. What has begun then is finished.
    wordpieces (int): How many are computed at once. Default 0: as the time allows.
    now (Callable): The clock, in seconds.
    RETURNS (Timings): What was measured; nothing but infinities where all fail.
    """
    start = now()
    end = start + budget
    few = sizes(_FEW)
    count = wordpieces
    runs: dict[K, Run] = {}
    best: dict[K, float] = {}
    apart: dict[K, float] = {}
    least = inf

    def timed(run: Run, size: int) -> float:
        before = now()
        run(size)
        return now() - before

    def grown(run: Run) -> int:
        # How many wordpieces there is time for.
        size, slot = few, (end - now()) * _PLANNED / (_PASSES * len(makers))
        while True:
            share = slot / max(timed(run, size), 1e-9)
            larger = sizes(int(size * min(share, _GROWTH)))
            if larger <= size:
                return size
            size = larger

    for name, make in makers.items():
        if runs and now() >= end:
            break
        try:
            run = make()
            # The first time, libraries prepare code for the shape.
            first = timed(run, few)
            if first > _HOPELESS * least:
                apart[name] = first * count / few
                continue
            least = min(first, least)
            count = count or grown(run)
            best[name] = timed(run, count)
        except (RuntimeError, NotImplementedError, MemoryError, AttributeError, ValueError, TypeError):
            # Not on this machine, or not with these versions.
            apart[name] = inf
            continue
        runs[name] = run
    complete = len(best) + len(apart) == len(makers)
    laps = 0
    lap = sum(best.values())
    while complete and runs and laps < _MOST_PASSES and (laps < _LEAST_PASSES or now() + lap <= end):
        before = now()
        for name, run in runs.items():
            best[name] = min(best[name], timed(run, count))
        lap, laps = now() - before, laps + 1
    # One computation needs no comparison.
    whole = complete and (laps > 0 or len(runs) < 2)
    return Timings({**best, **apart}, count or few, now() - start, whole)
