"""How sure a score is: bootstrap intervals over documents (Efron, 1979), by whole columns at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from spacy_ner_plus.evaluation.counting.counts import RATES, rates
from spacy_ner_plus.evaluation.defaults import RESAMPLES

LEVEL = 0.95
# Fewer documents than this say nothing about how documents vary.
LEAST_DOCUMENTS = 10
# Numbers of one block of resampled weights, 8 bytes each.
BLOCK = 4_000_000
# Numbers of all blocks that are kept for the next who asks for the same, 2 bytes each.
KEPT = 16_000_000


def document_weights(documents: int, resamples: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Draw documents with replacement, again and again.

    The same arguments give the same draws, so that several pipelines can be resampled in step.

    documents (int): How many documents there are.
    resamples (int): How many times as many are drawn.
    seed (int): Of the random numbers.
    YIELDS (Floats2d): Blocks of resamples: how often each document was drawn.
    """
    rows = max(1, BLOCK // max(documents, 1))
    small = documents * resamples <= KEPT
    blocks = _kept_blocks if small else _draw_blocks
    for block in blocks(documents, resamples, seed, rows):
        yield block.astype(np.float64)


def _draw_blocks(documents: int, resamples: int, seed: int, rows: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = rng.integers(0, documents, size=(count, documents))
        drawn += documents * np.arange(count)[:, None]
        times = np.bincount(drawn.ravel(), minlength=count * documents)
        yield times.reshape(count, documents).astype(np.uint16)


@lru_cache(maxsize=1)
def _kept_blocks(documents: int, resamples: int, seed: int, rows: int) -> list[np.ndarray]:
    # A comparison asks for the same draws for each measure, label and pair.
    return list(_draw_blocks(documents, resamples, seed, rows))


def resampled_sums(table: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Sum the columns of a table over each resample of its rows.

    table (ndarray): A row a document, any columns.
    resamples (int): How many.
    seed (int): Of the random numbers.
    RETURNS (Floats2d): A row a resample.
    """
    table = np.asarray(table, dtype=np.float64)
    return np.concatenate([weights @ table for weights in document_weights(len(table), resamples, seed)])


def resampled_means(
    runs: Sequence[np.ndarray],
    statistic: Callable[[np.ndarray], np.ndarray],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    stream: int = 0,
) -> np.ndarray:
    """Resample the mean score of several trainings: the documents, the same for all, and the trainings.

    runs (Sequence[ndarray]): What each training has for each document, a row each.
    statistic (Callable): From sums of the rows to a score or several.
    resamples (int): How many.
    seed (int): Of the draws of documents.
    stream (int): Tells the draws of trainings apart from those of another pipeline with the same seed.
    RETURNS (ndarray): A row a resample.
    """
    rng = np.random.default_rng([seed, stream])
    means = []
    for weights in document_weights(len(runs[0]), resamples, seed):
        scores = np.stack([statistic(weights @ np.asarray(run, dtype=np.float64)) for run in runs])
        if len(runs) > 1:
            drawn = rng.integers(0, len(runs), size=scores.shape[:2])
            scores = scores[drawn, np.arange(scores.shape[1])]
        means.append(scores.mean(axis=0))
    return np.concatenate(means)


def rate_intervals(
    tables: Mapping[str, np.ndarray], *, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> dict[str, dict[str, list[float]] | None]:
    """Find intervals of precision, recall and F1.

    tables (Mapping[str, Ints2d]): Counts with a row a document and the columns FIELDS, such as of
        schemes or labels; all of the same documents.
    resamples (int): How many; 0 for no intervals.
    seed (int): Of the random numbers.
    level (float): How often such an interval should hold the true value.
    RETURNS (dict): For each table `precision`, `recall` and `f1`, each with the lower and the upper
        end (percentiles); None where there are fewer than LEAST_DOCUMENTS documents.
    """
    documents = max(map(len, tables.values()), default=0)
    if documents < LEAST_DOCUMENTS or not resamples:
        return dict.fromkeys(tables)
    sums = resampled_sums(np.concatenate(list(tables.values()), axis=1), resamples, seed)
    drawn = rates(sums.reshape(len(sums), len(tables), -1))
    ends = _ends(drawn, level)
    return {
        name: {rate: ends[:, k, column].tolist() for column, rate in enumerate(RATES)}
        for k, name in enumerate(tables)
    }


def share_interval(
    parts: np.ndarray,
    wholes: np.ndarray | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> list[float] | None:
    """Find the interval of a mean over documents, or of a share such as token accuracy.

    parts (Floats1d): One number a document.
    wholes (Floats1d): What they are parts of; None for the mean of `parts`.
    resamples (int): How many; 0 for no interval.
    seed (int): Of the random numbers.
    level (float): How often such an interval should hold the true value.
    RETURNS (list[float] | None): Lower and upper end; None where there are too few documents.
    """
    if len(parts) < LEAST_DOCUMENTS or not resamples:
        return None
    wholes = np.ones(len(parts)) if wholes is None else wholes
    sums = resampled_sums(np.stack([parts, wholes], axis=1), resamples, seed)
    shares = np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] > 0)
    return _ends(shares, level).tolist()


def _ends(drawn: np.ndarray, level: float) -> np.ndarray:
    """The percentiles that hold the middle `level` of the first axis."""
    return np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
