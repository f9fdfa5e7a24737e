"""Several trainings of one pipeline: whether their seeds or the documents make scores vary more."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spacy_ner_plus.evaluation.counting.counts import rates
from spacy_ner_plus.evaluation.defaults import RESAMPLES
from spacy_ner_plus.evaluation.statistics.resampling import LEAST_DOCUMENTS, resampled_sums


def summarize_seeds(
    runs: Sequence[np.ndarray], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Any]:
    """Sum up the F1 of several trainings that differ in their seed, scored on the same documents.

    runs (Sequence[Ints2d]): Strict counts of each training, with a row a document and the columns FIELDS.
    resamples (int): How many resamples of the documents.
    seed (int): Of the random numbers.
    RETURNS (dict[str, Any]): `seeds`, `mean`, `least`, `most`; `sd`, the standard deviation between
        trainings; `documents_sd`, that between resamples of the documents, as a mean over trainings;
        and `dominates`: 'seeds' or 'documents', whichever varies more. What can't be known is None.
    """
    scores = [float(rates(run.sum(axis=0))[2]) for run in runs]
    documents_sd = None
    if len(runs[0]) >= LEAST_DOCUMENTS and resamples:
        sums = resampled_sums(np.concatenate(runs, axis=1), resamples, seed)
        drawn = rates(sums.reshape(len(sums), len(runs), -1))[:, :, 2]
        documents_sd = float(drawn.std(axis=0, ddof=1).mean())
    sd = float(np.std(scores, ddof=1)) if len(scores) > 1 else None
    known = sd is not None and documents_sd is not None
    return {
        "seeds": len(scores),
        "mean": float(np.mean(scores)),
        "least": min(scores),
        "most": max(scores),
        "sd": sd,
        "documents_sd": documents_sd,
        "dominates": ("seeds" if sd > documents_sd else "documents") if known else None,
    }
