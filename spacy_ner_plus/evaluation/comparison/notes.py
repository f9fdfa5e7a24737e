"""What a reader of a comparison should know before believing it, in words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from spacy_ner_plus.evaluation.comparison.compared_pipeline import ComparedPipeline
from spacy_ner_plus.evaluation.counting.schemes import STRICT
from spacy_ner_plus.evaluation.statistics.resampling import LEAST_DOCUMENTS


def notes(pipelines: Sequence[ComparedPipeline], resamples: int) -> list[str]:
    """Say what a reader of the comparison should know.

    resamples (int): Of the documents; with 0 nothing is tested.
    RETURNS (list[str]): Sentences.
    """
    rows = [(pipeline.name, run) for pipeline in pipelines for run in pipeline.runs]
    found = []
    if reason := why_untested(rows[0][1]["corpus"]["documents"], resamples):
        found.append(f"Nothing is tested: {reason}.")
    found += _unanswered(pipelines)
    gold_tokens = {name for name, row in rows if row["settings"]["tokens"] == "gold"}
    if 0 < len(gold_tokens) < len(pipelines):
        found.append(f"Only {_names(gold_tokens)} got gold's tokens, which makes the task easier.")
    labels = sorted(rows[0][1]["label_sets"]["gold"])
    for pipeline in pipelines:
        predicted = {label for run in pipeline.runs for label in run["label_sets"]["predicted"]}
        if lacking := [label for label in labels if label not in predicted]:
            found.append(f"{pipeline.name} predicts no {', '.join(lacking)}.")
    thresholds = {row["settings"]["similarity_threshold"] for _, row in rows}
    if len(thresholds) > 1:
        values = ", ".join(f"{value:g}" for value in sorted(thresholds))
        found.append(f"Fuzzy scores have different similarity thresholds: {values}.")
    machines = {row["performance"]["processor"] for _, row in rows}
    if len(machines) > 1:
        found.append(f"Speeds were measured on different machines: {'; '.join(sorted(machines))}.")
    if alone := [pipeline.name for pipeline in pipelines if pipeline.counts is None]:
        found.append(
            f"Of {_names(alone)} there are only metrics, so only strict F1 of all labels together is tested. With "
            "--corpus, and predictions beside the metrics, other schemes and single labels are tested, too."
        )
    return found


def untested(comparison: Mapping[str, Any]) -> str:
    """Say why a comparison doesn't tell whether differences are significant.

    RETURNS (str): The reason, as part of a sentence; nothing where it was tested.
    """
    strict = [row for row in comparison["pairs"] if (row["measure"], row["label"]) == (STRICT, None)]
    if any(row["p_holm"] is not None for row in strict):
        return ""
    documents, resamples = comparison["corpus"]["documents"], comparison["testing"]["resamples"]
    return why_untested(documents, resamples) or "there are no counts by document"


def why_untested(documents: int, resamples: int) -> str:
    """Say why differences can't be tested.

    documents (int): Of the corpus.
    resamples (int): That were asked for.
    RETURNS (str): The reason; nothing where they can be.
    """
    if documents < LEAST_DOCUMENTS:
        counted = "1 document" if documents == 1 else f"{documents} documents"
        return (
            f"the corpus has {counted}, and with fewer than {LEAST_DOCUMENTS} a difference can't be told "
            "from chance. Sentences as documents would do"
        )
    return "" if resamples else "no resamples were asked for (--resamples 0)"


def count_unanswered(metrics: Mapping[str, Any]) -> int:
    """RETURNS (int): Documents for which nothing was predicted, not even that there is no entity."""
    return metrics["documents"].get("unanswered", 0)


def _unanswered(pipelines: Iterable[ComparedPipeline]) -> Iterator[str]:
    """Documents that were never answered count as wrong, and look like those without entities."""
    for pipeline in pipelines:
        documents = sum(run["corpus"]["documents"] for run in pipeline.runs)
        if count := sum(map(count_unanswered, pipeline.runs)):
            yield (
                f"{pipeline.name} gave no prediction for {count:,} of {documents:,} documents, not even that there is "
                "no entity: all their entities count as missed."
            )
        issues: Counter[str] = Counter()
        for run in pipeline.runs:
            for report in run.get("llm", {}).values():
                issues.update(report.get("issues") or {})
        if issues:
            counts = "; ".join(
                f"{count:,} \N{MULTIPLICATION SIGN} {kind}" for kind, count in issues.most_common()
            )
            yield f"What the language model of {pipeline.name} gave was lost or changed in part: {counts}."


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
