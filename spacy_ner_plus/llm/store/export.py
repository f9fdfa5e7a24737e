"""A store's rows as Parquet or JSON lines, which DuckDB, ClickHouse, pandas and Polars read."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.files import written_whole
from spacy_ner_plus.llm.store.feedback import Feedback
from spacy_ner_plus.llm.store.inferences import Inference
from spacy_ner_plus.llm.store.store import KeptReply, Store
from spacy_ner_plus.spans import CharSpan

if TYPE_CHECKING:
    import pyarrow

Table = dict[str, Any]
# So many rows are in memory at once, and become a group in Parquet.
_ROWS = 5_000
# The columns of each table: 'text', 'integer', 'number', 'boolean', 'texts', 'numbers' or 'spans'. Of the kinds of
# values that feedback has, one is there, and the others are null.
TABLES: dict[str, dict[str, str]] = {
    "inferences": {
        **dict.fromkeys(("id", "episode", "variant"), "text"),
        "probability": "number",
        **dict.fromkeys(("fallback_of", "text", "text_hash"), "text"),
        "labels": "texts",
        **dict.fromkeys(("format", "model"), "text"),
        "request_keys": "texts",
        "entities": "spans",
        "scores": "numbers",
        "valid": "boolean",
        "failure": "text",
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens"), "integer"),
        **dict.fromkeys(("seconds", "cost", "created"), "number"),
        **dict.fromkeys(("external", "component"), "text"),
    },
    "feedback": {
        **dict.fromkeys(("id", "target", "metric"), "text"),
        "boolean": "boolean",
        "number": "number",
        "comment": "text",
        "demonstration": "spans",
        "created": "number",
        "source": "text",
    },
    "replies": {
        **dict.fromkeys(
            ("id", "key", "base_url", "model", "request", "reply", "finish_reason", "status"), "text"
        ),
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens"), "integer"),
        "seconds": "number",
        "mode": "text",
        "created": "number",
    },
}
_ENDINGS = (".parquet", ".jsonl")


def check_target(target: Path) -> None:
    """Refuse a file of another kind than can be written.

    RAISES (UserError): Where it ends neither in .parquet nor .jsonl.
    """
    if target.suffix.lower() not in _ENDINGS:
        raise UserError(Errors.E809.format(path=target, endings=" or ".join(_ENDINGS)))


def export(store: Store, table: str, target: Path) -> int:
    """Write a table of a store to a file, which is there whole or not at all.

    table (str): One of TABLES. Rows that others add meanwhile aren't written, but for replies.
    target (Path): A .parquet or .jsonl file.
    RETURNS (int): How many rows were written.
    RAISES (UserError): Where it can't be written.
    """
    check_target(target)
    rows = _ROWS_OF[table](store)
    write = _write_parquet if target.suffix.lower() == ".parquet" else _write_lines
    with written_whole(target) as beside:
        return write(rows, TABLES[table], beside)


def _write_lines(rows: Iterable[Table], columns: dict[str, str], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf8") as file:
        for count, row in enumerate(rows, start=1):  # noqa: B007
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _write_parquet(rows: Iterable[Table], columns: dict[str, str], path: Path) -> int:
    with from_extra("datasets"):
        import pyarrow
        import pyarrow.parquet
    schema, count, rows = _schema(columns), 0, iter(rows)
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while some := list(islice(rows, _ROWS)):
            writer.write_batch(pyarrow.RecordBatch.from_pylist(some, schema=schema))
            count += len(some)
    return count


def _schema(columns: dict[str, str]) -> "pyarrow.Schema":
    with from_extra("datasets"):
        import pyarrow
    number, text = pyarrow.float64(), pyarrow.string()
    span = pyarrow.struct([("start", pyarrow.int64()), ("end", pyarrow.int64()), ("label", text)])
    types = {
        "text": text,
        "integer": pyarrow.int64(),
        "number": number,
        "boolean": pyarrow.bool_(),
        "texts": pyarrow.list_(text),
        "numbers": pyarrow.list_(number),
        "spans": pyarrow.list_(span),
    }
    return pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])


def _spans(spans: Iterable[CharSpan]) -> list[Table]:
    return [span._asdict() for span in spans]


def _inference_row(inference: Inference) -> Table:
    row = {name: getattr(inference, name, None) for name in TABLES["inferences"]}
    usage = inference.usage
    row.update(prompt_tokens=usage.prompt, completion_tokens=usage.completion, cached_tokens=usage.cached)
    row.update(entities=_spans(inference.entities), labels=list(inference.labels))
    row.update(request_keys=list(inference.request_keys), scores=list(inference.scores))
    return row


def _feedback_row(feedback: Feedback) -> Table:
    row = {name: getattr(feedback, name, None) for name in TABLES["feedback"]}
    value = feedback.value
    if isinstance(value, bool):
        row["boolean"] = value
    elif isinstance(value, float):
        row["number"] = value
    elif isinstance(value, str):
        row["comment"] = value
    else:
        row["demonstration"] = _spans(value)
    return row


def _reply_row(kept: KeptReply) -> Table:
    reply, usage = kept.reply, kept.reply.usage
    return {
        "id": kept.id,
        "key": reply.key,
        "base_url": kept.request.get("base_url"),
        "model": kept.request.get("model"),
        "request": json.dumps(kept.request),
        "reply": reply.content,
        "finish_reason": reply.finish_reason,
        "status": str(reply.status),
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "cached_tokens": usage.cached,
        "seconds": reply.seconds,
        "mode": reply.mode,
        "created": kept.created,
    }


def _inferences(store: Store) -> Iterator[Table]:
    return map(_inference_row, store.inferences.all())


def _feedback(store: Store) -> Iterator[Table]:
    return map(_feedback_row, store.feedback.all())


def _replies(store: Store) -> Iterator[Table]:
    return map(_reply_row, store.replies())


_ROWS_OF: dict[str, Callable[[Store], Iterator[Table]]] = {
    "inferences": _inferences,
    "feedback": _feedback,
    "replies": _replies,
}
