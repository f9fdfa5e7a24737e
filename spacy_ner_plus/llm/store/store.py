"""What chat models answered, and what was said of it, in one database."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spacy_ner_plus.llm.finish_reasons import read_finish_reason
from spacy_ner_plus.llm.requests import ChatReply, GatewayIds, ReplyStatus, Usage
from spacy_ner_plus.llm.store.addresses import read_where
from spacy_ner_plus.llm.store.draws import Draws
from spacy_ner_plus.llm.store.dry_texts import DryTexts
from spacy_ner_plus.llm.store.engines.engine import Engine
from spacy_ner_plus.llm.store.engines.postgresql_engine import PostgreSQLEngine
from spacy_ner_plus.llm.store.engines.sqlite_engine import SQLiteEngine
from spacy_ner_plus.llm.store.feedback import FeedbackLog
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.inferences import Inferences
from spacy_ner_plus.llm.store.positions import read_position

_REPLY = (
    "reply, finish_reason, prompt_tokens, completion_tokens, cached_tokens, seconds, logprobs, mode, key, status,"
    " gateway"
)
_IS_BAD = "CASE WHEN status IN ('invalid', 'cut') THEN 1 ELSE 0 END"
# In front the first one that could be read, so that every rerun reads the same, also where two processes
# asked at the same time; else the last one, which was asked for again.
_GET = (
    f"SELECT {_REPLY} FROM replies WHERE key = ?"
    f" ORDER BY {_IS_BAD}, CASE WHEN {_IS_BAD} = 1 THEN -rowid ELSE rowid END LIMIT 1"
)
_ALL = f"SELECT {_REPLY}, id, request, created, rowid FROM replies WHERE rowid > ? ORDER BY rowid LIMIT ?"
_ADD = f"INSERT INTO replies ({_REPLY}, id, request, created) VALUES ({', '.join('?' * 14)}) ON CONFLICT DO NOTHING"
# Replies that are read at once.
_BATCH = 500


@dataclass(frozen=True, slots=True)
class KeptReply:
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
    """Replies by the keys of their requests; inferences, that were made of them, with feedback; and draws of variants.

    Threads and processes may share it; each of these is committed by itself, and there for good then.

    inferences (Inferences): What variants answered about texts.
    feedback (FeedbackLog): What was said of that.
    draws (Draws): Which variant was drawn for a text.
    dry_texts (DryTexts): The texts of dry runs.
    where (str | Path): The SQLite file, or the address of a PostgreSQL database, without a password:
        'postgresql://user@host:port/name'. File and tables are created where there are none.
    read_only (bool): Whether it has to exist, and is never written to. Default: False.
    RAISES (UserError): Where it can't be opened, or is no store of this version.
    """

    def __init__(self, where: str | Path, *, read_only: bool = False):
        self._engine = _open_engine(where, read_only=read_only)
        self.where = self._engine.where
        self.read_only = read_only
        self.inferences = Inferences(self._engine)
        self.feedback = FeedbackLog(self._engine)
        self.draws = Draws(self._engine)
        self.dry_texts = DryTexts(self._engine)

    def position(self) -> int:
        """Name what inferences and feedback there are now, for `upto`.

        RETURNS (int): It grows with each of them. What isn't there yet will have a higher one.
        """
        return read_position(self._engine)

    def get(self, key: str) -> ChatReply | None:
        """Look up a reply: one that could be read, if there is any, else the last one.

        key (str): The SHA-256 of its request.
        RAISES (StoreError): Where the store can't be read any more.
        """
        rows = self._engine.rows(_GET, (key,))
        return _reply(rows[0]) if rows else None

    def add(self, request: str, reply: ChatReply, *, id: str = "") -> str:
        """Store a reply.

        request (str): The request in canonical form, whose SHA-256 is the key.
        reply (ChatReply): The reply with its key and status.
        id (str): Of the reply, which is kept once; '' for a new one.
        RETURNS (str): The id of the reply.
        RAISES (StoreError): Where it can't be written.
        """
        id, usage = id or new_id(), reply.usage
        logprobs = None if reply.logprobs is None else json.dumps(reply.logprobs)
        row = (
            *(reply.content, reply.finish_reason, usage.prompt, usage.completion, usage.cached),
            *(reply.seconds, logprobs, reply.mode, reply.key, str(reply.status)),
            *(_write_gateway(reply.gateway), id, request, time.time()),
        )
        self._engine.write(lambda writer: writer.run(_ADD, row))
        return id

    def replies(self) -> Iterator[KeptReply]:
        """YIELDS (KeptReply): All replies, oldest first. Others may add to the store meanwhile."""
        last = 0
        while rows := self._engine.rows(_ALL, (last, _BATCH)):
            for *reply, id, request, created, _ in rows:
                yield KeptReply(id, created, json.loads(request), _reply(reply))
            last = rows[-1][-1]

    def drop(self, ids: Iterable[str]) -> int:
        """Take replies out, so that they are asked for again.

        ids (Iterable[str]): Of replies.
        RETURNS (int): How many of them were kept.
        RAISES (StoreError): Where the store can't be written to.
        """
        return self._delete("id", ids)

    def forget(self, keys: Iterable[str]) -> int:
        """Take all replies to requests out, so that these are asked again.

        keys (Iterable[str]): The SHA-256 of the requests.
        RETURNS (int): How many replies were kept.
        RAISES (StoreError): Where the store can't be written to.
        """
        return self._delete("key", keys)

    def _delete(self, column: str, values: Iterable[str]) -> int:
        rows = [(value,) for value in values]
        if not rows:
            return 0
        return self._engine.write(
            lambda writer: writer.run_many(f"DELETE FROM replies WHERE {column} = ?", rows)
        )

    def get_schema_mode(self, base_url: str, model: str, oldest: float) -> str | None:
        """RETURNS (str | None): How a schema is sent there, if found out after `oldest`, in seconds since 1970."""
        rows = self._engine.rows(
            "SELECT mode FROM schema_modes WHERE base_url = ? AND model = ? AND created > ?",
            (base_url, model, oldest),
        )
        return rows[0][0] if rows else None

    def set_schema_mode(self, base_url: str, model: str, mode: str) -> None:
        """Remember how a schema is sent to a model."""
        row = (base_url, model, mode, time.time())
        self._engine.write(
            lambda writer: writer.run(
                "INSERT INTO schema_modes (base_url, model, mode, created) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (base_url, model) DO UPDATE SET mode = excluded.mode, created = excluded.created",
                row,
            )
        )

    def close(self) -> None:
        """Close the file, or the connection."""
        self._engine.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def has_store(where: str | Path) -> bool:
    """Look whether there is a store, without making one.

    where (str | Path): As `Store` takes it.
    RETURNS (bool): Whether there is.
    RAISES (UserError): Where the database can't be asked, or is of a newer version.
    """
    found = read_where(where)
    return found.exists() if isinstance(found, Path) else PostgreSQLEngine.has_store(found)


def _open_engine(where: str | Path, *, read_only: bool) -> Engine[Any]:
    found = read_where(where)
    if isinstance(found, Path):
        return SQLiteEngine(found, read_only=read_only)
    return PostgreSQLEngine(found, read_only=read_only)


def _reply(row: Any) -> ChatReply:
    content, finish_reason, prompt, completion, cached, seconds, logprobs, mode, key, status, gateway = row
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
        gateway=GatewayIds(*json.loads(gateway)) if gateway else None,
    )


def _write_gateway(ids: GatewayIds | None) -> str:
    return json.dumps([ids.gateway, ids.inference, ids.episode, ids.variant]) if ids else ""
