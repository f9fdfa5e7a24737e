"""What a chat model holds in one process: its store, its event loop, its requests in flight."""

import asyncio
import os
import warnings
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from spacy_ner_plus.errors import Errors, UserError, Warnings
from spacy_ner_plus.extras import check_installed
from spacy_ner_plus.llm.client.call import Call, NoReply
from spacy_ner_plus.llm.client.endpoint.endpoint import Endpoint
from spacy_ner_plus.llm.client.endpoint.local_endpoint import LocalEndpoint, find_local, with_patience
from spacy_ner_plus.llm.client.endpoint.schema_modes import SchemaModes
from spacy_ner_plus.llm.client.endpoint.text_grammars import TextGrammars
from spacy_ner_plus.llm.client.kept_replies import KeptReplies
from spacy_ner_plus.llm.client.layers.coalesced import Coalesced
from spacy_ner_plus.llm.client.layers.held_to_text import HeldToText
from spacy_ner_plus.llm.client.layers.limited import Limited
from spacy_ner_plus.llm.client.layers.probed import Probed
from spacy_ner_plus.llm.client.layers.retried import Retried
from spacy_ner_plus.llm.client.layers.stored import Stored
from spacy_ner_plus.llm.client.layers.validated import Validated
from spacy_ner_plus.llm.client.layers.whole_prompts import PromptSizes, WholePrompts
from spacy_ner_plus.llm.client.limits.budget import Budget
from spacy_ner_plus.llm.client.limits.copies import ConcurrencyShare, Lineage, copies_of
from spacy_ner_plus.llm.client.limits.pace import shared_pace
from spacy_ner_plus.llm.client.limits.rates import RateLimits
from spacy_ner_plus.llm.client.loop_thread import LoopThread
from spacy_ner_plus.llm.client.open_question import OpenQuestion, without_text_grammar
from spacy_ner_plus.llm.client.prices import Price, find_price
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import load_counter
from spacy_ner_plus.llm.client.usage import UsageMeter, UsageSnapshot
from spacy_ner_plus.llm.local.local_model import slots_of, threads_of
from spacy_ner_plus.llm.local.server import LocalServer, local_server
from spacy_ner_plus.llm.requests import ChatRequest, Dialogue, Outcome, Question, Usage
from spacy_ner_plus.llm.store.store import has_store

T = TypeVar("T")


