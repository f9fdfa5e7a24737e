"""The replies to batches: looked for, read, and kept in the store, once, however often they are fetched."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.issues import IssueLog
from spacy_ner_plus.llm import finish_reasons
from spacy_ner_plus.llm.batch.batch_api import BatchAPI
from spacy_ner_plus.llm.batch.files_api import NotFound
from spacy_ner_plus.llm.batch.lines import NOT_RUN, ResultLine, read_line
from spacy_ner_plus.llm.batch.replay import Replay
from spacy_ner_plus.llm.batch.state import Batch, BatchState, Submitted
from spacy_ner_plus.llm.batch.submission import DISCOUNT
from spacy_ner_plus.llm.client.completions import Completion
from spacy_ner_plus.llm.client.kept_replies import KeptReplies
from spacy_ner_plus.llm.client.open_question import OpenQuestion
from spacy_ner_plus.llm.client.prices import find_price
from spacy_ner_plus.llm.client.settings import ChatSettings, reply_limit
from spacy_ner_plus.llm.client.tokens import estimate_tokens
from spacy_ner_plus.llm.requests import ChatReply, ReplyStatus, Usage

# Of a batch that goes on no more; what came of it can be fetched.
OVER = ("completed", "failed", "expired", "cancelled")
# Of one that isn't created yet, or that the server doesn't know.
PLANNED, GONE = "planned", "gone"

# What was lost, beside the kinds of lines.
UNREAD = "reply that can't be read"
CUT = "reply cut at the limit of tokens"
STOPPED = "reply that the server's content filter stopped"
REFUSAL = "refusal by the model"
GONE_FILE = "file that the server doesn't have"
NO_LINE = "request without a line in the files"
UNKNOWN = "line of a request that isn't of the batch"
TWICE = "second line of a request, left out"
INVALID_BATCH = "request of a batch that the server didn't take"
_BY_REASON = {finish_reasons.CUT: CUT, finish_reasons.FILTERED: STOPPED, "refusal": REFUSAL}
# So many refusals of a batch are noted, since most are alike.
_MOST_REFUSALS = 20


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How a batch stands.

    status (str): As the server says it: 'validating', 'in_progress', 'finalizing', 'completed', 'failed', 'expired',
        'cancelling' or 'cancelled'; 'planned' where it isn't created yet, 'gone' where the server doesn't know it.
    completed (int): Requests with a reply.
    failed (int): Requests with an error.
    expires (float | None): When it ends, in seconds since 1970, where known.
    problems (tuple[str]): Why the server didn't take it.
    files (tuple[str]): Ids of what came of it.
    """

    batch: Batch
    status: str
    completed: int = 0
    failed: int = 0
    expires: float | None = None
    problems: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        """RETURNS (bool): Whether it goes on no more, and all that came of it can be fetched."""
        if self.status not in OVER:
            return False
        # Some servers say that a batch is completed before its files are there.
        is_without = self.status != "completed" and not self.completed + self.failed
        return bool(self.files) or self.status == "failed" or is_without


@dataclass
class Collection:
    """What was fetched.

    name (str): The component that asked.
    batches (list[BatchStatus]): All that weren't collected before.
    others (int): Batches that were submitted for other labels or another format, and weren't looked at.
    replies (Counter[str]): How many are kept now, by status.
    questions (int): What follows from replies that can't be read: second questions, or such about less text.
    unanswered (int): Requests of batches that are over, without a reply.
    issues (IssueLog): What isn't as it should be, by kind, with the first case.
    usage (Usage): Tokens of the replies.
    cost (float | None): Of these, in USD, at half price; None where the price isn't known.
    """

    name: str = ""
    batches: list[BatchStatus] = field(default_factory=list)
    others: int = 0
    replies: Counter[str] = field(default_factory=Counter)
    questions: int = 0
    unanswered: int = 0
    issues: IssueLog = field(default_factory=IssueLog)
    usage: Usage = field(default_factory=Usage)
    cost: float | None = None


