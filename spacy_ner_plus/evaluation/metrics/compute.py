"""All that is computed of matched documents: what `evaluate` writes beside the strict scores."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spacy_ner_plus.evaluation.confidence.calibration import reliability
from spacy_ner_plus.evaluation.confidence.scored_entities import scored_entities
from spacy_ner_plus.evaluation.confidence.thresholds import risk_coverage, threshold_curve
from spacy_ner_plus.evaluation.counting.counts import FIELDS, total
from spacy_ner_plus.evaluation.counting.document_counts import DocumentCounts, count_documents
from spacy_ner_plus.evaluation.counting.schemes import FUZZY, STRICT
from spacy_ner_plus.evaluation.defaults import EXAMPLES, RESAMPLES, SIMILARITY_THRESHOLD
from spacy_ner_plus.evaluation.errors.confusion import confusion_matrix
from spacy_ner_plus.evaluation.errors.error_kinds import find_errors, summarize_errors
from spacy_ner_plus.evaluation.errors.slices import all_slices
from spacy_ner_plus.evaluation.errors.surface_forms import add_forms, count_uses
from spacy_ner_plus.evaluation.matching.gold_doc import read_golds
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc
from spacy_ner_plus.evaluation.statistics.resampling import LEVEL, rate_intervals, share_interval


def compute_metrics(
    matched: Sequence[MatchedDoc],
    *,
    train: Iterable[Doc] | None = None,
    resamples: int = RESAMPLES,
    similarity_threshold: float = SIMILARITY_THRESHOLD,
    examples: int = EXAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute all metrics that follow from gold and predictions alone.

    train (Iterable[Doc]): The training corpus, for what was seen there; None where it isn't known.
    resamples (int): Of the documents, for intervals; 0 for none.
    similarity_threshold (float): How similar texts must be for the fuzzy scheme, above 0 up to 1.
    examples (int): How many examples of each kind of error are kept.
    seed (int): Of the resampling.
    RETURNS (dict[str, Any]): `schemes`, `labels`, `documents` and `accuracy`, as in `metrics_of_counts`; of the
        documents also how many are `unanswered`, as `evaluation.failures` defines it;
        `label_sets`, `confusion`, `errors` and `slices`; `calibration` where entities have scores; and
        `per_document`, the strict counts on which tests against other pipelines run.
    """
    counts = count_documents(matched, similarity_threshold=similarity_threshold)
    forms = count_uses([doc.gold for doc in matched])
    train_forms = None if train is None else count_uses(read_golds(train))
    if train_forms:
        forms = add_forms(forms, train_forms)
    errors = find_errors(matched, forms)
    found = metrics_of_counts(counts, resamples=resamples, seed=seed)
    found["documents"]["unanswered"] = sum(not doc.answered for doc in matched)
    return {
        **found,
        "label_sets": label_sets(matched),
        "confusion": confusion_matrix(matched),
        "errors": summarize_errors(errors, matched, forms, examples=examples),
        "slices": all_slices(matched, train_forms),
        **confidence_metrics(matched),
        "per_document": {name: counts.schemes[STRICT][:, k].tolist() for k, name in enumerate(FIELDS)},
    }


def metrics_of_counts(counts: DocumentCounts, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """Derive rates and intervals from the counts of documents.

    counts (DocumentCounts): Of `count_documents`.
    resamples (int): Of the documents, for intervals; 0 for none.
    seed (int): Of the resampling.
    RETURNS (dict[str, Any]): `schemes`: each of SCHEMES with rates, counts and `interval`; `labels`: for each label
        each scheme by position, with `interval` for the strict one, and the fuzzy one with `accuracy`;
        `documents`: `exact_match` and `jaccard`; `accuracy`: of `tokens` (by tag) and of `entities` (strict); and
        `resampling`, how intervals were made.
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
    labels = {
        label: {scheme: some.to_dict() for scheme, some in totals.items()}
        for label, totals in counts.label_totals.items()
    }
    for label, row in labels.items():
        row[STRICT]["interval"] = intervals["label", label]
        row[FUZZY]["accuracy"] = counts.label_totals[label][FUZZY].accuracy
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


def confidence_metrics(matched: Sequence[MatchedDoc]) -> dict[str, Any]:
    """Tell what the scores of entities are worth, where they have some.

    RETURNS (dict[str, Any]): `calibration`, as `reliability` gives it with `unscored`, `risk_coverage` and
        `thresholds`; empty where no entity has a score.
    """
    scores, right, unscored, unscored_right = scored_entities(matched)
    if not len(scores):
        return {}
    support = sum(len(doc.gold.ents) for doc in matched)
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


def label_sets(matched: Sequence[MatchedDoc]) -> dict[str, Any]:
    """Name the labels of both sides, and what one side lacks.

    RETURNS (dict[str, Any]): `gold` and `predicted`, how many entities of each label; `gold_alone` and
        `predicted_alone`, the labels that the other side doesn't have.
    """
    gold = Counter(entity.label for doc in matched for entity in doc.gold.ents)
    predicted = Counter(entity.label for doc in matched for entity in doc.predicted)
    return {
        "gold": dict(sorted(gold.items())),
        "predicted": dict(sorted(predicted.items())),
        "gold_alone": sorted(gold.keys() - predicted.keys()),
        "predicted_alone": sorted(predicted.keys() - gold.keys()),
    }


def _share(parts: np.ndarray, wholes: np.ndarray) -> float | None:
    return float(parts.sum() / wholes.sum()) if wholes.sum() else None
