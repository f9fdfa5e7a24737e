"""The counts of every document under every scheme: what intervals and tests resample."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from spacy_ner_plus.evaluation.counting.counts import FIELDS, Counts
from spacy_ner_plus.evaluation.counting.schemes import (
    BY_POSITION,
    FUZZY,
    SCHEMES,
    STRICT,
    TOKEN,
    count_fuzzy,
    count_labels,
    count_spans,
    count_tags,
    count_tokens,
    exact_match,
    jaccard,
)
from spacy_ner_plus.evaluation.defaults import LIKENESS
from spacy_ner_plus.evaluation.matching.matched_doc import JudgedDoc


@dataclass(frozen=True)
class DocumentCounts:
    """Counts by document; rows are documents.

    schemes (Mapping[str, Ints2d]): Of each of SCHEMES, with the columns FIELDS.
    labels (Mapping[str, Ints2d]): Strict ones of each label, with the columns FIELDS.
    label_totals (Mapping[str, Mapping[str, Counts]]): Of each label under each scheme by position, over
        all documents.
    exact (Floats1d): 1 where the set of entities is right, else 0.
    jaccard (Floats1d): Jaccard similarity of the entities to gold's.
    annotated (Floats1d): 1 where gold has any annotation; where it is 0, the two before are, too, and the
        document isn't one of which they are the mean.
    tags (Ints2d): Tokens with the right tag, and tokens compared.
    """

    schemes: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    label_totals: Mapping[str, Mapping[str, Counts]]
    exact: np.ndarray
    jaccard: np.ndarray
    annotated: np.ndarray
    tags: np.ndarray

    def __len__(self) -> int:
        """RETURNS (int): How many documents there are."""
        return len(self.exact)


def count_documents(judged: Sequence[JudgedDoc], *, likeness: float = LIKENESS) -> DocumentCounts:
    """Count each document under every scheme.

    judged (Sequence[JudgedDoc]): The documents.
    likeness (float): How like texts must be for the fuzzy scheme, above 0 up to 100.
    RETURNS (DocumentCounts): The counts.
    """
    schemes = {scheme: np.zeros((len(judged), len(FIELDS)), dtype=np.int32) for scheme in SCHEMES}
    names = sorted({span.label for doc in judged for span in (*doc.golds, *doc.predicted)})
    labels = {label: np.zeros((len(judged), len(FIELDS)), dtype=np.int32) for label in names}
    totals = {label: dict.fromkeys(BY_POSITION, Counts()) for label in names}
    for row, doc in enumerate(judged):
        for scheme in BY_POSITION:
            schemes[scheme][row] = astuple(count_spans(doc.golds, doc.predicted, scheme))
            for label, counts in count_labels(doc, scheme).items():
                totals[label][scheme] += counts
                if scheme == STRICT:
                    labels[label][row] = astuple(counts)
        schemes[TOKEN][row] = astuple(count_tokens(doc))
        schemes[FUZZY][row] = astuple(count_fuzzy(doc.golds, doc.predicted, likeness))
    annotated = np.array([bool(doc.compared) or not doc.words for doc in judged], dtype=np.float64)
    return DocumentCounts(
        schemes,
        labels,
        totals,
        annotated * np.array([exact_match(doc) for doc in judged], dtype=np.float64),
        annotated * np.array([jaccard(doc) for doc in judged], dtype=np.float64),
        annotated,
        np.array([count_tags(doc) for doc in judged], dtype=np.int64).reshape(-1, 2),
    )
