"""All that is measured on gold and predicted Docs: what `evaluate` writes beside the strict scores."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.confidence.calibration import judge_scores, judge_unscored, reliability
from spacy_ner_plus.evaluation.confidence.thresholds import risk_coverage, threshold_curve
from spacy_ner_plus.evaluation.counting.counts import FIELDS, total
from spacy_ner_plus.evaluation.counting.document_counts import DocumentCounts, count_documents
from spacy_ner_plus.evaluation.counting.schemes import FUZZY, STRICT
from spacy_ner_plus.evaluation.defaults import EXAMPLES, LIKENESS, RESAMPLES
from spacy_ner_plus.evaluation.errors.confusion import confusion_matrix
from spacy_ner_plus.evaluation.errors.error_kinds import find_errors, summarize_errors
from spacy_ner_plus.evaluation.errors.slices import all_slices
from spacy_ner_plus.evaluation.errors.surface_forms import add_forms, count_uses
from spacy_ner_plus.evaluation.matching.matched_doc import JudgedDoc, judge_docs
from spacy_ner_plus.evaluation.statistics.resampling import LEVEL, rate_intervals, share_interval


def measure(
    golds: Sequence[Doc],
    predictions: Sequence[Doc],
    *,
    train: Sequence[Doc] | None = None,
    resamples: int = RESAMPLES,
    likeness: float = LIKENESS,
    examples: int = EXAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure predictions in every way that we know.

    golds (Sequence[Doc]): The gold Docs.
    predictions (Sequence[Doc]): The Docs with predictions, in the same order and as many.
    train (Sequence[Doc]): The training corpus, for what was seen there; None where it isn't known.
    resamples (int): Of the documents, for intervals; 0 for none.
    likeness (float): How like texts must be for the fuzzy scheme, above 0 up to 100.
    examples (int): How many examples of each kind of error are kept.
    seed (int): Of the resampling.
    RETURNS (dict[str, Any]): `schemes`, `labels`, `documents` and `accuracy`, as in `measure_counts`; of the
        documents also how many are `unanswered`, without any prediction, not even that there is no entity;
        `label_sets`, `confusion`, `errors` and `slices`; `calibration` where entities have scores; and
        `per_document`, the strict counts on which tests against other pipelines run.
    """
    judged = judge_docs(golds, predictions)
    counts = count_documents(judged, likeness=likeness)
    forms = count_uses(golds)
    train_forms = None if train is None else count_uses(train)
    if train_forms:
        forms = add_forms(forms, train_forms)
    errors = find_errors(judged, forms)
    measured = measure_counts(counts, resamples=resamples, seed=seed, likeness=likeness)
    measured["documents"]["unanswered"] = sum(not doc.answered for doc in judged)
    return {
        **measured,
        "label_sets": label_sets(judged),
        "confusion": confusion_matrix(judged),
        "errors": summarize_errors(errors, judged, forms, examples=examples),
        "slices": all_slices(judged, train_forms),
        **measure_scores(golds, predictions, total(counts.schemes[STRICT]).possible),
        "per_document": {name: counts.schemes[STRICT][:, k].tolist() for k, name in enumerate(FIELDS)},
    }


