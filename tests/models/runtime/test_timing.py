from math import inf

import pytest

from spacy_ner_plus.models.runtime.timing import time_in_turn


class Clock:
    """Time that passes only where something computes."""

    def __init__(self):
        self.time = 0.0

    def __call__(self) -> float:
        return self.time

    def computing(self, seconds_each, *, start=0.0, fixed=0.0, calls=None):
        """A computation that takes so many seconds for each wordpiece, and some to be prepared."""

        def make():
            self.time += start

            def run(count):
                if calls is not None:
                    calls.append(count)
                self.time += fixed + seconds_each * count

            return run

        return make


@pytest.fixture
def clock() -> Clock:
    return Clock()


def whole(count: int) -> int:
    return min(max(count, 1), 1000)


def test_timing_finds_how_long_each_takes(clock):
    makers = {"a": clock.computing(2e-5), "b": clock.computing(1e-5)}
    found = time_in_turn(makers, whole, 0.2, now=clock)
    assert found.seconds == pytest.approx({"a": 2e-5 * found.wordpieces, "b": 1e-5 * found.wordpieces})
    assert found.whole
    assert found.wordpieces > 500


@pytest.mark.parametrize("each", [1e-7, 1e-6, 1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("start", [0.0, 0.01])
def test_timing_takes_no_longer_than_it_may(clock, each, start):
    makers = {name: clock.computing(each * factor, start=start) for factor, name in enumerate("abc", start=1)}
    time_in_turn(makers, whole, 0.2, now=clock)
    assert clock.time <= 0.2 + 3 * each * 32


def test_timing_of_a_slow_machine_ends_after_what_has_begun(clock):
    makers = {name: clock.computing(0.01) for name in "abc"}
    found = time_in_turn(makers, whole, 0.2, now=clock)
    assert (list(found.seconds), found.whole) == (["a"], False)


def test_timing_does_not_go_on_with_what_is_far_slower(clock):
    calls: list[int] = []
    makers = {"a": clock.computing(1e-5), "b": clock.computing(1e-3, calls=calls)}
    found = time_in_turn(makers, whole, 0.2, now=clock)
    assert (calls, found.whole) == ([32], True)
    assert found.seconds["b"] == pytest.approx(1e-3 * found.wordpieces)


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, MemoryError])
def test_timing_leaves_out_what_fails(clock, error):
    def fail():
        raise error

    makers = {"a": fail, "b": clock.computing(1e-5)}
    found = time_in_turn(makers, whole, 0.2, now=clock)
    assert found.seconds["a"] == inf > found.seconds["b"]
    assert time_in_turn({"a": fail}, whole, 0.2, now=clock).seconds == {"a": inf}


def test_timing_takes_as_many_wordpieces_as_told(clock):
    makers = {"a": clock.computing(1e-5), "b": clock.computing(1e-5)}
    assert time_in_turn(makers, whole, 0.2, wordpieces=77, now=clock).wordpieces == 77


def test_timing_takes_the_best_of_several_turns(clock):
    """Other work hits one turn, and not the other."""
    times = iter([1.0, 1.0, 1.0] + [0.01, 0.02] * 20)

    def make():
        def run(count):
            clock.time += next(times, 0.01) * 1e-2

        return run

    found = time_in_turn({"a": make, "b": make}, lambda count: 10, 0.2, now=clock)
    assert max(found.seconds.values()) < 1e-3
