"""Requests without a reply become batches: planned, uploaded, created, each step noted before the next one."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.batch.batch_api import BatchAPI
from spacy_ner_plus.llm.batch.lines import request_line
from spacy_ner_plus.llm.batch.state import Batch, BatchState, Submitted
from spacy_ner_plus.llm.client.endpoint.accepted_fields import AcceptedFields
from spacy_ner_plus.llm.client.endpoint.schema_modes import SchemaModes
from spacy_ner_plus.llm.client.kept_replies import KeptReplies
from spacy_ner_plus.llm.client.prices import find_price
from spacy_ner_plus.llm.client.settings import ChatSettings
from spacy_ner_plus.llm.client.tokens import message_tokens
from spacy_ner_plus.llm.requests import ChatRequest, Usage
from spacy_ner_plus.llm.store.ids import new_id

# What a batch costs of what its requests would.
DISCOUNT = 0.5
# What OpenAI takes in a batch: https://platform.openai.com/docs/guides/batch
MOST_REQUESTS, MOST_BYTES = 50_000, 200_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that has no reply yet.

    text (str): Of the document that it is about.
    completion (int): Tokens that its reply is expected to have.
    is_second (bool): Whether it asks again, after a reply that couldn't be read.
    """

    request: ChatRequest
    text: str
    completion: int
    is_second: bool = False


@dataclass
class Submission:
    """What was submitted.

    batches (list[Batch]): Those that were created, also by an earlier command that didn't get to know of it.
    requests (int): How many were planned now.
    seconds (int): How many of them are second questions.
    waiting (int): Requests that are part of a batch that isn't collected yet.
    too_long (int): Texts above `nlp.max_length`, on which a run fails, too.
    usage (Usage): Expected tokens of the requests that were planned now.
    cost (float | None): Of these, in USD, at half price; None where the price isn't known.
    """

    batches: list[Batch] = field(default_factory=list)
    requests: int = 0
    seconds: int = 0
    waiting: int = 0
    too_long: int = 0
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None


