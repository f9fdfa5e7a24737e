"""How many inferences of each variant of a component have a metric, and the sum of its values: kept up with each row,
so that nobody has to read them all.

Of several values for one target the last one counts. That of an episode counts for each of its inferences. Where a
variant that was sampled failed, and another one answered, the one that failed has the metric's worst value, and the
other none, since it wasn't sampled. Without a worst value that text counts for neither.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from spacy_ner_plus.llm.store.engines.engine import Engine, Writer, in_lists
from spacy_ner_plus.llm.store.metrics import SHIPPED, Metric

_ADD = (
    "INSERT INTO totals (metric, component, variant, inferences, total) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (metric, component, variant)"
    " DO UPDATE SET inferences = totals.inferences + excluded.inferences, total = totals.total + excluded.total"
)
_SAMPLED = "CASE WHEN i.fallback_of = '' THEN i.variant ELSE i.fallback_of END"
_ALL = (
    "INSERT INTO totals (metric, component, variant, inferences, total)"
    f" SELECT f.metric, i.component, {_SAMPLED}, count(*),"
    " sum(CASE WHEN i.fallback_of = '' THEN f.number ELSE ? END)"
    " FROM feedback f JOIN inferences i ON i.{column} = f.target"
    " WHERE f.metric = ? AND (i.fallback_of = '' OR ? = 1) AND f.position = (SELECT max(g.position) FROM feedback g"
    f" WHERE g.target = f.target AND g.metric = f.metric) GROUP BY f.metric, i.component, {_SAMPLED}"
)


def read_totals(engine: Engine[Any], metric: str, component: str | None) -> dict[str, tuple[int, float]]:
    """RETURNS (dict[str, tuple[int, float]]): By variant, how many inferences have the metric, and the sum; of all
    components together for None."""
    statement = "SELECT variant, inferences, total FROM totals WHERE metric = ?"
    if component is None:
        rows = engine.rows(statement, (metric,))
    else:
        rows = engine.rows(f"{statement} AND component = ?", (metric, component))
    found: dict[str, tuple[int, float]] = {}
    for variant, count, total in rows:
        before, so_far = found.get(variant, (0, 0.0))
        found[variant] = before + count, so_far + total
    return found


def count_inference(writer: Writer, component: str, variant: str, episode: str, *, failed: bool) -> None:
    """Count what its episode has already for a new inference.

    variant (str): The one that was sampled.
    failed (bool): Whether it failed, and another one answered.
    """
    found = writer.rows(
        "SELECT metric, number FROM feedback WHERE target = ? AND number IS NOT NULL ORDER BY position",
        (episode,),
    )
    if not found:
        return
    worst = {}
    if failed:
        rows = writer.rows("SELECT name, kind, level, optimize, lower, upper FROM metrics")
        worst = {name: one.worst for name, one in (SHIPPED | {row[0]: Metric(*row) for row in rows}).items()}
    for metric, number in dict(found).items():
        value = worst[metric] if failed else number
        if value is not None:
            writer.run(_ADD, (metric, component, variant, 1, value))


class NewValues:
    """Values that are about to be written, compared with those that they take the place of.

    metric (Metric): One whose values are numbers.
    values (Mapping[str, float]): By target, the last one given.
    """

    def __init__(self, writer: Writer, metric: Metric, values: Mapping[str, float]):
        self._writer = writer
        self._metric = metric
        self._column = "id" if metric.level == "inference" else "episode"
        before = self._last(values)
        self._new = {target: value for target, value in values.items() if target not in before}
        # Adding up what was taken away would lose what is small beside it.
        self._is_changed = any(before[target] != values[target] for target in before)

    def count(self) -> None:
        """Bring the totals up to date, once the values are written."""
        if self._is_changed:
            self._writer.run("DELETE FROM totals WHERE metric = ?", (self._metric.name,))
            worst = self._metric.worst
            values = (worst or 0.0, self._metric.name, int(worst is not None))
            self._writer.run(_ALL.format(column=self._column), values)
            return
        counts: Counter[tuple[str, str]] = Counter()
        sums: defaultdict[tuple[str, str], float] = defaultdict(float)
        for listed, some in in_lists(self._new):
            for target, component, variant, failed in self._writer.rows(
                f"SELECT {self._column}, component, variant, fallback_of FROM inferences"
                f" WHERE {self._column} IN {listed}",
                some,
            ):
                value = self._metric.worst if failed else self._new[target]
                if value is not None:
                    counts[component, failed or variant] += 1
                    sums[component, failed or variant] += value
        rows = [(self._metric.name, *asked, count, sums[asked]) for asked, count in counts.items()]
        if rows:
            self._writer.run_many(_ADD, rows)

    def _last(self, targets: Mapping[str, float]) -> dict[str, float]:
        found: dict[str, float] = {}
        for listed, some in in_lists(targets):
            found.update(
                self._writer.rows(
                    f"SELECT target, number FROM feedback WHERE target IN {listed} AND metric = ? ORDER BY position",
                    (*some, self._metric.name),
                )
            )
        return found
