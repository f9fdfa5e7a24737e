"""Metrics and comparisons as tables of pandas, for notebooks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.counts import RATES
from spacy_ner_plus.evaluation.counting.schemes import SCHEMES, STRICT

if TYPE_CHECKING:
    from pandas import DataFrame

COMPARED = "`spacy-ner-plus compare` (comparison.json) or `evaluation.comparison.compare_entrants`"


def metrics_frame(metrics: Mapping[str, Any]) -> "DataFrame":
    """Write metrics as a table.

    metrics (Mapping[str, Any]): As `evaluate` gives them, or `measure`.
    RETURNS (DataFrame): A row for each scheme, each label (strict) and each part of each slice, under `section`
        and `name`: `precision`, `recall`, `f1`, ends of the interval of F1 (`f1_low`, `f1_high`), and how
        many entities are `correct`, `predicted` and in gold (`support`).
    RAISES (UserError): Where these are other metrics, such as those of `spacy evaluate`.
    """
    import pandas as pd

    source = "`spacy-ner-plus evaluate` or `evaluation.measures.measure`"
    _check(metrics, ("schemes", "labels", "slices"), "file of metrics", source)
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
        **_ends(row),
        "correct": row["correct"],
        "predicted": paired + row["spurious"],
        "support": paired + row["missed"],
    }


def comparison_frame(comparison: Mapping[str, Any]) -> "DataFrame":
    """Write a comparison as a table.

    comparison (Mapping[str, Any]): As `compare_entrants` gives it.
    RETURNS (DataFrame): A row for each pipeline, best first: strict `precision`, `recall`, `f1` with the ends of
        its interval, F1 of the other schemes (`partial_f1`, ...), `exact_match`, `jaccard`, `words_per_second`,
        `load_seconds`, `peak_memory_mib`, `seeds`, and whether it is a `leader` and the `winner`.
    RAISES (UserError): Where this is no comparison.
    """
    import pandas as pd

    _check(comparison, ("pipelines", "leaders", "winner"), "comparison", COMPARED)
    rows = []
    for pipeline in comparison["pipelines"]:
        strict, performance = pipeline["schemes"][STRICT], pipeline["performance"]
        others = {f"{scheme}_f1": pipeline["schemes"][scheme]["f1"] for scheme in SCHEMES if scheme != STRICT}
        speed = {key: performance.get(key) for key in ("words_per_second", "load_seconds", "peak_memory_mib")}
        rows.append(
            {
                "name": pipeline["name"],
                **{rate: strict[rate] for rate in RATES},
                **_ends(strict),
                **others,
                **pipeline["documents"],
                **speed,
                "seeds": pipeline["seeds"]["seeds"],
                "leader": pipeline["name"] in comparison["leaders"],
                "winner": pipeline["name"] == comparison["winner"],
            }
        )
    return pd.DataFrame(rows)


def pairs_frame(comparison: Mapping[str, Any]) -> "DataFrame":
    """Write the tests of a comparison as a table.

    comparison (Mapping[str, Any]): As `compare_entrants` gives it.
    RETURNS (DataFrame): A row for each pair and what it was tested by: `one`, `other`, `measure`, `label`,
        `difference`, ends of its interval (`low`, `high`), `p`, `p_holm` and `better`.
    RAISES (UserError): Where this is no comparison.
    """
    import pandas as pd

    _check(comparison, ("pairs",), "comparison", COMPARED)
    rows = []
    for row in comparison["pairs"]:
        low, high = row["interval"] or (None, None)
        kept = {key: row[key] for key in ("one", "other", "measure", "label", "difference")}
        rows.append(
            {**kept, "low": low, "high": high, **{key: row[key] for key in ("p", "p_holm", "better")}}
        )
    columns = ["one", "other", "measure", "label", "difference", "low", "high", "p", "p_holm", "better"]
    return pd.DataFrame(rows, columns=columns)


def _check(content: Mapping[str, Any], needed: Sequence[str], what: str, source: str) -> None:
    absent = [key for key in needed if key not in content]
    if absent:
        raise UserError(Errors.E326.format(what=what, absent=", ".join(absent), source=source))


def _ends(row: Mapping[str, Any]) -> dict[str, float | None]:
    low, high = row["interval"]["f1"] if row.get("interval") else (None, None)
    return {"f1_low": low, "f1_high": high}
