"""What variants answered about texts, each kept once."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.llm.requests import Usage
from spacy_ner_plus.llm.store.engines.engine import Engine, Row, Writer, in_lists
from spacy_ner_plus.llm.store.positions import next_positions, read_position
from spacy_ner_plus.llm.store.span_lists import read_spans, write_spans
from spacy_ner_plus.llm.store.totals import count_inference
from spacy_ner_plus.spans import CharSpan

_COLUMNS = (
    "position, id, episode, variant, probability, fallback_of, text, text_hash, labels, format, model, request_keys,"
    " keys_hash, entities, scores, valid, failure, prompt_tokens, completion_tokens, cached_tokens, seconds, cost,"
    " created, external, component"
)
_ADD = f"INSERT INTO inferences ({_COLUMNS}) VALUES ({', '.join('?' * (_COLUMNS.count(',') + 1))})"
_ALL = f"SELECT {_COLUMNS} FROM inferences"
# What makes an inference the one that is there. `failure` may tell of times and ports, and says no more than `valid`.
_SAME = (
    "keys_hash = ? AND text = ? AND component = ? AND variant = ? AND fallback_of = ? AND labels = ?"
    " AND entities = ? AND scores = ? AND valid = ?"
)


@dataclass(frozen=True, slots=True)
class Inference:
    """One answer about one Doc by one variant.

    id (str): Its own, a UUID of version 7, in the order of time.
    episode (str): To which inferences it belongs: what the caller named, or one run.
    variant (str): The one that answered; '' where the component has none.
    probability (float): With which this variant was sampled for this Doc, or `fallback_of` where it stepped in; 1.0
        where there was no choice.
    fallback_of (str): The variant that was sampled and failed; '' where this one was.
    text_hash (str): `text_hash(text)`.
    labels (tuple[str, ...]): Those that were asked for.
    format (str): The registered name of the reply format; '' for one without a name.
    model (str): As the server calls it.
    request_keys (tuple[str, ...]): The keys of its replies in the store, in the order asked.
    entities (tuple[CharSpan, ...]): Those that were found.
    scores (tuple[float, ...]): One for each entity.
    valid (bool): Whether all of the text has an answer.
    failure (str): Why not; '' where it has.
    usage (Usage): Tokens of its replies, also of those that came from the store.
    seconds (float): Of its replies, together.
    cost (float | None): In USD; None where the model's price isn't known.
    created (float): In seconds since 1970.
    external (str): The gateway that made id and episode, such as 'tensorzero'; '' for ours.
    component (str): The name of the one that asked, in its pipeline.
    """

    id: str
    episode: str
    variant: str
    probability: float
    fallback_of: str
    text: str
    text_hash: str
    labels: tuple[str, ...]
    format: str
    model: str
    request_keys: tuple[str, ...]
    entities: tuple[CharSpan, ...]
    scores: tuple[float, ...]
    valid: bool
    failure: str
    usage: Usage
    seconds: float
    cost: float | None
    created: float
    external: str = ""
    component: str = ""


class Inferences:
    """The inferences of a store.

    engine (Engine): Its database.
    """

    def __init__(self, engine: Engine[Any]):
        self._engine = engine

    def add(self, inference: Inference) -> None:
        """Keep an inference; one with this id that is there already stays as it is.

        RAISES (StoreError): Where it can't be written.
        """
        row = _row(inference)
        self._engine.write(lambda writer: _write(writer, inference, row))

    def add_once(self, inference: Inference, *, same_episode: bool = False) -> str:
        """Keep an inference, unless one that says the same is there, whichever process is about to write it.

        same_episode (bool): As `find` takes it.
        RETURNS (str): The id of the one that is there now.
        RAISES (StoreError): Where it can't be written.
        """
        row, (statement, values) = _row(inference), _same(inference, same_episode)

        def write(writer: Writer) -> str:
            if known := writer.rows(f"SELECT id {statement}", values):
                return known[0][0]
            _write(writer, inference, row)
            return inference.id

        return self._engine.write(write)

    def get(self, id: str) -> Inference | None:
        """RETURNS (Inference | None): The one with an id."""
        rows = self._engine.rows(f"{_ALL} WHERE id = ?", (id,))
        return _inference(rows[0]) if rows else None

    def find(self, like: Inference, *, same_episode: bool = False) -> str:
        """Look for an inference that says the same: of exactly these replies about the text, by this variant of this
        component, in place of the same one, with the same labels, entities and scores.

        same_episode (bool): Whether it has to be of the same episode, too. Default: False.
        RETURNS (str): The id of the first one; '' where there is none.
        """
        statement, values = _same(like, same_episode)
        rows = self._engine.rows(f"SELECT id {statement}", values)
        return rows[0][0] if rows else ""

    def all(self, *, upto: int | None = None, batch: int = 1000) -> Iterator[Inference]:
        """Read all inferences. Others may add to the store meanwhile.

        upto (int | None): Only those that were there at this `Store.position()`. Default: those of now.
        batch (int): How many are read at once. Default: 1,000.
        YIELDS (Inference): Oldest first.
        """
        if upto is None:
            upto = read_position(self._engine)
        last = 0
        while rows := self._engine.rows(
            f"{_ALL} WHERE position > ? AND position <= ? ORDER BY position LIMIT ?", (last, upto, batch)
        ):
            yield from map(_inference, rows)
            last = rows[-1][0]

    def of_texts(self, hashes: Collection[str]) -> Iterator[Inference]:
        """YIELDS (Inference): Those about texts, by their `text_hash`; those about one text oldest first."""
        for listed, some in in_lists(hashes):
            rows = self._engine.rows(f"{_ALL} WHERE text_hash IN {listed} ORDER BY position", some)
            yield from map(_inference, rows)

    def of_episode(self, episode: str) -> Iterator[Inference]:
        """YIELDS (Inference): Those of an episode, oldest first."""
        rows = self._engine.rows(f"{_ALL} WHERE episode = ? ORDER BY position", (episode,))
        yield from map(_inference, rows)


def _write(writer: Writer, inference: Inference, row: Row) -> None:
    if writer.rows("SELECT 1 FROM inferences WHERE id = ?", (inference.id,)):
        return
    position = next_positions(writer, 1)
    writer.run(_ADD, (position, *row))
    sampled = inference.fallback_of or inference.variant
    failed = bool(inference.fallback_of)
    count_inference(writer, inference.component, sampled, inference.episode, failed=failed)


def _same(like: Inference, same_episode: bool) -> tuple[str, Row]:
    """RETURNS (tuple[str, Row]): From where the first inference that says the same is selected, and the values."""
    values = (
        *(_keys_hash(like.request_keys), like.text, like.component, like.variant, like.fallback_of),
        *(_list(like.labels), write_spans(like.entities), _floats(like.scores), int(like.valid)),
    )
    where = f"FROM inferences WHERE {_SAME}"
    if same_episode:
        where, values = f"{where} AND episode = ?", (*values, like.episode)
    return f"{where} ORDER BY position LIMIT 1", values


def _list(values: Sequence[str]) -> str:
    return json.dumps(list(values))


def _floats(values: Sequence[float]) -> str:
    return json.dumps([float(value) for value in values])


def _keys_hash(request_keys: Sequence[str]) -> str:
    return hashlib.sha256(_list(request_keys).encode("ascii")).hexdigest()


def _row(inference: Inference) -> Row:
    usage = inference.usage
    return (
        *(inference.id, inference.episode, inference.variant, float(inference.probability)),
        *(inference.fallback_of, inference.text, inference.text_hash, _list(inference.labels)),
        *(inference.format, inference.model, _list(inference.request_keys)),
        *(_keys_hash(inference.request_keys), write_spans(inference.entities)),
        *(_floats(inference.scores), int(inference.valid), inference.failure),
        *(usage.prompt, usage.completion, usage.cached, float(inference.seconds)),
        *(None if inference.cost is None else float(inference.cost), inference.created, inference.external),
        inference.component,
    )


def _inference(row: Row) -> Inference:
    _, id, episode, variant, probability, fallback_of, text, text_hash, labels, format, model, *rest = row
    request_keys, _, entities, scores, valid, failure, prompt, completion, cached, *last = rest
    seconds, cost, created, external, component = last
    return Inference(
        id=id,
        episode=episode,
        variant=variant,
        probability=probability,
        fallback_of=fallback_of,
        text=text,
        text_hash=text_hash,
        labels=tuple(json.loads(labels)),
        format=format,
        model=model,
        request_keys=tuple(json.loads(request_keys)),
        entities=read_spans(entities),
        scores=tuple(json.loads(scores)),
        valid=bool(valid),
        failure=failure,
        usage=Usage(prompt, completion, cached),
        seconds=seconds,
        cost=cost,
        created=created,
        external=external,
        component=component,
    )
