"""A pipeline that is compared with others: its metrics, and what its predictions came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spacy_ner_plus.evaluation.counting.counts import FIELDS
from spacy_ner_plus.evaluation.counting.document_counts import DocumentCounts
from spacy_ner_plus.evaluation.counting.schemes import SCHEMES, STRICT
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc

# Measures over whole documents, beside the schemes.
EXACT_MATCH, JACCARD = "exact_match", "jaccard"
Tables = list[np.ndarray]


@dataclass(frozen=True)
class ComparedPipeline:
    """A pipeline that is compared.

    name (str): What it is called.
    runs (Sequence[Mapping[str, Any]]): Its metrics: one, or one for each of several trainings that differ in their
        seed.
    counts (Sequence[DocumentCounts] | None): Counts of its predictions for each of them; None where there are only
        metrics.
    matched (Sequence[MatchedDoc] | None): Predictions of the first, matched with gold, to show them; None where they
        weren't kept.
    training_log (Sequence[Mapping[str, Any]]): Lines that the logger TrainingLog.v1 wrote, to plot them.
    """

    name: str
    runs: Sequence[Mapping[str, Any]]
    counts: Sequence[DocumentCounts] | None = None
    matched: Sequence[MatchedDoc] | None = None
    training_log: Sequence[Mapping[str, Any]] = ()

    @property
    def metrics(self) -> Mapping[str, Any]:
        """RETURNS (Mapping[str, Any]): Of several trainings, the metrics of the first."""
        return self.runs[0]

    @property
    def cost(self) -> float | None:
        """RETURNS (float | None): US dollars paid for this corpus, 0 without language models; None where unknown."""
        costs = [report.get("cost") for report in self.metrics.get("llm", {}).values()]
        return None if None in costs else float(sum(costs))

    def tables(self, measure: str = STRICT, label: str | None = None) -> Tables | None:
        """Give the numbers of each document, which intervals and tests resample.

        measure (str): One of SCHEMES, EXACT_MATCH or JACCARD.
        label (str | None): A label, for the strict scheme alone; None for all together.
        RETURNS (list[Numbers2d] | None): For each training a row a document; None where they aren't known. Of
            schemes and labels the columns FIELDS; of documents the number, and 1 where the document counts.
        """
        if self.counts is None:
            if (measure, label) != (STRICT, None):
                return None
            return [np.array([run["per_document"][name] for name in FIELDS]).T for run in self.runs]
        if label is not None:
            nothing = np.zeros((len(self.counts[0]), len(FIELDS)))
            return [counts.labels.get(label, nothing) for counts in self.counts]
        if measure in SCHEMES:
            return [counts.schemes[measure] for counts in self.counts]
        return [
            np.stack([counts.exact if measure == EXACT_MATCH else counts.jaccard, counts.annotated], axis=1)
            for counts in self.counts
        ]
