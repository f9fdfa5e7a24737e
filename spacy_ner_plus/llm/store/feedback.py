"""What people and programs say of inferences: right or wrong, how good, and what would have been right."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.llm.store.engines.engine import Engine, Row, Writer, in_lists
from spacy_ner_plus.llm.store.ids import new_id
from spacy_ner_plus.llm.store.metrics import SHIPPED, TEXT, FeedbackKind, Metric, is_text
from spacy_ner_plus.llm.store.positions import next_positions, read_position
from spacy_ner_plus.llm.store.span_lists import read_spans, write_spans
from spacy_ner_plus.llm.store.totals import NewValues, read_totals
from spacy_ner_plus.spans import CharSpan

Value = bool | float | str | tuple[CharSpan, ...]

_METRIC = "name, kind, level, optimize, lower, upper"
_FEEDBACK = "id, target, metric, number, content, created, source"
_ADD = f"INSERT INTO feedback (position, {_FEEDBACK}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing that was said of an inference or an episode.

    id (str): Its own, a UUID of version 7, in the order of time.
    target (str): The id of the inference, or the episode.
    value (bool | float | str | tuple[CharSpan, ...]): Of the metric's kind.
    created (float): In seconds since 1970.
    source (str): Who or what gave it.
    """

    id: str
    target: str
    metric: str
    value: Value
    created: float
    source: str = ""


