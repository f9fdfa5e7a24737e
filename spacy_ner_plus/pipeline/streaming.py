"""A stream of Docs through a component: in batches, in order, each failing Doc alone."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spacy import util
from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError

Launch = Callable[[list[Doc]], Callable[[], Any]]


def annotate_stream(
    stream: Iterable[Doc],
    *,
    batch_size: int,
    launch: Launch,
    write: Callable[[list[Doc], Any], None],
    fail: Callable[[list[Doc], Exception], None],
    ahead: int = 0,
) -> Iterator[Doc]:
    """Annotate a stream of Docs.

    stream (Iterable[Doc]): The Docs.
    batch_size (int): How many to take at once.
    launch (Callable): Begins to predict for a batch, and gives a function that waits for it.
    write (Callable): Writes what that function gave to the batch.
    fail (Callable): Is handed each Doc that can't be annotated, alone and with the error.
    ahead (int): How many batches to begin before the oldest is waited for, so that a GPU
        computes one while others are read and written. Default 0.
    YIELDS (Doc): The annotated Docs, in order.
    RAISES (UserError): Where a setting is at fault, and with it every Doc would fail.
    """
    begun: deque[tuple[list[Doc], Callable[[], Any] | Exception]] = deque()
    for docs in util.minibatch(stream, size=batch_size):
        begun.append((docs, _begin(launch, docs)))
        if len(begun) > ahead:
            yield from _finish(*begun.popleft(), launch, write, fail)
    while begun:
        yield from _finish(*begun.popleft(), launch, write, fail)


def _begin(launch: Launch, docs: list[Doc]) -> Callable[[], Any] | Exception:
    try:
        return launch(docs)
    except UserError:
        raise
    except Exception as error:  # noqa: BLE001 - met again, Doc by Doc, when the batch's turn comes
        return error


def _finish(
    docs: list[Doc],
    wait: Callable[[], Any] | Exception,
    launch: Launch,
    write: Callable[[list[Doc], Any], None],
    fail: Callable[[list[Doc], Exception], None],
) -> Iterator[Doc]:
    try:
        if isinstance(wait, Exception):
            raise wait
        write(docs, wait())
    except UserError:
        raise
    except Exception:  # noqa: BLE001 - whichever Doc is at fault is found below
        for doc in docs:
            try:
                write([doc], launch([doc])())
            except Exception as error:  # noqa: BLE001 - handed to the user's handler
                fail([doc], error)
            else:
                yield doc
    else:
        yield from docs
