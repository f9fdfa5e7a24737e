"""Predictions of a pipeline: in order, one for each input, also where it fails."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import raise_error

from spacy_ner_plus.corpus import bare_copy

Handler = Callable[..., Any]


class PipedDoc(NamedTuple):
    """One input of a pipeline, and the Doc that came of it.

    doc (Doc | None): The Doc, None where a component failed on it.
    context (Any): What was given beside the input.
    failure (str): Why it failed; '' where it did not.
    """

    doc: Doc | None
    context: Any
    failure: str


def pipe_in_order(
    nlp: Language,
    inputs: Iterable[tuple[str | Doc, Any]],
    *,
    batch_size: int | None = None,
    n_process: int = 1,
) -> Iterator[PipedDoc]:
    """Run a pipeline over a stream; an input on which it fails keeps its place.

    The error handlers of the pipeline are replaced until the end: without that, one failing
    Doc would end the run, and one that is dropped would shift all after it. Those that were
    set before are called, too. spaCy's `ner` and `parser` take no handler: a failure in these ends the run.

    inputs (Iterable[tuple[str | Doc, Any]]): Texts or Docs, each with any context.
    batch_size (int): How many at once; None for the pipeline's own.
    n_process (int): How many processes.
    YIELDS (PipedDoc): One for each input, in order.
    """
    waiting: deque[tuple[int, Any]] = deque()
    errors: dict[int, str] = {}

    def note(name, proc, docs, error) -> None:
        # docs is None where the failure comes back from another process.
        for doc in docs or []:
            errors[doc._context] = f"{name}: {error}"

    def feed() -> Iterator[tuple[str | Doc, int]]:
        for number, (text, context) in enumerate(inputs):
            waiting.append((number, context))
            if isinstance(text, str) and len(text) > nlp.max_length:
                errors[number] = f"{len(text)} characters are more than nlp.max_length ({nlp.max_length})"
            else:
                yield text, number

    def failed(number: int, context: Any) -> PipedDoc:
        return PipedDoc(None, context, errors.pop(number, "failed in another process"))

    with _error_handler(nlp, note):
        docs = nlp.pipe(feed(), as_tuples=True, batch_size=batch_size, n_process=n_process)
        for doc, number in docs:
            # A component that returns a new Doc loses the number: then it is the
            # first that is not known to have failed.
            while waiting[0][0] != number if number is not None else waiting[0][0] in errors:
                yield failed(*waiting.popleft())
            yield PipedDoc(doc, waiting.popleft()[1], "")
        while waiting:
            yield failed(*waiting.popleft())


@contextmanager
def _error_handler(nlp: Language, handler: Handler) -> Iterator[None]:
    """Do for a while what nlp.set_error_handler does for good, and breaks off at a component that refuses."""
    default = nlp.default_error_handler
    handlers = [
        (component, component.get_error_handler())
        for _, component in nlp.pipeline
        if hasattr(component, "set_error_handler")
    ]
    nlp.default_error_handler = _both(handler, default)
    for component, previous in handlers:
        _set_handler(component, _both(handler, previous))
    try:
        yield
    finally:
        nlp.default_error_handler = default
        for component, previous in handlers:
            _set_handler(component, previous)


def _set_handler(component: Any, handler: Handler) -> None:
    # spaCy's parser-based components have the method, but no place for the handler.
    with suppress(AttributeError):
        component.set_error_handler(handler)


def _both(handler: Handler, previous: Handler) -> Handler:
    # Raising is what spaCy does where no handler was set.
    if previous is raise_error:
        return handler

    def call_both(name, proc, docs, error) -> None:
        handler(name, proc, docs, error)
        previous(name, proc, docs, error)

    return call_both


def predict_docs(
    nlp: Language,
    golds: Iterable[Doc],
    *,
    gold_tokens: bool = False,
    batch_size: int | None = None,
    n_process: int = 1,
) -> Iterator[PipedDoc]:
    """Run a pipeline on the texts of gold Docs, which give it nothing but text or tokens.

    gold_tokens (bool): Whether the pipeline gets gold's tokens instead of its
        own; it does in any case where gold's white space is unknown, as in `spacy evaluate`.
    batch_size (int): How many at once; None for the pipeline's own.
    n_process (int): How many processes.
    YIELDS (PipedDoc): One for each gold Doc, in order, with the gold Doc as context.
    """
    inputs = (
        (bare_copy(gold, nlp.vocab) if gold_tokens or gold.has_unknown_spaces else gold.text, gold)
        for gold in golds
    )
    return pipe_in_order(nlp, inputs, batch_size=batch_size, n_process=n_process)