def measure_counts(
    counts: DocumentCounts, *, resamples: int = RESAMPLES, seed: int = 0, likeness: float = LIKENESS
) -> dict[str, Any]:
    """Derive rates and intervals from the counts of documents.

    counts (DocumentCounts): Of `count_documents`.
    resamples (int): Of the documents, for intervals; 0 for none.
    seed (int): Of the resampling.
    likeness (float): With which the fuzzy scheme was counted.
    RETURNS (dict[str, Any]): `schemes`: each of SCHEMES with rates, counts and `interval`; `labels`: for each label
        each scheme by position, with `interval` for the strict one; `documents`: `exact_match` and `jaccard`;
        `accuracy`: of `tokens` (by tag) and of `entities` (strict); and `resampling`, how intervals were made.
    """
    drawn = {"resamples": resamples, "seed": seed}
    # Resampled in one go, so that all of them see the same draws.
    tables = {("scheme", name): table for name, table in counts.schemes.items()}
    tables |= {("label", name): table for name, table in counts.labels.items()}
    intervals = rate_intervals(tables, **drawn)
    schemes = {
        name: {**total(table).to_dict(), "interval": intervals["scheme", name]}
        for name, table in counts.schemes.items()
    }
    schemes[FUZZY]["likeness"] = likeness
    labels = {
        label: {scheme: some.to_dict() for scheme, some in totals.items()}
        for label, totals in counts.label_totals.items()
    }
    for label, row in labels.items():
        row[STRICT]["interval"] = intervals["label", label]
    strict = counts.schemes[STRICT]
    return {
        "schemes": schemes,
        "labels": labels,
        "documents": {
            "exact_match": _share(counts.exact, counts.annotated),
            "exact_match_interval": share_interval(counts.exact, counts.annotated, **drawn),
            "jaccard": _share(counts.jaccard, counts.annotated),
            "jaccard_interval": share_interval(counts.jaccard, counts.annotated, **drawn),
        },
        "accuracy": {
            "tokens": _share(counts.tags[:, 0], counts.tags[:, 1]),
            "tokens_interval": share_interval(counts.tags[:, 0], counts.tags[:, 1], **drawn),
            "entities": total(strict).accuracy,
            "entities_interval": share_interval(strict[:, 0], strict.sum(axis=1), **drawn),
        },
        "resampling": {"unit": "document", "level": LEVEL, **drawn},
    }


def measure_scores(golds: Sequence[Doc], predictions: Sequence[Doc], support: int) -> dict[str, Any]:
    """Measure what the scores of entities are worth, where they have some.

    golds (Sequence[Doc]): The gold Docs.
    predictions (Sequence[Doc]): The Docs with predictions.
    support (int): How many gold entities there are.
    RETURNS (dict[str, Any]): `calibration`, as `reliability` gives it with `unscored`, `risk_coverage` and
        `thresholds`; empty where no entity has a score.
    """
    scores, right = judge_scores(golds, predictions)
    if not len(scores):
        return {}
    unscored, unscored_right = judge_unscored(golds, predictions)
    return {
        "calibration": {
            **reliability(scores, right),
            "unscored": unscored,
            "risk_coverage": risk_coverage(scores, right),
            "thresholds": threshold_curve(
                scores, right, support, unscored=unscored, unscored_right=unscored_right
            ),
        }
    }


def label_sets(judged: Sequence[JudgedDoc]) -> dict[str, Any]:
    """Name the labels of both sides, and what one side lacks.

    judged (Sequence[JudgedDoc]): The documents.
    RETURNS (dict[str, Any]): `gold` and `predicted`, how many entities of each label; `gold_alone` and
        `predicted_alone`, the labels that the other side doesn't have.
    """
    gold = Counter(span.label for doc in judged for span in doc.golds)
    predicted = Counter(span.label for doc in judged for span in doc.predicted)
    return {
        "gold": dict(sorted(gold.items())),
        "predicted": dict(sorted(predicted.items())),
        "gold_alone": sorted(gold.keys() - predicted.keys()),
        "predicted_alone": sorted(predicted.keys() - gold.keys()),
    }


def llm_usage(components: Sequence[tuple[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Collect what components tell of their use of language models.

    components (Sequence[tuple[str, Any]]): Names and components, as in nlp.components.
    RETURNS (dict[str, Mapping[str, Any]]): By component, for those with a `usage_report`, a mapping or a
        method that gives one.
    """
    found = {}
    for name, component in components:
        report = getattr(component, "usage_report", None)
        report = report() if callable(report) else report
        if isinstance(report, Mapping):
            found[name] = report
    return found


def _share(parts: np.ndarray, wholes: np.ndarray) -> float | None:
    return float(parts.sum() / wholes.sum()) if wholes.sum() else None
