"""A stream of Docs whose answers are under way: a window slides over it, and order is kept."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError


@dataclass(slots=True)
class Asked:
    """A Doc and what was asked about it.

    doc (Doc): The Doc.
    chunks (list[tuple[int, int]]): The stretches of its text that were sent, by characters.
    futures (list[Future]): The answers to come, for each chunk those of all samples.
    error (Exception | None): Why nothing could be asked.
    """

    doc: Doc
    chunks: list[tuple[int, int]] = field(default_factory=list)
    futures: list[Future] = field(default_factory=list)
    error: Exception | None = None

    def is_done(self) -> bool:
        """RETURNS (bool): Whether all answers are there."""
        return all(future.done() for future in self.futures)


def slide(
    stream: Iterable[Doc],
    *,
    width: int,
    ask: Callable[[Doc], Asked],
    write: Callable[[Asked], None],
    fail: Callable[[list[Doc], Exception], None],
) -> Iterator[Doc]:
    """Ask about the Docs of a stream, many at a time, and give them out in order.

    A Doc is given out as soon as it and all before it are answered, so the first doesn't wait for
    a batch; at most `width` are held, so an answer that is slow doesn't stop the others at once.

    stream (Iterable[Doc]): The Docs.
    width (int): Most Docs that are held.
    ask (Callable): Sends what is to be asked about a Doc.
    write (Callable): Waits for the answers, and writes to the Doc what they say.
    fail (Callable): Is handed each Doc that can't be written, alone and with the error.
    YIELDS (Doc): The Docs, in order.
    RAISES (UserError): Where a setting is at fault, or the budget is used up, so that no Doc can do better.
    """
    held: deque[Asked] = deque()
    try:
        for doc in stream:
            held.append(_begin(doc, ask))
            while held and (len(held) >= width or held[0].is_done()):
                yield from _finish(held.popleft(), write, fail)
        while held:
            yield from _finish(held.popleft(), write, fail)
    finally:
        # The consumer has stopped, Ctrl-C was pressed, or a setting is at fault.
        for asked in held:
            for future in asked.futures:
                future.cancel()
        wait([future for asked in held for future in asked.futures], timeout=1.0)


def _begin(doc: Doc, ask: Callable[[Doc], Asked]) -> Asked:
    try:
        return ask(doc)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the user's handler when the Doc's turn comes
        return Asked(doc, error=error)


def _finish(
    asked: Asked, write: Callable[[Asked], None], fail: Callable[[list[Doc], Exception], None]
) -> Iterator[Doc]:
    try:
        if asked.error is not None:
            raise asked.error
        write(asked)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the user's handler
        fail([asked.doc], error)
    else:
        yield asked.doc
