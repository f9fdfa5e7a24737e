"""Every reply of a chat model, kept in an SQLite file under the key of its request."""

import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.finish_reasons import read_finish_reason
from spacy_ner_plus.llm.requests import ChatReply, ReplyStatus, Usage
from spacy_ner_plus.llm.store.database import has_status, open_for_reading, open_for_writing

_REPLY = "reply, finish_reason, prompt_tokens, completion_tokens, cached_tokens, seconds, logprobs, mode, key"
# In front the first one that could be read, so that every rerun reads the same, also where two processes
# asked at the same time; else the last one, which was asked for again.
_GET = (
    f"SELECT {_REPLY}, {{status}} AS state FROM inferences WHERE key = ? AND {{kept}}"
    " ORDER BY state IN ('invalid', 'cut'), CASE WHEN state IN ('invalid', 'cut') THEN -rowid ELSE rowid END"
    " LIMIT 1"
)
_ALL = f"SELECT {_REPLY}, {{status}} AS state, id, request, created FROM inferences WHERE {{kept}} ORDER BY rowid"
_ADD = f"INSERT OR IGNORE INTO inferences ({_REPLY}, status, id, request, created) VALUES ({', '.join('?' * 13)})"
# How a store of version 1 that is only read is read as if it had been brought up to date.
_NEW = {
    # Earlier versions took what ended by another name for an answer.
    "status": (
        "CASE WHEN ended_by(finish_reason) IN (finish_reason, 'stop') THEN status "
        "WHEN ended_by(finish_reason) = 'length' THEN 'cut' ELSE 'invalid' END"
    ),
    "kept": "1",
}
_OLD = {
    "status": "CASE ended_by(finish_reason) WHEN 'length' THEN 'cut' ELSE '' END",
    "kept": "(trim(reply) <> '' OR ended_by(finish_reason) = 'length')",
}

_LOW_BITS = 2**62 - 1


@dataclass(frozen=True, slots=True)
class Inference:
    """A request and its reply, as they are kept.

    id (str): Its own, in the order of time.
    created (float): When the reply arrived, in seconds since 1970.
    request (dict[str, Any]): `base_url`, `model`, `messages`, `schema`, `grammar`, `parameters`, `sample`.
    reply (ChatReply): The reply; its `key` is the request's.
    """

    id: str
    created: float
    request: dict[str, Any]
    reply: ChatReply

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it, for JSON."""
        return asdict(self)


class Store:
    """Replies in a file. Threads and processes may share it; each reply is committed by itself.

    path (str | Path): The file; it is created where there is none.
    read_only (bool): Whether the file has to exist, and is never written to.
    RAISES (UserError): Where it can't be opened, or is no store of this version.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False):
        self.path = Path(path).expanduser()
        self.read_only = read_only
        self._lock = threading.Lock()
        self._connection = (open_for_reading if read_only else open_for_writing)(self.path)
        self._get = _GET.format(**(_NEW if has_status(self._connection) else _OLD))

    def get(self, key: str) -> ChatReply | None:
        """Look up a reply: one that could be read, if there is any, else the last one.

        key (str): The SHA-256 of its request.
        RAISES (UserError): Where the file can't be read any more.
        """
        try:
            with self._lock:
                row = self._connection.execute(self._get, (key,)).fetchone()
        except sqlite3.Error as error:
            raise UserError(Errors.E263.format(path=self.path, reason=error)) from error
        return None if row is None else _reply(row)

    def add(self, request: str, reply: ChatReply, *, id: str = "") -> str:
        """Store a reply.

        request (str): The request in canonical form, whose SHA-256 is the key.
        reply (ChatReply): The reply with its key and status.
        id (str): Of the inference, which is kept once; '' for a new one.
        RETURNS (str): The id of the inference.
        RAISES (sqlite3.Error): Where it can't be written.
        """
        id, usage = id or inference_id(), reply.usage
        logprobs = None if reply.logprobs is None else json.dumps(reply.logprobs)
        row = (
            *(reply.content, reply.finish_reason, usage.prompt, usage.completion, usage.cached),
            *(reply.seconds, logprobs, reply.mode, reply.key, str(reply.status), id, request, time.time()),
        )
        with self._lock:
            self._connection.execute(_ADD, row)
        return id

    def inferences(self) -> Iterator[Inference]:
        """YIELDS (Inference): All that is kept, oldest first. Others may add to the store meanwhile."""
        reader = open_for_reading(self.path)
        try:
            for row in reader.execute(_ALL.format(**(_NEW if has_status(reader) else _OLD))):
                *reply, id, request, created = row
                yield Inference(id, created, json.loads(request), _reply(reply))
        finally:
            reader.close()

    def drop(self, ids: Iterable[str]) -> int:
        """Take replies out, so that they are asked for again.

        ids (Iterable[str]): Of inferences.
        RETURNS (int): How many of them were kept.
        RAISES (UserError): Where the file can't be written.
        """
        return self._delete("id", ids)

    def forget(self, keys: Iterable[str]) -> int:
        """Take all replies to requests out, so that these are asked again.

        keys (Iterable[str]): The SHA-256 of the requests.
        RETURNS (int): How many replies were kept.
        RAISES (UserError): Where the file can't be written.
        """
        return self._delete("key", keys)

    def _delete(self, column: str, values: Iterable[str]) -> int:
        try:
            with self._lock:
                self._connection.execute("BEGIN IMMEDIATE")
                done = self._connection.executemany(
                    f"DELETE FROM inferences WHERE {column} = ?", [(value,) for value in values]
                )
                self._connection.execute("COMMIT")
                return done.rowcount
        except sqlite3.Error as error:
            raise UserError(Errors.E263.format(path=self.path, reason=error)) from error

    def get_schema_mode(self, base_url: str, model: str, oldest: float) -> str | None:
        """RETURNS (str | None): How a schema is sent there, if found out after `oldest`, in seconds since 1970."""
        with self._lock:
            row = self._connection.execute(
                "SELECT mode FROM dialects WHERE base_url = ? AND model = ? AND created > ?",
                (base_url, model, oldest),
            ).fetchone()
        return None if row is None else row[0]

    def set_schema_mode(self, base_url: str, model: str, mode: str) -> None:
        """Remember how a schema is sent to a model."""
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO dialects (base_url, model, mode, created) VALUES (?, ?, ?, ?)",
                (base_url, model, mode, time.time()),
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def inference_id() -> str:
    """RETURNS (str): A UUID of version 7 (RFC 9562): milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    # Not from the module `random`, which users seed.
    random_bits = int.from_bytes(os.urandom(10), "big")
    return str(
        uuid.UUID(
            int=milliseconds << 80 | 7 << 76 | (random_bits >> 68) << 64 | 2 << 62 | random_bits & _LOW_BITS
        )
    )


def _reply(row: Any) -> ChatReply:
    content, finish_reason, prompt, completion, cached, seconds, logprobs, mode, key, status = row
    return ChatReply(
        content=content,
        finish_reason=read_finish_reason(finish_reason),
        usage=Usage(prompt, completion, cached),
        seconds=seconds,
        logprobs=None if logprobs is None else [(token, value) for token, value in json.loads(logprobs)],
        mode=mode,
        key=key,
        stored=True,
        status=ReplyStatus(status),
    )
