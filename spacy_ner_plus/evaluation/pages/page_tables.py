"""The tables of a comparison's page, as plain rows: which figure stands where, and which is significantly best.

Pipelines are given in the order of the comparison, best first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from spacy_ner_plus.evaluation.comparison.compared_pipeline import EXACT_MATCH, JACCARD, ComparedPipeline
from spacy_ner_plus.evaluation.comparison.comparison import Comparison
from spacy_ner_plus.evaluation.comparison.notes import count_unanswered
from spacy_ner_plus.evaluation.comparison.verdict import significant_best, strict_pairs
from spacy_ner_plus.evaluation.counting.counts import RATES, defined_rates
from spacy_ner_plus.evaluation.counting.schemes import EXACT, FUZZY, PARTIAL, SCHEMES, STRICT, TOKEN, TYPE
from spacy_ner_plus.evaluation.errors.error_kinds import ERROR_KINDS, NO_ENTITY

# Steps of the heat map's colour.
HEATS = 10
MEASURES = {
    STRICT: "bounds and label are right",
    EXACT: "bounds are right, whatever the label",
    PARTIAL: "an overlap counts half, whatever the label",
    TYPE: "the label is right and something overlaps",
    TOKEN: "tokens inside entities, each by its label",
    FUZZY: "a like text and the label, wherever it stands",
    EXACT_MATCH: "documents with all entities right, as a set of texts",
    JACCARD: "shared by all entities of a document, mean over documents",
}
SLICES = {
    "training": "In the training corpus",
    "length": "Length",
    "capitals": "Capitals",
    "label_frequency": "Frequency of the label",
    "document_length": "Length of the document",
}


def summary(comparison: Comparison, pipelines: Sequence[ComparedPipeline]) -> list[dict[str, Any]]:
    """Give a row for each pipeline: strict scores, where F1 and its interval lie on a common scale, speed, cost.

    RETURNS (list[dict[str, Any]]): The rows; `low`, `at` and `high` in per cent of the scale.
    """
    found = []
    tested = any(row["p_holm"] is not None for row in strict_pairs(comparison))
    scale = _scale([row["schemes"][STRICT] for row in comparison["pipelines"]])
    for pipeline, row in zip(pipelines, comparison["pipelines"], strict=True):
        strict, run = row["schemes"][STRICT], row["performance"]
        low, high = _ends(strict)
        found.append(
            {
                "name": pipeline.name,
                "best": pipeline.name == comparison["winner"],
                "leads": tested and comparison["winner"] is None and pipeline.name in comparison["leaders"],
                **{rate: strict[rate] for rate in ("precision", "recall", "f1")},
                "interval": _interval(strict),
                "low": _place(low, scale),
                "at": _place(strict["f1"], scale),
                "high": _place(high, scale),
                EXACT_MATCH: row["documents"][EXACT_MATCH],
                "unanswered": count_unanswered(pipeline.metrics),
                **{key: run.get(key) for key in ("words_per_second", "load_seconds", "peak_memory_mib")},
                "cost": pipeline.cost,
                "seeds": row["seeds"],
            }
        )
    return found


def measures(comparison: Comparison) -> list[dict[str, Any]]:
    """Give a row for each measure: what it counts as right, and each pipeline's figure.

    RETURNS (list[dict[str, Any]]): `name`, `meaning`, and `cells` with `value`, `interval` and `best`.
    """
    found = []
    for measure, meaning in MEASURES.items():
        best = significant_best(comparison, measure)
        cells = []
        for row in comparison["pipelines"]:
            scored = row["schemes"][measure] if measure in SCHEMES else {"f1": row["documents"][measure]}
            cells.append({"value": scored["f1"], "interval": _interval(scored), "best": row["name"] == best})
        found.append({"name": measure.replace("_", " "), "meaning": meaning, "cells": cells})
    return found


def labels(comparison: Comparison, pipelines: Sequence[ComparedPipeline]) -> list[dict[str, Any]]:
    """Give a row for each label, with what bars need.

    RETURNS (list[dict[str, Any]]): `label`, `support` in gold, and `cells` with `f1`, ends of its interval (`low`,
        `high`), `precision`, `recall` and `best`; None for what isn't defined, and `predicted`, how many entities.
    """
    support = pipelines[0].metrics["label_sets"]["gold"]
    names = sorted({label for row in comparison["pipelines"] for label in row["labels"]})
    found = []
    for label in names:
        best = significant_best(comparison, STRICT, label)
        cells = []
        in_gold = support.get(label, 0)
        for row, pipeline in zip(comparison["pipelines"], pipelines, strict=True):
            scored = row["labels"].get(label) or dict.fromkeys(RATES, 0.0)
            predicted = sum(run["label_sets"]["predicted"].get(label, 0) for run in pipeline.runs)
            rates = defined_rates(scored, predicted=predicted, support=in_gold)
            low, high = (None, None) if rates["f1"] is None else _ends(scored)
            cells.append(
                {**rates, "low": low, "high": high, "best": row["name"] == best, "predicted": predicted}
            )
        found.append({"label": label, "support": in_gold, "cells": cells})
    return found


def kinds(pipelines: Sequence[ComparedPipeline]) -> list[dict[str, Any]]:
    """Give a row for each kind of error that occurs, the most frequent first.

    RETURNS (list[dict[str, Any]]): `kind` and `cells` with `count` and its `share` of the largest count.
    """
    counts = {
        kind: [pipeline.metrics["errors"]["kinds"][kind]["count"] for pipeline in pipelines]
        for kind in ERROR_KINDS
    }
    most = max((count for row in counts.values() for count in row), default=0) or 1
    rows = sorted((item for item in counts.items() if any(item[1])), key=lambda item: -sum(item[1]))
    return [
        {"kind": kind, "cells": [{"count": count, "share": count / most} for count in row]}
        for kind, row in rows
    ]


def confusions(pipelines: Sequence[ComparedPipeline]) -> Iterator[dict[str, Any]]:
    """Give each pipeline's confusion of labels.

    YIELDS (dict[str, Any]): `name`, `labels`, and `rows`, each with gold's `label` and `cells` with `count`, `right`,
        `gold` and `predicted` (the labels by which the page finds the documents, NO_ENTITY for none) and `heat`: the
        share of the gold label's entities, from 0 to HEATS - 1, rising with its root so that rare errors are seen, too.
    """
    for pipeline in pipelines:
        table = pipeline.metrics["confusion"]
        named = [*table["labels"][:-1], NO_ENTITY]
        rows = []
        for i, counts in enumerate(table["matrix"]):
            whole = sum(counts) or 1
            cells = [
                {
                    "count": count,
                    "right": i == k and i < len(counts) - 1,
                    "gold": named[i],
                    "predicted": named[k],
                    "heat": round((count / whole) ** 0.5 * (HEATS - 1)) or int(count > 0),
                }
                for k, count in enumerate(counts)
            ]
            rows.append({"label": table["labels"][i], "cells": cells})
        yield {"name": pipeline.name, "labels": table["labels"], "rows": rows}


def slices(pipelines: Sequence[ComparedPipeline]) -> list[dict[str, Any]]:
    """Give strict F1 by what entities are like.

    RETURNS (list[dict[str, Any]]): `title`, and `rows` with `name`, `support` in gold and `cells`: F1, or None
        where a pipeline has no such entity, or wasn't scored by this.
    """
    found = []
    for key, title in SLICES.items():
        several = [pipeline.metrics["slices"].get(key, {}) for pipeline in pipelines]
        rows = []
        for name in dict.fromkeys(name for some in several for name in some):
            cells = [some[name]["f1"] if name in some else None for some in several]
            support = max(some[name]["support"] for some in several if name in some)
            rows.append({"name": name, "support": support, "cells": cells})
        if len(rows) > 1:
            found.append({"title": title, "rows": rows})
    return found


def calibrations(pipelines: Sequence[ComparedPipeline]) -> list[dict[str, Any]]:
    """RETURNS (list[dict[str, Any]]): What scores of entities are worth, for each pipeline that has some."""
    found = []
    for number, pipeline in enumerate(pipelines):
        row = pipeline.metrics.get("calibration")
        if row and row["entities"]:
            best, risk = row["thresholds"]["best"] or {}, row["risk_coverage"]
            figures = {key: row[key] for key in ("ece", "brier", "score", "precision", "unscored")}
            best = {"threshold": best.get("threshold"), "best_f1": best.get("f1")}
            found.append({"name": pipeline.name, "number": number, **figures, **best, "aurc": risk["aurc"]})
    return found


def _scale(rows: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """From the lowest to the highest end, with a little room."""
    ends = [value for row in rows for value in (row["f1"], *_ends(row)) if value is not None]
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or 0.01
    return low - room, high + room


def _place(value: float | None, scale: tuple[float, float]) -> float | None:
    return None if value is None else round(100 * (value - scale[0]) / (scale[1] - scale[0]), 2)


def _ends(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    interval = row.get("interval")
    return tuple(interval["f1"]) if interval else (None, None)


def _interval(row: Mapping[str, Any]) -> str:
    low, high = _ends(row)
    return "" if low is None else f"{100 * low:.1f}\N{EN DASH}{100 * high:.1f}"