class Submitter:
    """Makes batches of requests.

    settings (ChatSettings): Of the chat model.
    kept (KeptReplies): The replies that it has.
    count (Callable): Counts the tokens of a text.
    most_requests (int): Requests of a batch at most.
    most_bytes (int): Bytes of its file at most.
    time_window (str): Within which a batch is to be answered.
    RAISES (UserError): Where replies should be held to their texts by grammars.
    """

    def __init__(
        self,
        settings: ChatSettings,
        state: BatchState,
        kept: KeptReplies,
        *,
        count: Callable[[str], int],
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
        time_window: str = "24h",
    ):
        if settings.sends_text_grammar():
            raise UserError(Errors.E886)
        self._settings = settings
        self._state = state
        self._kept = kept
        self._count = count
        self._most_requests = most_requests
        self._most_bytes = most_bytes
        self._time_window = time_window
        self._server = settings.endpoint()

    def submit(
        self,
        wanted: Iterable[Wanted],
        *,
        reading: str,
        texts: Sequence[str],
        send: bool = True,
    ) -> Submission:
        """Plan batches, and create them.

        wanted (Iterable[Wanted]): The requests, also those that are part of a batch already.
        reading (str): Of which format and labels their replies are.
        texts (Sequence[str]): Where the texts come from.
        send (bool): Whether to plan and create anything, or only to count.
        RAISES (UserError): Where the server doesn't take a batch, or the budget is too small.
        """
        done = Submission(self._settle() if send else [])
        with self._state.transaction(keep=send):
            self._plan(wanted, done, reading, texts)
            self._check_budget(done)
        if send:
            done.batches += self._create_all()
        return done

    def _plan(
        self,
        wanted: Iterable[Wanted],
        done: Submission,
        reading: str,
        texts: Sequence[str],
    ) -> None:
        write = _Writer(self._settings, self._state, self._kept)
        name, requests, size, prompt, completion = "", 0, 0, 0, 0
        document, text = 0, None
        planned: set[str] = set()
        for one in wanted:
            request = write(one)
            if request.key in planned:
                continue
            if self._state.is_waiting(request.key):
                done.waiting += 1
                planned.add(request.key)
                continue
            length = len(request_line(request.key, request.body))
            if length > self._most_bytes:
                raise UserError(Errors.E693.format(text=one.text[:40], size=length, most=self._most_bytes))
            if requests == self._most_requests or size + length > self._most_bytes:
                self._add(name, requests, reading, texts)
                name = ""
            if not name:
                name, requests, size = f"spacy-ner-plus-{uuid.uuid4()}", 0, 0
                text = None
            if one.text != text:
                document, text = self._state.add_document(name, one.text), one.text
            self._state.add_request(name, replace(request, document=document))
            planned.add(request.key)
            requests, size = requests + 1, size + length
            done.requests += 1
            done.seconds += one.is_second
            prompt += message_tokens(one.request.messages, self._count)
            completion += one.completion
        if name:
            self._add(name, requests, reading, texts)
        done.usage = Usage(prompt, completion)
        price, _ = find_price(self._settings.name, self._settings.prices or {})
        done.cost = None if price is None else DISCOUNT * price.cost(done.usage)

    def _add(self, name: str, requests: int, reading: str, texts: Sequence[str]) -> None:
        batch = Batch(
            name,
            self._server,
            self._settings.name,
            reading,
            texts,
            self._time_window,
            requests,
            time.time(),
        )
        self._state.add(batch)

    def _check_budget(self, done: Submission) -> None:
        budget = self._settings.budget or {}
        takes = {"usd": done.cost, "tokens": done.usage.prompt + done.usage.completion}
        for unit, most in budget.items():
            if (taken := takes[unit]) is not None and taken > most:
                raise UserError(
                    Errors.E691.format(count=done.requests, taken=f"{taken:,.6g}", unit=unit, most=most)
                )

    def _planned(self) -> list[Batch]:
        return [batch for batch in self._state.batches(self._server, self._settings.name) if not batch.id]

    def _settle(self) -> list[Batch]:
        """Find out what became of batches whose command ended before it knew. What isn't created is planned again,
        since the pipeline may be another one now.

        RETURNS (list[Batch]): Those that are created.
        """
        if not (planned := self._planned()):
            return []
        names = set()
        with closing(BatchAPI(self._settings)) as api:
            for batch in planned:
                found = api.find(batch.name, batch.file_id) if batch.file_id else None
                if found is None:
                    self._state.drop([batch.name])
                else:
                    self._state.created(batch.name, found["id"])
                    names.add(batch.name)
        return self._named(names)

    def _create_all(self) -> list[Batch]:
        if not (planned := self._planned()):
            return []
        with closing(BatchAPI(self._settings)) as api:
            for batch in planned:
                file_id = self._upload(api, batch)
                self._state.uploaded(batch.name, file_id)
                found = api.create(batch.name, file_id, batch.time_window)
                self._state.created(batch.name, found["id"])
        return self._named({batch.name for batch in planned})

    def _named(self, names: set[str]) -> list[Batch]:
        return [
            batch for batch in self._state.batches(self._server, self._settings.name) if batch.name in names
        ]

    def _upload(self, api: BatchAPI, batch: Batch) -> str:
        with TemporaryFile() as content:
            for request in self._state.requests(batch.name):
                content.write(request_line(request.key, request.body))
            return api.upload(f"{batch.name}.jsonl", content, "batch")


class _Writer:
    """Writes requests as the server takes them, so far as earlier runs and batches show."""

    def __init__(self, settings: ChatSettings, state: BatchState, kept: KeptReplies):
        self._name = settings.name
        self._sampling = settings.sampling()
        self._kept = kept
        server = settings.endpoint()
        self._accepted = AcceptedFields(url=server, name=settings.name)
        self._modes = SchemaModes(
            settings.structured,
            endpoint=server,
            name=settings.name,
            grammar_field=settings.grammar_field,
            store=kept.open(),
        )
        messages = [{"role": "system", "content": ""}, {"role": "user", "content": ""}]
        for key, mode, error in state.refusals(server, settings.name):
            if not self._modes.adapt(mode, key, error):
                self._accepted.adapt(self._accepted.fields(self._sampling), messages, error)

    def __call__(self, wanted: Wanted) -> Submitted:
        request = wanted.request
        key, canonical = self._kept.key(request)
        mode = self._modes.mode(request, key)
        fields = self._modes.fields(request, mode, self._accepted.fields(self._sampling))
        messages = self._accepted.messages(request.messages)
        body = json.dumps({"model": self._name, "messages": messages, **fields})
        return Submitted(key, new_id(), 0, canonical, mode, body, wanted.is_second)
