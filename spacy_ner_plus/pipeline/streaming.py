"""A stream of Docs through a component: in batches, in order, each failing Doc alone."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from spacy import util
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError

# Begins to predict for a batch, and gives a function that waits for the result.
Start = Callable[[list[Doc]], Callable[[], Any]]


def annotate_stream(
    stream: Iterable[Doc],
    *,
    batch_size: int,
    start: Start,
    write: Callable[[list[Doc], Any], None],
    fail: Callable[[list[Doc], Exception], None],
    ahead: int = 0,
) -> Iterator[Doc]:
    """Annotate a stream of Docs.

    batch_size (int): How many Docs to take at once.
    start (Callable): Begins to predict for a batch, and gives a function that waits for the result.
    write (Callable): Writes such a result to the batch.
    fail (Callable): Is handed each Doc that can't be annotated, alone and with the error.
    ahead (int): How many batches to begin before the oldest is waited for, so that a GPU
        computes one while others are read and written. Default 0.
    YIELDS (Doc): The annotated Docs, in order.
    RAISES (UserError): Where a setting is at fault, and with it every Doc would fail.
    """
    begun: deque[tuple[list[Doc], Callable[[], Any] | Exception]] = deque()
    for docs in util.minibatch(stream, size=batch_size):
        begun.append((docs, _begin(start, docs)))
        if len(begun) > ahead:
            yield from _finish(*begun.popleft(), start, write, fail)
    while begun:
        yield from _finish(*begun.popleft(), start, write, fail)


def finish_doc(
    doc: Doc, write: Callable[[], None], fail: Callable[[list[Doc], Exception], None]
) -> Iterator[Doc]:
    """Write what was found out about a Doc, and yield it.

    write (Callable): Writes to the Doc, or raises what went wrong about it.
    fail (Callable): Is handed the Doc, with the error, where that raises.
    YIELDS (Doc): The Doc; nothing where it failed.
    RAISES (UserError): Where a setting is at fault, and with it every Doc would fail.
    """
    try:
        write()
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - handed to the user's handler
        fail([doc], error)
    else:
        yield doc


def _begin(start: Start, docs: list[Doc]) -> Callable[[], Any] | Exception:
    try:
        return start(docs)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - in the batch's turn each Doc is tried alone
        return error


def _finish(
    docs: list[Doc],
    result: Callable[[], Any] | Exception,
    start: Start,
    write: Callable[[list[Doc], Any], None],
    fail: Callable[[list[Doc], Exception], None],
) -> Iterator[Doc]:
    def annotate(doc: Doc) -> None:
        write([doc], start([doc])())

    try:
        if isinstance(result, Exception):
            raise result
        write(docs, result())
    except UserError:
        raise
    except Exception:  # noqa: BLE001 - which Doc is at fault is found out below
        for doc in docs:
            yield from finish_doc(doc, partial(annotate, doc), fail)
    else:
        yield from docs
