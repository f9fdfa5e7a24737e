"""What a reader of a comparison should know before believing it, in words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from spacy_ner_plus.evaluation.counting.schemes import FUZZY, STRICT
from spacy_ner_plus.evaluation.statistics.resampling import LEAST_DOCUMENTS

Metrics = Mapping[str, Any]
# What a pipeline may be scored by: its name, and the metrics of each of its trainings.
Named = tuple[str, Sequence[Metrics]]


def notes(compared: Sequence[Named], alone: Sequence[str], resamples: int) -> list[str]:
    """Say what a reader of the comparison should know.

    compared (Sequence[Named]): Names and metrics of what is compared.
    alone (Sequence[str]): Names of those of which there are only metrics.
    resamples (int): Of the documents; with 0 nothing is tested.
    RETURNS (list[str]): Sentences.
    """
    rows = [(name, row) for name, several in compared for row in several]
    found = []
    if reason := why_untested(rows[0][1]["corpus"]["documents"], resamples):
        found.append(f"Nothing is tested: {reason}.")
    found += _unanswered(compared)
    gold_tokens = {name for name, row in rows if row["settings"]["tokens"] == "gold"}
    if 0 < len(gold_tokens) < len(compared):
        found.append(f"Only {_names(gold_tokens)} got gold's tokens, which makes the task easier.")
    labels = sorted(rows[0][1]["label_sets"]["gold"])
    for name, several in compared:
        predicted = {label for row in several for label in row["label_sets"]["predicted"]}
        if lacking := [label for label in labels if label not in predicted]:
            found.append(f"{name} predicts no {', '.join(lacking)}.")
    likeness = {row["schemes"][FUZZY]["likeness"] for _, row in rows}
    if len(likeness) > 1:
        values = ", ".join(f"{value:g}" for value in sorted(likeness))
        found.append(f"Fuzzy scores are of different thresholds: {values}.")
    machines = {row["performance"]["processor"] for _, row in rows}
    if len(machines) > 1:
        found.append(f"Speeds were measured on different machines: {'; '.join(sorted(machines))}.")
    if alone:
        found.append(
            f"Of {_names(alone)} there are only metrics, so only strict F1 of all labels together is tested. With "
            "--corpus, and predictions beside the metrics, other schemes and single labels are tested, too."
        )
    return found


def untested(comparison: Mapping[str, Any]) -> str:
    """Say why a comparison tells nothing of chance.

    comparison (Mapping[str, Any]): As `compare_entrants` gives it.
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
        return (
            f"the corpus has {documents} documents, and with fewer than {LEAST_DOCUMENTS} there is no telling whether "
            "a difference is chance. Sentences as documents would do"
        )
    return "" if resamples else "no resamples were asked for (--resamples 0)"


def count_unanswered(metrics: Metrics) -> int:
    """RETURNS (int): Documents for which nothing was predicted, not even that there is no entity."""
    return metrics["documents"].get("unanswered", 0)


def _unanswered(compared: Iterable[Named]) -> Iterator[str]:
    """Documents that nobody answered for count as wrong, and look like those without entities."""
    for name, several in compared:
        documents = sum(row["corpus"]["documents"] for row in several)
        if count := sum(map(count_unanswered, several)):
            yield (
                f"{name} gave no prediction for {count:,} of {documents:,} documents, not even that there is no "
                "entity: all their entities count as missed."
            )
        issues: Counter[str] = Counter()
        for row in several:
            for report in row.get("llm", {}).values():
                issues.update(report.get("issues", report.get("losses")) or {})
        if issues:
            counts = "; ".join(
                f"{count:,} \N{MULTIPLICATION SIGN} {kind}" for kind, count in issues.most_common()
            )
            yield f"What the language model of {name} gave was lost or changed in part: {counts}."


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
