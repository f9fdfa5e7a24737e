"""The counts of every document under every scheme: what intervals and tests resample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spacy_ner_plus.evaluation.counting.counts import FIELDS, Counts
from spacy_ner_plus.evaluation.counting.schemes import (
    BY_POSITION,
    FUZZY,
    SCHEMES,
    STRICT,
    TOKEN,
    count_entities,
    count_fuzzy,
    count_fuzzy_labels,
    count_labels,
    count_tags,
    count_tokens,
    exact_match,
    jaccard,
)
from spacy_ner_plus.evaluation.defaults import SIMILARITY_THRESHOLD
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc


@dataclass(frozen=True)
class DocumentCounts:
    """Counts by document; rows are documents.

    schemes (Mapping[str, Ints2d]): Of each of SCHEMES, with the columns FIELDS.
    labels (Mapping[str, Ints2d]): Strict ones of each label, with the columns FIELDS.
    label_totals (Mapping[str, Mapping[str, Counts]]): Of each label under each scheme by position, and by text
        (fuzzy), over all documents.
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


def count_documents(
    matched: Sequence[MatchedDoc], *, similarity_threshold: float = SIMILARITY_THRESHOLD
) -> DocumentCounts:
    """Count each document under every scheme.

    similarity_threshold (float): How similar texts must be for the fuzzy scheme, above 0 up to 1.
    """
    schemes = {scheme: np.zeros((len(matched), len(FIELDS)), dtype=np.int32) for scheme in SCHEMES}
    names = sorted({entity.label for doc in matched for entity in (*doc.gold.ents, *doc.predicted)})
    labels = {label: np.zeros((len(matched), len(FIELDS)), dtype=np.int32) for label in names}
    totals = {label: dict.fromkeys((*BY_POSITION, FUZZY), Counts()) for label in names}
    for row, doc in enumerate(matched):
        for scheme in BY_POSITION:
            schemes[scheme][row] = count_entities(doc, scheme).as_tuple()
            for label, counts in count_labels(doc, scheme).items():
                totals[label][scheme] += counts
                if scheme == STRICT:
                    labels[label][row] = counts.as_tuple()
        schemes[TOKEN][row] = count_tokens(doc).as_tuple()
        schemes[FUZZY][row] = count_fuzzy(doc, similarity_threshold).as_tuple()
        for label, counts in count_fuzzy_labels(doc, similarity_threshold).items():
            totals[label][FUZZY] += counts
    annotated = np.array([bool(doc.compared) or not doc.gold.words for doc in matched], dtype=np.float64)
    return DocumentCounts(
        schemes,
        labels,
        totals,
        annotated * np.array([exact_match(doc) for doc in matched], dtype=np.float64),
        annotated * np.array([jaccard(doc) for doc in matched], dtype=np.float64),
        annotated,
        np.array([count_tags(doc) for doc in matched], dtype=np.int64).reshape(-1, 2),
    )