class FeedbackLog:
    """The feedback of a store. Nothing is changed in it: of what was said of one target, the last counts.

    engine (Engine): Its database.
    """

    def __init__(self, engine: Engine[Any]):
        self._engine = engine
        self._declared: dict[str, Metric] = {}

    def declare(self, metric: Metric) -> None:
        """Make a metric known, for all who use the store. Saying the same again is fine.

        RAISES (UserError): Where a metric of this name is another one.
        """
        row = (metric.name, metric.kind, metric.level, metric.optimize, metric.lower, metric.upper)
        if metric.name not in SHIPPED:
            statement = f"INSERT INTO metrics ({_METRIC}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
            self._engine.write(lambda writer: writer.run(statement, row))
        known = self.metrics()[metric.name]
        if known != metric:
            raise UserError(Errors.E807.format(metric=metric.name, known=known, given=metric))

    def metrics(self) -> dict[str, Metric]:
        """RETURNS (dict[str, Metric]): By name, those that every store has, and those that were declared."""
        rows = self._engine.rows(f"SELECT {_METRIC} FROM metrics ORDER BY name")
        self._declared = {row[0]: Metric(*row) for row in rows}
        return SHIPPED | self._declared

    def add(self, target: str, metric: str, value: Any, *, source: str = "") -> Feedback:
        """Say something of an inference or an episode.

        target (str): The id of the inference, or the episode.
        value (bool | float | str | Sequence[CharSpan | Span]): Of the metric's kind; for a demonstration, the right
            entities, such as `doc.ents` of a Doc of the same text.
        source (str): Who or what says so. Default: not known.
        RAISES (UserError): Where there is no such target or metric, or the value isn't one of it.
        """
        return self._add([(target, metric, value, source)])[0]

    def add_many(self, rows: Iterable[tuple[str, str, Any, str]]) -> int:
        """Say many things, all or none of which are kept.

        rows (Iterable[tuple]): Target, metric, value and source of each, as `add` takes them.
        RETURNS (int): How many.
        RAISES (UserError): Where one can't be taken.
        """
        # What makes the rows may read the store.
        return len(self._add(list(rows)))

    def latest(self, metric: str, *, upto: int | None = None) -> dict[str, Feedback]:
        """Read what counts.

        upto (int | None): What counted at this `Store.position()`. Default: now.
        RETURNS (dict[str, Feedback]): By target, the last one given.
        RAISES (UserError): Where there is no such metric.
        """
        kind = self._metric(metric).kind
        rows = self._engine.rows(
            f"SELECT {_FEEDBACK} FROM feedback WHERE metric = ? AND position <= ? ORDER BY position",
            (metric, read_position(self._engine) if upto is None else upto),
        )
        last = {row[1]: row for row in rows}
        return {target: _feedback(row, kind) for target, row in last.items()}

    def of(self, target: str) -> list[Feedback]:
        """RETURNS (list[Feedback]): All that was said of an inference or an episode, oldest first."""
        rows = self._engine.rows(
            f"SELECT {_FEEDBACK} FROM feedback WHERE target = ? ORDER BY position", (target,)
        )
        return [_feedback(row, self._metric(row[2]).kind) for row in rows]

    def all(self, *, upto: int | None = None, batch: int = 1000) -> Iterator[Feedback]:
        """Read all feedback. Others may add to the store meanwhile.

        upto (int | None): Only what was there at this `Store.position()`. Default: what is there now.
        batch (int): How much is read at once. Default: 1,000.
        YIELDS (Feedback): Oldest first.
        """
        last, upto = 0, read_position(self._engine) if upto is None else upto
        while rows := self._engine.rows(
            f"SELECT {_FEEDBACK}, position FROM feedback WHERE position > ? AND position <= ?"
            " ORDER BY position LIMIT ?",
            (last, upto, batch),
        ):
            for *row, _ in rows:
                yield _feedback(tuple(row), self._metric(row[2]).kind)
            last = rows[-1][-1]

    def totals(self, metric: str, component: str | None = None) -> dict[str, tuple[int, float]]:
        """Add up a metric. Where another variant answered, the one that was sampled and failed has the worst value.

        component (str | None): Whose inferences count. Default: those of all components together.
        RETURNS (dict[str, tuple[int, float]]): By variant, how many inferences have the metric, and the sum of the
            values that count.
        RAISES (UserError): Where there is no such metric, or its values are no numbers.
        """
        found = self._metric(metric)
        if not found.is_number:
            raise UserError(Errors.E806.format(metric=metric, kind=found.kind))
        return read_totals(self._engine, metric, component)

    def _add(self, rows: list[tuple[str, str, Any, str]]) -> list[Feedback]:
        checked = self._check(rows)
        if not checked:
            return []
        columns = [_columns(feedback, self._metric(feedback.metric).kind) for feedback in checked]

        def write(writer: Writer) -> None:
            # Where a connection died while it committed, this may be the second try.
            if writer.rows("SELECT 1 FROM feedback WHERE id = ?", (checked[0].id,)):
                return
            values: defaultdict[str, dict[str, float]] = defaultdict(dict)
            for feedback, row in zip(checked, columns, strict=True):
                if row[3] is not None:
                    values[feedback.metric][feedback.target] = row[3]
            new = [NewValues(writer, self._metric(name), given) for name, given in values.items()]
            first = next_positions(writer, len(columns))
            writer.run_many(_ADD, [(position, *row) for position, row in enumerate(columns, start=first)])
            for given in new:
                given.count()

        self._engine.write(write)
        return checked

    def _metric(self, name: str) -> Metric:
        # What is declared stays as it is, so only an unknown one is looked for again.
        metric = SHIPPED.get(name) or self._declared.get(name) or self.metrics().get(name)
        if metric is None:
            known = ", ".join(SHIPPED | self._declared)
            raise UserError(Errors.E804.format(metric=name, known=known))
        return metric

    def _check(self, rows: list[tuple[str, str, Any, str]]) -> list[Feedback]:
        read = [self._metric(metric).read(value) for _, metric, value, _ in rows]
        for _, metric, _, source in rows:
            if not is_text(source):
                raise UserError(Errors.E805.format(metric=metric, wanted=f"{TEXT} as `source`", value=source))
        # No database can be asked for others, which are refused below.
        targets = [target for target, *_ in rows if is_text(target)]
        texts = self._texts(
            target
            for target, metric, *_ in rows
            if is_text(target) and self._metric(metric).kind == "demonstration"
        )
        inferences = self._known("id", targets)
        episodes = self._known("episode", (target for target in targets if target not in inferences))
        checked, created = [], time.time()
        for (target, name, _, source), value in zip(rows, read, strict=True):
            metric = self._metric(name)
            if target not in inferences and target not in episodes:
                raise UserError(Errors.E802.format(target=target, path=self._engine.where))
            level = "inference" if target in inferences else "episode"
            if metric.kind != "comment" and metric.level != level:
                raise UserError(
                    Errors.E803.format(metric=name, level=metric.level, target=target, other=level)
                )
            if metric.kind == "demonstration":
                value = _read_demonstration(name, value, texts[target])
            checked.append(Feedback(new_id(), target, name, value, created, source))
        return checked

    def _known(self, column: str, targets: Iterable[str]) -> set[str]:
        return {
            found
            for listed, some in in_lists(targets)
            for (found,) in self._engine.rows(
                f"SELECT DISTINCT {column} FROM inferences WHERE {column} IN {listed}", some
            )
        }

    def _texts(self, targets: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for listed, some in in_lists(targets):
            found.update(self._engine.rows(f"SELECT id, text FROM inferences WHERE id IN {listed}", some))
        return found


def _read_demonstration(metric: str, given: Any, text: str) -> tuple[CharSpan, ...]:
    wanted = f"spans with a label within the inference's text, which has {len(text):,} characters"
    spans = []
    for span in given:
        try:
            start, end, label = _of_spacy(span, text) or span
        except (TypeError, ValueError):
            start, end, label = -1, -1, ""
        is_place = type(start) is int and type(end) is int and 0 <= start < end <= len(text)
        if not is_place or not is_text(label) or not label:
            raise UserError(Errors.E805.format(metric=metric, wanted=wanted, value=span))
        spans.append(CharSpan(start, end, label))
    return tuple(spans)


def _of_spacy(span: Any, text: str) -> tuple[int, int, str] | None:
    """RETURNS (tuple | None): Start, end and label of a spaCy Span; None for anything else, and for one of another
    text, whose offsets say nothing here."""
    doc = getattr(span, "doc", None)
    return (span.start_char, span.end_char, span.label_) if doc is not None and doc.text == text else None


def _columns(feedback: Feedback, kind: FeedbackKind) -> Row:
    number, content = None, None
    if kind == "demonstration":
        content = write_spans(feedback.value)
    elif kind == "comment":
        content = feedback.value
    else:
        number = float(feedback.value)
    ids = (feedback.id, feedback.target, feedback.metric)
    return (*ids, number, content, feedback.created, feedback.source)


def _feedback(row: Row, kind: FeedbackKind) -> Feedback:
    id, target, metric, number, content, created, source = row
    value: Value
    if kind == "demonstration":
        value = read_spans(content)
    elif kind == "comment":
        value = content
    else:
        value = bool(number) if kind == "boolean" else number
    return Feedback(id, target, metric, value, created, source)
