"""Several pipelines on one corpus: which is better, by how much, and how sure that is."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.comparison.compared_pipeline import (
    EXACT_MATCH,
    JACCARD,
    ComparedPipeline,
    Tables,
)
from spacy_ner_plus.evaluation.comparison.comparison import Comparison
from spacy_ner_plus.evaluation.comparison.notes import notes
from spacy_ner_plus.evaluation.counting.counts import RATES, rates
from spacy_ner_plus.evaluation.counting.schemes import SCHEMES, STRICT
from spacy_ner_plus.evaluation.defaults import RESAMPLES, ROUNDS
from spacy_ner_plus.evaluation.metrics.file import FORMAT_VERSION
from spacy_ner_plus.evaluation.statistics.resampling import (
    LEAST_DOCUMENTS,
    LEVEL,
    resampled_means,
)
from spacy_ner_plus.evaluation.statistics.seeds import summarize_seeds
from spacy_ner_plus.evaluation.statistics.significance import (
    ALPHA,
    Statistic,
    compare_pair,
    f1_of,
    holm,
    mean_of,
)


def compare_pipelines(
    pipelines: Sequence[ComparedPipeline], *, resamples: int = RESAMPLES, rounds: int = ROUNDS, seed: int = 0
) -> Comparison:
    """Compare pipelines that were scored on the same corpus.

    pipelines (Sequence[ComparedPipeline]): Two or more, by different names.
    resamples (int): Of the documents, for intervals; 0 for none, and no tests.
    rounds (int): Of the randomization test.
    seed (int): Of the random numbers.
    RETURNS (Comparison): `corpus`; `pipelines`, best first; `pairs`, a test for each two of them and for each
        measure and label that can be tested, `p` corrected for the pairs (of labels, for all pairs and labels) as
        `p_holm`, and `better`, which names one of them only where the difference is significant; `leaders`, those
        than which none is significantly better by strict F1; `winner`, the one that is significantly better than each
        other, or None; `notes` in words; and `testing`, how it was tested.
    RAISES (UserError): Where their metrics are of different corpora.
    """
    same_corpus(pipelines)
    drawn = {"resamples": resamples, "seed": seed}
    described = [_describe(pipeline, **drawn) for pipeline in pipelines]
    described.sort(key=lambda row: -row["schemes"][STRICT]["f1"])
    by_name = {pipeline.name: pipeline for pipeline in pipelines}
    # The better one of each pair stands first.
    pairs = list(combinations([by_name[row["name"]] for row in described], 2))
    found = []
    for measure in (*SCHEMES, EXACT_MATCH, JACCARD):
        found += _test(pairs, measure, None, rounds=rounds, **drawn)
    labels = sorted(
        {label for pipeline in pipelines for run in pipeline.counts or () for label in run.labels}
    )
    found += _test(pairs, STRICT, labels, rounds=rounds, **drawn)
    strict = [row for row in found if row["measure"] == STRICT and row["label"] is None]
    beaten = {row["other" if row["better"] == row["one"] else "one"] for row in strict if row["better"]}
    best = described[0]["name"]
    wins = sum(row["better"] == best for row in strict)
    content = {
        "format_version": FORMAT_VERSION,
        "corpus": dict(pipelines[0].metrics["corpus"]),
        "pipelines": described,
        "pairs": found,
        "leaders": [row["name"] for row in described if row["name"] not in beaten],
        "winner": best if wins == len(pipelines) - 1 else None,
        "notes": notes(pipelines, resamples),
        "testing": {"unit": "document", "alpha": ALPHA, "level": LEVEL, "rounds": rounds, **drawn},
    }
    return Comparison(content)


def same_corpus(pipelines: Sequence[ComparedPipeline]) -> None:
    """Refuse metrics of different corpora.

    RAISES (UserError): Where one was scored on other texts or other gold entities than the first.
    """
    first = pipelines[0].metrics["corpus"]
    for pipeline in pipelines:
        for run in pipeline.runs:
            if run["corpus"]["fingerprint"] != first["fingerprint"]:
                names = {"name": pipeline.name, "first": pipelines[0].name}
                corpora = {"here": _in_words(run["corpus"]), "there": _in_words(first)}
                raise UserError(Errors.E310.format(**names, **corpora))


def _test(
    pairs: Sequence[tuple[ComparedPipeline, ComparedPipeline]],
    measure: str,
    labels: Sequence[str] | None,
    **settings: int,
) -> list[dict[str, Any]]:
    """Test each pair by one measure; what is tested together is corrected together."""
    found = []
    for one, other in pairs:
        for label in [None] if labels is None else labels:
            tables = [pipeline.tables(measure, label) for pipeline in (one, other)]
            if None in tables:
                continue
            statistic: Statistic = mean_of if measure in (EXACT_MATCH, JACCARD) else f1_of
            row = {"one": one.name, "other": other.name, "measure": measure, "label": label}
            found.append({**row, **compare_pair(*tables, statistic=statistic, **settings)})
    tested = [row for row in found if row["p"] is not None]
    for row, corrected in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = corrected
    for row in found:
        p = row.setdefault("p_holm", None)
        ahead = row["one"] if row["difference"] > 0 else row["other"]
        row["better"] = ahead if p is not None and p < ALPHA else None
    return found


def _describe(pipeline: ComparedPipeline, resamples: int, seed: int) -> dict[str, Any]:
    """What is shown of a pipeline; of several trainings the means."""
    rows = pipeline.runs
    performance = {
        key: value if isinstance(value, str) else _mean([row["performance"].get(key) for row in rows])
        for key, value in rows[0]["performance"].items()
    }
    calibration = [row["calibration"] for row in rows if "calibration" in row]
    labels = sorted({label for row in rows for label in row["labels"]})
    return {
        "name": pipeline.name,
        "pipeline": dict(rows[0]["pipeline"]),
        "settings": dict(rows[0]["settings"]),
        "schemes": {
            scheme: _scheme_row(
                [row["schemes"][scheme] for row in rows], pipeline.tables(scheme), resamples, seed
            )
            for scheme in SCHEMES
        },
        "labels": {
            label: _scheme_row([row["labels"].get(label, {}).get(STRICT, {}) for row in rows])
            for label in labels
        },
        "documents": {key: _mean([row["documents"][key] for row in rows]) for key in (EXACT_MATCH, JACCARD)},
        "performance": performance,
        "calibration": {key: _mean([row[key] for row in calibration]) for key in ("ece", "brier")},
        "llm": [dict(row["llm"]) for row in rows if row.get("llm")],
        "seeds": summarize_seeds(pipeline.tables(), resamples=resamples, seed=seed),
    }


def _scheme_row(
    rows: Sequence[Mapping[str, Any]], tables: Tables | None = None, resamples: int = 0, seed: int = 0
) -> dict[str, Any]:
    means = {rate: _mean([row.get(rate, 0.0) for row in rows]) for rate in RATES}
    interval = _intervals(tables, resamples, seed)
    if interval is None and len(rows) == 1:
        interval = rows[0].get("interval")
    return {**means, "interval": interval}


def _intervals(tables: Tables | None, resamples: int, seed: int) -> dict[str, list[float]] | None:
    if tables is None or len(tables[0]) < LEAST_DOCUMENTS or not resamples:
        return None
    drawn = resampled_means(tables, rates, resamples=resamples, seed=seed)
    ends = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {rate: ends[:, column].tolist() for column, rate in enumerate(RATES)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _in_words(corpus: Mapping[str, Any]) -> str:
    return (
        f"{corpus['name']} ({corpus['documents']} documents, {corpus['entities']} entities, "
        f"fingerprint {corpus['fingerprint'][:8]})"
    )
