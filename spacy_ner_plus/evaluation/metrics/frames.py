"""Metrics as a table of pandas, for notebooks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.counts import RATES
from spacy_ner_plus.evaluation.counting.schemes import SCHEMES, STRICT
from spacy_ner_plus.extras import from_extra

if TYPE_CHECKING:
    from pandas import DataFrame


def metrics_frame(metrics: Mapping[str, Any]) -> "DataFrame":
    """Write metrics as a table: those that `evaluate` or `compute_metrics` give.

    RETURNS (DataFrame): A row for each scheme, each label (strict) and each part of each slice, under `section`
        and `name`: `precision`, `recall`, `f1`, ends of the interval of F1 (`f1_low`, `f1_high`), and how
        many entities are `correct`, `predicted` and in gold (`support`).
    RAISES (UserError): Where these are other metrics, such as those of `spacy evaluate`.
    """
    with from_extra("report"):
        import pandas as pd

    source = "`spacy-ner-plus evaluate` or `compute_metrics`"
    check_keys(metrics, ("schemes", "labels", "slices"), "file of metrics", source)
    columns = ["section", "name", *RATES, "f1_low", "f1_high", "correct", "predicted", "support"]
    return pd.DataFrame(list(_metric_rows(metrics)), columns=columns)


def _metric_rows(metrics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for scheme in SCHEMES:
        yield _row("scheme", scheme, metrics["schemes"][scheme])
    for label, schemes in metrics["labels"].items():
        yield _row("label", label, schemes[STRICT])
    for name, rows in metrics["slices"].items():
        for value, row in rows.items():
            yield {"section": name, "name": value, **row}


def _row(section: str, name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    paired = row["correct"] + row["incorrect"] + row["partial"]
    return {
        "section": section,
        "name": name,
        **{rate: row[rate] for rate in RATES},
        **f1_ends(row),
        "correct": row["correct"],
        "predicted": paired + row["spurious"],
        "support": paired + row["missed"],
    }


def check_keys(content: Mapping[str, Any], needed: Sequence[str], what: str, source: str) -> None:
    """RAISES (UserError): Where some of the keys are absent, so that this is something else."""
    absent = [key for key in needed if key not in content]
    if absent:
        raise UserError(Errors.E326.format(what=what, absent=", ".join(absent), source=source))


def f1_ends(row: Mapping[str, Any]) -> dict[str, float | None]:
    """RETURNS (dict[str, float | None]): `f1_low` and `f1_high`, the ends of the interval of F1."""
    low, high = row["interval"]["f1"] if row.get("interval") else (None, None)
    return {"f1_low": low, "f1_high": high}