class ProcessClient:
    """Holds dialogues with a model, by the store alone as far as it has the replies.

    Nothing is opened before the first request. After `close` the next request opens everything again.

    lineage (Lineage): Which models in other processes are copies, with which it shares what is limited.
    """

    def __init__(self, settings: ChatSettings, lineage: Lineage):
        self._settings = settings
        self._pid = os.getpid()
        self._copies = copies_of(lineage)
        self._most = settings.max_concurrency
        if settings.local is not None:
            # More would wait in the server, and count as slow there.
            self._most = min(self._most, slots_of(threads_of(settings.threads)))
        self._share = ConcurrencyShare(self._copies, self._most)
        self._rates = RateLimits(
            self._copies,
            requests_per_minute=settings.requests_per_minute,
            tokens_per_minute=settings.tokens_per_minute,
        )
        self._price, note = find_price(settings.shown_name(), settings.prices or {})
        if settings.local is not None and self._price is None:
            self._price, note = Price(0.0, 0.0), "a model on this machine has no price"
        self.meter = UsageMeter(self._price, note, self._copies.usage_note())
        self.kept = KeptReplies(settings, self.meter)
        self._sampling = settings.sampling()
        self._counter: Callable[[str], int] | None = None
        self._is_checked = False
        self._invalid_kept = 0
        self._server: LocalServer | None = None  # that is kept for workers
        self._loop = LoopThread(self._close_layers)
        # Used in the event loop alone.
        self._budget: Budget | None = None
        self._endpoint: Endpoint | LocalEndpoint | None = None
        self._modes: SchemaModes | None = None
        self._sizes = PromptSizes(self.count if settings.tokenizer is not None else None)
        self._layers: HeldToText | None = None
        self._grammars: TextGrammars | None = None

    def hold(self, dialogue: Dialogue[T]) -> Future[T]:
        """Hold a dialogue: questions are answered from the store if it has the replies, else by the server.

        RETURNS (Future[T]): What the dialogue comes to.
        """
        future: Future[T] = Future()
        try:
            self._check()
            questions = self._begin(next(dialogue))
            while all(question.outcome is not None for question in questions):
                questions = self._go_on(dialogue, questions)
            return self._loop.run(self._finish(dialogue, questions))
        except StopIteration as done:
            future.set_result(done.value)
        except Exception as error:  # noqa: BLE001 - raised where the caller asks for the result
            future.set_exception(error)
        return future

    def warn_of_invalid(self, name: str) -> None:
        """Warn of the invalid replies that came from the store since the last warning, and of those to cut prompts.

        name (str): The component, for the command that asks again.
        """
        count, self._invalid_kept = self._invalid_kept, 0
        if count:
            text = Warnings.W261.format(count=count, path=self._settings.store, name=name)
            warnings.warn(text, stacklevel=3)
        late, self._sizes.late = self._sizes.late, []
        if late:
            warnings.warn(Warnings.W350.format(count=len(late), name=name), stacklevel=3)

    def count(self, text: str) -> int:
        """RETURNS (int): The tokens of a text, by the model's tokenizer or an estimate."""
        if self._counter is None:
            self._counter = load_counter(self._settings.tokenizer)
        return self._counter(text)

    def usage(self) -> UsageSnapshot:
        """RETURNS (UsageSnapshot): What requests took so far."""
        return self.meter.snapshot(self._copies.usage_of_others())

    def has_stored(self, request: ChatRequest) -> bool:
        """RETURNS (bool): Whether the store has the reply; looking makes no file."""
        return self.kept.has(request if self.takes_text_grammar else without_text_grammar(request))

    @property
    def takes_text_grammar(self) -> bool:
        """RETURNS (bool): Whether requests keep the grammars of their texts, as far as is known; nothing is sent."""
        if not self._settings.sends_text_grammar():
            return False
        if self._grammars is None:
            given = self._settings
            self._grammars = TextGrammars(endpoint=given.endpoint(), name=given.name)
            if given.store is not None and has_store(given.store) and (store := self.kept.open()) is not None:
                self._grammars.recall(store)
        return self._grammars.hold is not False

    def cost(self, usage: Usage) -> float | None:
        """RETURNS (float | None): What tokens cost in USD; None where the model's price isn't known."""
        return None if self._price is None else self._price.cost(usage)

    def prepare_for_workers(self) -> None:
        """Start the server of a local model, and keep it until this is closed."""
        if self._settings.local is not None and not self._settings.replay_only:
            self._server = local_server(find_local(self._settings))

    def close(self) -> None:
        """Stop at once: what is in flight is cancelled, what has arrived is in the store."""
        if self._pid != os.getpid():  # after a fork: the thread and the connections are the parent's
            return
        self._loop.stop()
        self._server = None
        self.kept.close()

    def _check(self) -> None:
        """Find out before anything is sent and paid for what would make every request fail."""
        if not self._is_checked:
            for name in ("httpcore", "rapidfuzz"):  # what sends requests, and what reads replies
                check_installed(name, "llm")
            if self._settings.local is not None and not self._settings.replay_only:
                check_installed("xllamacpp", "local-llm")
            self.kept.names()
            self._is_checked = True

    def _begin(self, questions: Sequence[Question[Any]], *, after_cut: bool = False) -> list[OpenQuestion]:
        """RETURNS (list[OpenQuestion]): One for each, with its outcome where the store has all replies to it."""
        begun = [OpenQuestion(question, self._settings.max_tokens) for question in questions]
        for question in begun:
            if question.request.text_grammar is not None and not self.takes_text_grammar:
                question.leave_grammar_out()
            self._replay(question, after_cut=after_cut)
        return begun

    def _go_on(self, dialogue: Dialogue[T], questions: Sequence[OpenQuestion]) -> list[OpenQuestion]:
        """RETURNS (list[OpenQuestion]): What a dialogue asks next, once all that it asked before has an outcome."""
        outcomes = self._count_up(questions)
        after_cut = any(outcome.kind == "cut" for outcome in outcomes)
        return self._begin(dialogue.send(outcomes), after_cut=after_cut)

    def _replay(self, question: OpenQuestion, *, after_cut: bool) -> None:
        given = self._settings
        while not question.is_settled and (reply := self.kept.find(question.request)):
            question.take(reply)
        if question.outcome is None and given.replay_only:
            if not question.is_second and not after_cut:
                raise UserError(
                    Errors.E257.format(path=given.store, key=self.kept.key(question.request)[0][:12])
                )
            # The first reply is there and can't be read: that says something of it, and nothing of the store.
            what = (
                "a second question"
                if question.is_second
                else "a part of the text, asked about since one was cut"
            )
            question.take(NoReply(f"the store has no reply to {what}"))
        if question.outcome is not None and question.outcome.kind in ("invalid", "partial"):
            if given.retry_invalid and not given.replay_only:
                question.begin_again()
            else:
                self._invalid_kept += 1

    async def _finish(self, dialogue: Dialogue[T], questions: Sequence[OpenQuestion]) -> T:
        layers = self._open_layers()
        try:
            while True:
                await _all_of([layers.ask(question) for question in questions])
                questions = self._go_on(dialogue, questions)
        except StopIteration as done:
            return done.value

    def _call(self, question: OpenQuestion) -> Call:
        key, canonical = self.kept.key(question.request)
        return Call(
            question.request, self._sampling, key, canonical, status=question.status, again=question.is_again
        )

    def _open_layers(self) -> HeldToText:
        if self._layers is None:
            given, store = self._settings, self.kept.open()
            if self._budget is None:
                # It outlives the layers: closing the model doesn't give back what was spent.
                self._budget = Budget(
                    self._copies,
                    given.budget or {},
                    price=self._price,
                    name=given.shown_name(),
                    store=given.store,
                )
            self._budget.start_loop()
            is_local = given.local is not None
            url = self.kept.names()[0] if is_local else given.endpoint()
            modes = self._modes = SchemaModes(
                given.structured,
                endpoint=url,
                name=given.name,
                grammar_field=given.grammar_field or ("grammar" if is_local else ""),
                store=store,
                enforces=is_local,
            )
            lane = shared_pace(url).lane(most=self._most, base=given.retry_base, share=self._share)
            open_endpoint = partial(Endpoint, modes=modes, meter=self.meter, count=self.count)
            self._endpoint = LocalEndpoint(given, open_endpoint) if is_local else open_endpoint(given)
            limited = Limited(
                self._endpoint, given, lane=lane, rates=self._rates, budget=self._budget, count=self.count
            )
            retried = Retried(limited, with_patience(given) if is_local else given, self.meter)
            whole = WholePrompts(Probed(retried, modes, self._sampling), self._sizes, self.kept.forget)
            validated = Validated(Coalesced(Stored(whole, self.kept)), self._call)
            grammars = self._grammars or TextGrammars(endpoint=given.endpoint(), name=given.name)
            self._layers = HeldToText(validated, retried, grammars, self._sampling, store)
        return self._layers

    async def _close_layers(self) -> None:
        endpoint, self._endpoint, self._layers = self._endpoint, None, None
        if endpoint is not None:
            await endpoint.close()

    def _count_up(self, questions: Sequence[OpenQuestion]) -> list[Outcome[Any]]:
        outcomes = [question.outcome for question in questions]
        for outcome in outcomes:
            counts = {
                "invalid": int(outcome.kind in ("invalid", "partial")),
                "failed": int(outcome.kind == "transport"),
                "halved": int(outcome.kind == "cut"),
                "reasked": int(len(outcome.replies) > 1),
            }
            if any(counts.values()):
                self.meter.add(**counts)
        return outcomes


async def _all_of(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Run coroutines beside each other; the first that fails ends the others."""
    if len(coroutines) == 1:
        await coroutines[0]
        return
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        raise
