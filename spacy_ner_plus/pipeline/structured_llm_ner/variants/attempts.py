"""Variants are asked about a Doc in turn, until one answers; nothing waits meanwhile."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Lock, Thread

from spacy.tokens import Doc

from spacy_ner_plus.errors import UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm.store.draws import Draw
from spacy_ner_plus.pipeline.structured_llm_ner.extraction import Extraction
from spacy_ner_plus.pipeline.structured_llm_ner.extractor import Extractor
from spacy_ner_plus.pipeline.structured_llm_ner.in_flight import DocInFlight
from spacy_ner_plus.pipeline.structured_llm_ner.variants.resting import Resting

# Of the kinds of issues that name a variant.
NOT_ANSWERED = "document that a variant didn't answer: the next one was asked"


@dataclass(slots=True)
class Attempt:
    """One variant that was asked about a Doc.

    extractor (Extractor | None): What asks and reads; None where it can't be made.
    requests (DocInFlight | None): What was asked.
    error (UserError | None): Why no request of it can succeed.
    left_out (int): How many characters have no answer, where there is no such error.
    issues (IssueLog): What was lost as the text was cut.
    """

    variant: str
    extractor: Extractor | None = None
    requests: DocInFlight | None = None
    error: UserError | None = None
    left_out: int = 0
    issues: IssueLog = field(default_factory=IssueLog)


@dataclass(slots=True)
class DocInTurn(DocInFlight):
    """A Doc about which variants are asked in turn.

    futures (list[Future]): One, which is done when one of them has answered, or none is left.
    drawn (Draw | None): The variant that comes first.
    attempts (list[Attempt]): Those that were asked so far.
    chosen (Attempt | None): The one whose answer counts.
    """

    drawn: Draw | None = None
    attempts: list[Attempt] = field(default_factory=list)
    chosen: Attempt | None = None

    def read(self, issues: IssueLog, resting: Resting) -> Extraction:
        """Wait for an answer, and find the mentions in the text.

        issues (IssueLog): Where variants that failed are counted.
        RAISES (UserError): Where no request of any variant can succeed.
        """
        self.futures[0].result()
        chosen = self.chosen
        extraction = chosen.extractor.read(chosen.requests)
        issues.merge(chosen.issues)
        reasons = {attempt.variant: str(attempt.error or _why(attempt, chosen)) for attempt in self.attempts}
        reasons.setdefault(self.drawn.variant, resting.reason(self.drawn.variant))
        reasons.pop(chosen.variant)
        for variant, reason in reasons.items():
            issues.add(f"{NOT_ANSWERED} ({variant})", reason or f"{self.text[:40]!r}")
        return extraction


def _why(attempt: Attempt, chosen: Attempt) -> str:
    if attempt is chosen or attempt.requests is None:
        return ""
    failures = [each.failure for future in attempt.requests.futures for each in future.result().failures]
    return failures[0] if failures else ""


class Attempts:
    """Asks the variants of a component.

    variants (Sequence[str]): In the order in which they step in.
    extractor_of (Callable[[str], Extractor]): Makes what asks and reads, when it is first needed.
    resting (Resting): Those that come last.
    """

    def __init__(self, variants: Sequence[str], extractor_of: Callable[[str], Extractor], resting: Resting):
        self._variants = variants
        self._extractor_of = extractor_of
        self._resting = resting

    def submit(self, doc: Doc, text: str, drawn: Draw) -> DocInTurn:
        """Ask about a Doc: first the variant that was drawn, where it fails the others.

        text (str): The Doc's.
        """
        settled: Future[None] = Future()
        turn = DocInTurn(doc, futures=[settled], text=text, drawn=drawn)
        settled.add_done_callback(lambda _: _cancel(turn, settled))
        others = [variant for variant in self._variants if variant != drawn.variant]
        self._go_on(turn, iter(self._resting.last([drawn.variant, *others])), settled)
        return turn

    def _go_on(self, turn: DocInTurn, left: Iterator[str], settled: "Future[None]") -> None:
        try:
            for variant in left:
                if settled.done():  # it was cancelled
                    return
                attempt = self._begin(turn.doc, variant)
                turn.attempts.append(attempt)
                if attempt.requests is not None and not attempt.requests.is_done():
                    _when_done(
                        attempt.requests.futures, partial(self._judge_and_go_on, turn, attempt, left, settled)
                    )
                    return
                if self._has_answer(attempt):
                    _settle(turn, attempt, settled)
                    return
            self._give_up(turn, settled)
        except CancelledError:
            settled.cancel()
        except Exception as error:  # noqa: BLE001 - raised where the Doc is read
            with suppress(InvalidStateError):
                settled.set_exception(error)

    def _judge_and_go_on(
        self, turn: DocInTurn, attempt: Attempt, left: Iterator[str], settled: "Future[None]"
    ) -> None:
        """In the thread of a client's requests, which go on meanwhile."""
        try:
            if self._has_answer(attempt):
                _settle(turn, attempt, settled)
                return
        except CancelledError:
            settled.cancel()
            return
        # Prompts are written and the store is read, which would hold up the requests of the client.
        Thread(
            target=self._go_on, args=(turn, left, settled), name="spacy-ner-plus-next", daemon=True
        ).start()

    def _begin(self, doc: Doc, variant: str) -> Attempt:
        attempt = Attempt(variant)
        try:
            attempt.extractor = self._extractor_of(variant)
            attempt.requests = attempt.extractor.submit(doc, attempt.issues)
        except UserError as error:
            self._fail(attempt, error)
        return attempt

    def _has_answer(self, attempt: Attempt) -> bool:
        """RETURNS (bool): Whether all of the text has an answer, or reading it fails by an error of ours."""
        if attempt.error is not None:
            return False
        for future in attempt.requests.futures:
            error = future.exception()
            if isinstance(error, UserError):
                self._fail(attempt, error)
                return False
            if error is not None:  # raised again where the Doc is read
                return True
        attempt.left_out = attempt.extractor.left_out(attempt.requests)
        return not attempt.left_out

    def _fail(self, attempt: Attempt, error: UserError) -> None:
        attempt.error = error
        self._resting.begin(attempt.variant, str(error))

    @staticmethod
    def _give_up(turn: DocInTurn, settled: "Future[None]") -> None:
        """Take the answer that lacks the least, or the error of the first where there is none."""
        read = [attempt for attempt in turn.attempts if attempt.error is None]
        if read:
            _settle(turn, min(read, key=lambda attempt: attempt.left_out), settled)
        else:
            with suppress(InvalidStateError):
                settled.set_exception(turn.attempts[0].error)


def _settle(turn: DocInTurn, attempt: Attempt, settled: "Future[None]") -> None:
    turn.chosen = attempt
    with suppress(InvalidStateError):  # where it was cancelled meanwhile
        settled.set_result(None)


def _cancel(turn: DocInTurn, settled: "Future[None]") -> None:
    if settled.cancelled():
        # So that it is over for those who wait for it.
        settled.set_running_or_notify_cancel()
        for attempt in turn.attempts:
            for future in attempt.requests.futures if attempt.requests is not None else ():
                future.cancel()


def _when_done(futures: "Sequence[Future]", then: Callable[[], None]) -> None:
    """Call something once, in the thread in which the last of several futures is done."""
    lock, left = Lock(), len(futures)

    def count(_: "Future") -> None:
        nonlocal left
        with lock:
            left -= 1
            is_last = left == 0
        if is_last:
            then()

    for future in futures:
        future.add_done_callback(count)