def look(api: BatchAPI, batches: list[Batch]) -> list[BatchStatus]:
    """RETURNS (list[BatchStatus]): How batches stand, in order; nothing is asked about those that aren't created."""
    return [_look(api, batch) for batch in batches]


def _look(api: BatchAPI, batch: Batch) -> BatchStatus:
    if not batch.id:
        return BatchStatus(batch, PLANNED)
    try:
        said = api.batch(batch.id)
    except NotFound as error:
        return BatchStatus(batch, GONE, problems=(str(error),))
    counts = said.get("request_counts")
    counts = counts if isinstance(counts, Mapping) else {}
    files = [said.get("output_file_id"), said.get("error_file_id")]
    return BatchStatus(
        batch,
        str(said.get("status") or "").lower(),
        completed=_count(counts.get("completed")),
        failed=_count(counts.get("failed")),
        expires=_count(said.get("expires_at")) or None,
        problems=tuple(_problems(said.get("errors"))),
        files=tuple(file for file in files if isinstance(file, str) and file),
    )


# From a document's text to what a run asks about it.
Ask = Callable[[str], Replay]


class Collector:
    """Fetches replies.

    kept (KeptReplies): Where they are put.
    ask (Callable): Finds out what a run asks about a text.
    """

    def __init__(self, settings: ChatSettings, state: BatchState, kept: KeptReplies, ask: Ask):
        self._settings = settings
        self._state = state
        self._store = kept.open()
        self._ask = ask

    def collect(self, reading: str) -> Collection:
        """Fetch the replies to all batches that are over.

        reading (str): Of which format and labels replies are read.
        RAISES (UserError): Where all batches were submitted for others, or the server doesn't answer.
        """
        batches = self._state.batches(self._settings.endpoint(), self._settings.name)
        waiting = [batch for batch in batches if not batch.collected]
        open_batches = [batch for batch in waiting if batch.reading == reading]
        if waiting and not open_batches:
            first = waiting[0]
            raise UserError(
                Errors.E687.format(id=first.id or first.name, submitted=first.reading, now=reading)
            )
        done = Collection(others=len(waiting) - len(open_batches))
        if open_batches:
            with closing(BatchAPI(self._settings)) as api:
                done.batches = look(api, open_batches)
                for status in done.batches:
                    if status.is_over:
                        self._collect(api, status, done)
        price, _ = find_price(self._settings.name, self._settings.prices or {})
        done.cost = None if price is None else DISCOUNT * price.cost(done.usage)
        return done

    def _collect(self, api: BatchAPI, status: BatchStatus, done: Collection) -> None:
        batch = status.batch
        answers, troubles = _Answers(), {}
        with ExitStack() as files:
            for file_id in status.files:
                content = files.enter_context(TemporaryFile())
                try:
                    api.download(file_id, content)
                except NotFound as error:
                    done.issues.add(GONE_FILE, str(error), batch.id)
                    return
                self._take(batch, content, answers, troubles, done)
            for text, requests in self._state.documents(batch.name):
                self._keep_all(text, requests, answers, done)
        self._note(status, answers, troubles, done)
        self._state.collected(batch.name)

    def _take(
        self,
        batch: Batch,
        content: BinaryIO,
        answers: "_Answers",
        troubles: dict[str, ResultLine],
        done: Collection,
    ) -> None:
        """Find out where in a file the replies are, and which requests have none."""
        offset = content.seek(0)
        for text in content:
            where, offset = offset, offset + len(text)
            if not text.strip():
                continue
            line = read_line(text)
            if not line.key:
                done.issues.add(line.trouble, line.reason, batch.id)
            elif self._state.request(batch.name, line.key) is None:
                done.issues.add(UNKNOWN, line.key[:80], batch.id)
            elif line.key in answers:
                done.issues.add(TWICE, line.key, batch.id)
            elif line.completion is None:
                troubles[line.key] = line
            else:
                answers.add(line.key, content, where)

    def _keep_all(
        self, text: str, requests: Sequence[Submitted], answers: "_Answers", done: Collection
    ) -> None:
        """Keep the replies about a document, each with what can be read from it."""
        answered = [request for request in requests if request.key in answers]
        if not answered:
            return
        asked = self._ask(text).asked
        statuses = [
            self._keep(request, answers.read(request), asked.get(request.key), done) for request in answered
        ]
        if ReplyStatus.INVALID in statuses or ReplyStatus.CUT in statuses:
            # What follows from a reply that can't be read: a second question, or questions about less text.
            submitted = {request.key for request in requests}
            done.questions += len(self._ask(text).open.keys() - submitted)

    def _keep(
        self, request: Submitted, completion: Completion, question: OpenQuestion | None, done: Collection
    ) -> ReplyStatus:
        usage = completion.usage or Usage(
            estimate_tokens(request.request), estimate_tokens(completion.content)
        )
        reply = ChatReply(
            content=completion.content,
            finish_reason=completion.finish_reason,
            usage=usage,
            logprobs=completion.logprobs,
            mode=request.mode,
            key=request.key,
        )
        # Where the pipeline asks something else by now, nobody says what is to be read from the reply.
        status = ReplyStatus.UNREAD if question is None else question.status(reply)
        if status in (ReplyStatus.INVALID, ReplyStatus.CUT):
            kind = _BY_REASON.get(reply.finish_reason, UNREAD)
            done.issues.add(kind, question.reason(reply), request.key[:12])
        try:
            self._store.add(request.request, replace(reply, status=status), id=request.id)
        except sqlite3.Error as error:
            raise UserError(Errors.E263.format(path=self._store.path, reason=error)) from error
        done.replies[str(status) or "unread"] += 1
        before = done.usage
        done.usage = Usage(
            before.prompt + usage.prompt, before.completion + usage.completion, before.cached + usage.cached
        )
        return status

    def _note(
        self, status: BatchStatus, answers: "_Answers", troubles: dict[str, ResultLine], done: Collection
    ) -> None:
        """Count the requests that got no reply, by reason."""
        batch = status.batch
        noted = 0
        for key, line in troubles.items():
            if key in answers:
                continue
            done.issues.add(line.trouble, line.reason, batch.id)
            done.unanswered += 1
            request = self._state.request(batch.name, key)
            if line.error is not None and request is not None and noted < _MOST_REFUSALS:
                self._state.add_refusal(batch, request, line.error)
                noted += 1
        if left := batch.requests - len(answers.keys | troubles.keys()):
            done.unanswered += left
            if status.status == "failed":
                kind, reason = INVALID_BATCH, "; ".join(status.problems) or "no reason given"
            elif status.status == "completed":
                kind, reason = NO_LINE, f"of {batch.requests:,} requests"
            else:
                kind, reason = NOT_RUN, status.status
            done.issues.add(kind, reason, batch.id, left)


class _Answers:
    """Where in files the replies to requests are, of which a batch may have more than fit the memory."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[BinaryIO, int]] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._places

    @property
    def keys(self) -> Set[str]:
        """RETURNS (Set[str]): Of the requests that have a reply."""
        return self._places.keys()

    def add(self, key: str, content: BinaryIO, where: int) -> None:
        """Note the place of a line that has a reply."""
        self._places[key] = content, where

    def read(self, request: Submitted) -> Completion:
        """RETURNS (Completion): The reply to a request."""
        content, where = self._places[request.key]
        content.seek(where)
        limit = reply_limit(json.loads(request.request)["parameters"])
        return read_line(content.readline(), limit=limit).completion


def _problems(errors: Any) -> Iterator[str]:
    data = errors.get("data") if isinstance(errors, Mapping) else errors
    for error in data if isinstance(data, list) else [data] if data else []:
        if isinstance(error, Mapping):
            line = f"line {error['line']}: " if error.get("line") else ""
            yield f"{line}{error.get('message') or error.get('code') or 'no reason given'}"
        else:
            yield str(error)


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0
