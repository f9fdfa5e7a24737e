import asyncio
import threading
import time

import pytest

from spacy_ner_plus.llm.client.pace import Hopeless, Pace, Turn, shared_pace


def take(pace: Pace) -> Turn:
    return asyncio.run(asyncio.wait_for(pace.turn(time.monotonic(), gives_up=True), 5))


def test_pace_begins_with_the_most_and_halves_once_a_round_trip():
    pace = Pace(16, 0.01)
    turns = [take(pace) for _ in range(16)]
    assert pace.limit == 16
    for turn in turns:
        pace.slow(turn)
    assert pace.limit == 8
    pace.slow(pace.sent(turns[0]))
    assert pace.limit == 4


def test_pace_is_never_below_one():
    pace = Pace(2, 0.01)
    turn = take(pace)
    for _ in range(5):
        pace.slow(pace.sent(turn))
    assert pace.limit == 1


def test_pace_doubles_to_half_of_what_was_too_much_and_then_grows_by_one():
    pace = Pace(64, 0.01)
    turn = take(pace)
    for _ in range(3):
        pace.slow(pace.sent(turn))
    assert pace.limit == 8  # 16 was too much
    for _ in range(8):
        pace.answered(pace.sent(turn))
    assert pace.limit == 8
    pace.answered(pace.sent(turn))
    assert pace.limit == 9


def test_pace_makes_all_wait_as_long_as_asked():
    pace = Pace(4, 0.01)
    pace.limited(take(pace), 0.3, "slow down")
    began = time.monotonic()
    take(pace)
    assert 0.3 <= time.monotonic() - began < 2


def test_pace_tries_with_one_request_where_nothing_says_how_long():
    async def main() -> None:
        pace = Pace(4, 0.05)
        turn = await pace.turn(0.0, gives_up=True)
        pace.limited(turn, None, "slow down")
        pace.end(turn)
        waiting = [asyncio.ensure_future(pace.turn(0.0, gives_up=True)) for _ in range(3)]
        done, rest = await asyncio.wait(waiting, timeout=0.3)
        assert (len(done), len(rest)) == (1, 2)
        trial = done.pop().result()
        assert trial.is_trial
        pace.answered(trial)
        pace.end(trial)
        assert len((await asyncio.wait(rest, timeout=1))[0]) == 2

    asyncio.run(main())


def test_pace_gives_up_on_a_limit_of_hours_and_goes_on_for_who_waits():
    async def main() -> None:
        pace = Pace(4, 0.01)
        turn = await pace.turn(0.0, gives_up=True)
        patient = asyncio.ensure_future(pace.turn(time.monotonic(), gives_up=False))
        await patient
        pace.limited(turn, 3600, "daily limit")
        waits = asyncio.ensure_future(pace.turn(time.monotonic() - 1, gives_up=False))
        with pytest.raises(Hopeless, match="daily limit"):
            await pace.turn(time.monotonic() - 1, gives_up=True)
        assert not waits.done()
        waits.cancel()

    asyncio.run(main())


def test_pace_gives_back_the_turn_of_a_request_that_is_cancelled():
    async def main() -> None:
        pace = Pace(1, 0.01)
        turn = await pace.turn(0.0, gives_up=True)
        waiting = [asyncio.ensure_future(pace.turn(0.0, gives_up=True)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        pace.end(turn)
        assert await asyncio.wait_for(waiting[1], 5)

    asyncio.run(main())


def test_pace_is_shared_by_threads():
    pace = Pace(2, 0.01)
    most: list[int] = []
    running = 0

    async def work() -> None:
        nonlocal running
        for _ in range(20):
            turn = await pace.turn(0.0, gives_up=True)
            running += 1
            most.append(running)
            await asyncio.sleep(0.001)
            running -= 1
            pace.answered(turn)
            pace.end(turn)

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(most), max(most)) == (120, 2)


def test_pace_of_an_address_is_one_as_long_as_it_is_used():
    one, other = shared_pace("http://a", 4, 0.1), shared_pace("http://b", 4, 0.1)
    assert shared_pace("http://a", 4, 0.1) is one
    assert other is not one
