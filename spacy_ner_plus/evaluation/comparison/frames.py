"""A comparison as tables of pandas, for notebooks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.evaluation.counting.counts import RATES
from spacy_ner_plus.evaluation.counting.schemes import SCHEMES, STRICT
from spacy_ner_plus.evaluation.metrics.frames import check_keys, f1_ends
from spacy_ner_plus.extras import from_extra

if TYPE_CHECKING:
    from pandas import DataFrame

SOURCE = "`spacy-ner-plus compare` (comparison.json) or `compare_pipelines`"


def comparison_frame(comparison: Mapping[str, Any]) -> "DataFrame":
    """Write a comparison as a table.

    RETURNS (DataFrame): A row for each pipeline, best first: strict `precision`, `recall`, `f1` with the ends of
        its interval, F1 of the other schemes (`partial_f1`, ...), `exact_match`, `jaccard`, `words_per_second`,
        `load_seconds`, `peak_memory_mib`, `seeds`, and whether it is a `leader` and the `winner`.
    RAISES (UserError): Where this is no comparison.
    """
    with from_extra("report"):
        import pandas as pd

    check_keys(comparison, ("pipelines", "leaders", "winner"), "comparison", SOURCE)
    rows = []
    for pipeline in comparison["pipelines"]:
        strict, performance = pipeline["schemes"][STRICT], pipeline["performance"]
        others = {f"{scheme}_f1": pipeline["schemes"][scheme]["f1"] for scheme in SCHEMES if scheme != STRICT}
        speed = {key: performance.get(key) for key in ("words_per_second", "load_seconds", "peak_memory_mib")}
        rows.append(
            {
                "name": pipeline["name"],
                **{rate: strict[rate] for rate in RATES},
                **f1_ends(strict),
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

    RETURNS (DataFrame): A row for each pair and what it was tested by: `one`, `other`, `measure`, `label`,
        `difference`, ends of its interval (`low`, `high`), `p`, `p_holm` and `better`.
    RAISES (UserError): Where this is no comparison.
    """
    with from_extra("report"):
        import pandas as pd

    check_keys(comparison, ("pairs",), "comparison", SOURCE)
    rows = []
    for row in comparison["pairs"]:
        low, high = row["interval"] or (None, None)
        kept = {key: row[key] for key in ("one", "other", "measure", "label", "difference")}
        rows.append(
            {**kept, "low": low, "high": high, **{key: row[key] for key in ("p", "p_holm", "better")}}
        )
    columns = ["one", "other", "measure", "label", "difference", "low", "high", "p", "p_holm", "better"]
    return pd.DataFrame(rows, columns=columns)
