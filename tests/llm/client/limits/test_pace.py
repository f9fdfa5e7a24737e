import asyncio
import threading
import time

import pytest

from spacy_ner_plus.llm.client.limits.pace import Hopeless, Lane, Pace, Turn, shared_pace
from tests.llm.client.asking import ask_all, ask_for, make_model, read_lists, texts_of
from tests.servers.behaviour import Behaviour
from tests.servers.fault_server import FaultServer


def run(main, most: int = 16) -> None:
    """Run a coroutine function that takes a lane."""

    async def begin() -> None:
        await main(Pace().lane(most=most, base=0.01))

    asyncio.run(begin())


async def take(lane: Lane) -> Turn:
    return await asyncio.wait_for(lane.turn(time.monotonic(), gives_up=True), 5)


def ask_later(lane: Lane, *, asked: float = 0.0, gives_up: bool = True) -> asyncio.Task[Turn]:
    return asyncio.ensure_future(lane.turn(asked, gives_up=gives_up))


def test_pace_begins_with_the_most_and_halves_once_a_round_trip():
    async def main(lane: Lane) -> None:
        turns = [await take(lane) for _ in range(16)]
        assert lane.pace.limit == 16
        for turn in turns:
            lane.pace.slow(turn)
        assert lane.pace.limit == 8
        lane.pace.slow(lane.pace.sent(turns[0]))
        assert lane.pace.limit == 4

    run(main)


def test_pace_is_never_below_one():
    async def main(lane: Lane) -> None:
        turn = await take(lane)
        for _ in range(5):
            lane.pace.slow(lane.pace.sent(turn))
        assert lane.pace.limit == 1

    run(main, most=2)


def test_pace_doubles_to_half_of_what_was_too_much_and_then_grows_by_one():
    async def main(lane: Lane) -> None:
        pace, turn = lane.pace, await take(lane)
        for _ in range(3):
            pace.slow(pace.sent(turn))
        assert pace.limit == 8  # 16 was too much
        for _ in range(8):
            pace.answered(pace.sent(turn))
        assert pace.limit == 8
        pace.answered(pace.sent(turn))
        assert pace.limit == 9

    run(main, most=64)


def test_pace_makes_all_wait_as_long_as_asked():
    async def main(lane: Lane) -> None:
        lane.pace.limited(await take(lane), 0.3, "slow down")
        began = time.monotonic()
        await take(lane)
        assert 0.3 <= time.monotonic() - began < 2

    run(main)


def test_pace_tries_with_one_request_where_nothing_says_how_long():
    async def main(lane: Lane) -> None:
        turn = await take(lane)
        lane.pace.limited(turn, None, "slow down")
        lane.pace.end(turn)
        waiting = [ask_later(lane) for _ in range(3)]
        done, rest = await asyncio.wait(waiting, timeout=0.3)
        assert (len(done), len(rest)) == (1, 2)
        trial = done.pop().result()
        assert trial.is_trial
        lane.pace.answered(trial)
        lane.pace.end(trial)
        assert len((await asyncio.wait(rest, timeout=1))[0]) == 2

    run(main)


def test_pace_tries_again_where_the_request_that_tried_was_cancelled():
    async def main(lane: Lane) -> None:
        turn = await take(lane)
        lane.pace.limited(turn, None, "slow down")
        lane.pace.end(turn)
        waiting = [ask_later(lane) for _ in range(3)]
        (trial,), rest = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        lane.pace.end(trial.result())  # cancelled, it has nothing to tell
        assert await asyncio.wait(rest, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert sum(task.done() for task in rest) == 1

    run(main)


def test_pace_gives_up_on_a_limit_of_hours_and_goes_on_for_who_waits():
    async def main(lane: Lane) -> None:
        turn = await take(lane)
        lane.pace.limited(turn, 3600, "daily limit")
        waits = ask_later(lane, asked=time.monotonic() - 1, gives_up=False)
        with pytest.raises(Hopeless, match="daily limit"):
            await lane.turn(time.monotonic() - 1, gives_up=True)
        assert not waits.done()
        waits.cancel()

    run(main)


def test_pace_gives_back_the_turn_of_a_request_that_is_cancelled():
    async def main(lane: Lane) -> None:
        turn = await take(lane)
        waiting = [ask_later(lane) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        lane.pace.end(turn)
        assert await asyncio.wait_for(waiting[1], 5)

    run(main, most=1)


def test_pace_is_shared_by_threads():
    pace = Pace()
    most: list[int] = []
    running = 0

    async def work() -> None:
        nonlocal running
        lane = pace.lane(most=2, base=0.01)
        for _ in range(20):
            turn = await lane.turn(0.0, gives_up=True)
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


def test_pace_outlives_a_loop_that_was_closed_while_a_request_waited():
    pace = Pace()
    lanes, turns = [], []

    async def leave_one_waiting() -> None:
        lanes.append(pace.lane(most=1, base=0.01))
        turns.append(await take(lanes[0]))
        lanes[0].loop.create_task(lanes[0].turn(0.0, gives_up=True))
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave_one_waiting())
    tasks = asyncio.all_tasks(loop)
    loop.close()

    async def main() -> None:
        lane = pace.lane(most=1, base=0.01)
        later = ask_later(lane)
        await asyncio.sleep(0)
        pace.end(turns[0])
        await asyncio.wait_for(later, 5)

    asyncio.run(main())
    for task in tasks:
        task._log_destroy_pending = False


def test_pace_of_an_address_is_one_as_long_as_it_is_used():
    one, other = shared_pace("http://a"), shared_pace("http://b")
    assert shared_pace("http://a") is one
    assert other is not one


def test_pace_of_models_at_one_address_is_one_and_each_keeps_to_its_own_most():
    with (
        FaultServer(Behaviour(delay=0.03)) as server,
        make_model(server, max_concurrency=2, structured="off") as small,
        make_model(server, max_concurrency=6, structured="off") as large,
    ):
        ask_all(small, texts_of(20))
        assert server.most_in_flight == 2
        futures = [
            model.submit(ask_for(f"{number} {text}"), read_lists)
            for text in texts_of(30)
            for number, model in enumerate((small, large))
        ]
        assert not [future for future in futures if future.result(20).kind]
        assert server.most_in_flight == 6


def test_pace_holds_back_what_waited_for_a_rate_when_the_server_asks_all_to_wait():
    behaviour = Behaviour(first=("", "429"), retry_after=1)
    with (
        FaultServer(behaviour) as server,
        make_model(server, structured="off", requests_per_minute=1200, max_concurrency=100) as model,
    ):
        assert not [outcome for outcome in ask_all(model, texts_of(70)) if outcome.kind]
    refused = next(entry["time"] for entry in server.requests if entry["status"] == 429)
    early = [entry for entry in server.requests if refused + 0.3 < entry["time"] < refused + 0.9]
    assert not early
