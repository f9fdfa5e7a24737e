"""A stream of Docs about which many requests are in flight at a time, in order."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial

from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.pipeline.streaming import finish_doc
from spacy_ner_plus.pipeline.structured_llm_ner.sample import Sample


@dataclass(slots=True)
class DocInFlight:
    """A Doc and the requests about it.

    chunks (list[tuple[int, int]]): The parts of its text that were asked about, by characters.
    futures (list[Future[Sample]]): What comes of each: for each chunk its samples.
    error (Exception | None): Why nothing could be sent.
    text (str): The Doc's text, which a Doc makes of its tokens each time.
    is_asked (bool): Whether the model is asked about it at all.
    """

    doc: Doc
    chunks: list[tuple[int, int]] = field(default_factory=list)
    futures: list[Future[Sample]] = field(default_factory=list)
    error: Exception | None = None
    text: str = ""
    is_asked: bool = True

    def is_done(self) -> bool:
        """RETURNS (bool): Whether nothing needs to be waited for any more."""
        return all(future.done() for future in self.futures)


def stream_in_flight(
    stream: Iterable[Doc],
    *,
    most: int,
    submit: Callable[[Doc], DocInFlight],
    write: Callable[[DocInFlight], None],
    fail: Callable[[list[Doc], Exception], None],
) -> Iterator[Doc]:
    """Send the requests about the Docs of a stream, many at a time, and yield the Docs in order.

    A Doc that is answered, as all before it are, is yielded as soon as the stream has given the next one, so the
    first doesn't wait for a batch. A stream that waits for what is yielded goes through `astream_in_flight`. At most
    `most` are held back, so one slow reply doesn't stop the others at once.

    submit (Callable): Sends the requests about a Doc.
    write (Callable): Waits for the replies, and writes to the Doc what they say.
    fail (Callable): Gets each Doc that can't be written, alone and with the error.
    RAISES (UserError): Where a setting is at fault, or the budget is used up, so that every Doc would fail.
    """

    def finish(submitted: DocInFlight) -> Iterator[Doc]:
        return finish_doc(submitted.doc, partial(_write, submitted, write), fail)

    held: deque[DocInFlight] = deque()
    try:
        for doc in stream:
            held.append(_submit(doc, submit))
            while held and (len(held) >= most or held[0].is_done()):
                yield from finish(held.popleft())
        while held:
            yield from finish(held.popleft())
    finally:
        # The consumer has stopped, Ctrl-C was pressed, or a setting is at fault.
        for submitted in held:
            for future in submitted.futures:
                future.cancel()
        wait([future for submitted in held for future in submitted.futures], timeout=1.0)


async def astream_in_flight(
    stream: Iterable[Doc] | AsyncIterable[Doc],
    *,
    most: int,
    submit: Callable[[Doc], DocInFlight],
    write: Callable[[DocInFlight], None],
    fail: Callable[[list[Doc], Exception], None],
) -> AsyncIterator[Doc]:
    """As `stream_in_flight`, for an event loop, which is free while replies are waited for.

    The stream is read beside that, so a Doc that is answered doesn't wait for the next one, and a stream may wait for
    what is yielded.

    stream (Iterable[Doc] | AsyncIterable[Doc]): The Docs.
    """
    held: deque[DocInFlight] = deque()
    came, has_room = asyncio.Event(), asyncio.Event()

    # One task reads all of it, since what an asynchronous generator holds open may be bound to its task.
    async def read() -> None:
        async for doc in _asynchronous(stream):
            held.append(_submit(doc, submit))
            came.set()
            await asyncio.sleep(0)  # a stream that never waits leaves others their turn, too
            while len(held) >= most:
                has_room.clear()
                await has_room.wait()

    reader = asyncio.create_task(read())
    reader.add_done_callback(lambda _: came.set())
    try:
        while True:
            if reader.done() and not (held and held[0].is_done()):
                reader.result()  # raises what the stream or a setting raised, once what is answered is yielded
            if held:
                # What came of them is read by `write`, errors included; here they are only waited for.
                await asyncio.gather(*map(asyncio.wrap_future, held[0].futures), return_exceptions=True)
                submitted = held.popleft()
                has_room.set()
                for finished in finish_doc(submitted.doc, partial(_write, submitted, write), fail):
                    yield finished
            elif reader.done():
                return
            else:
                came.clear()
                await came.wait()
    finally:
        reader.cancel()
        for submitted in held:
            for future in submitted.futures:
                future.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _asynchronous(stream: Iterable[Doc] | AsyncIterable[Doc]) -> AsyncIterator[Doc]:
    if isinstance(stream, AsyncIterable):
        async for doc in stream:
            yield doc
    else:
        for doc in stream:
            yield doc


def _submit(doc: Doc, submit: Callable[[Doc], DocInFlight]) -> DocInFlight:
    try:
        return submit(doc)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - raised again when it is the Doc's turn
        return DocInFlight(doc, error=error)


def _write(submitted: DocInFlight, write: Callable[[DocInFlight], None]) -> None:
    if submitted.error is not None:
        raise submitted.error
    write(submitted)
