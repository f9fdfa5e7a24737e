"""The scores of predicted entities, and which of them are right."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc


class ScoredEntities(NamedTuple):
    """Predicted entities with their scores, in the order of the corpus.

    Those on tokens without annotation are left out.

    scores (Floats1d): The score of each.
    right (ndarray[bool]): Whether bounds (in characters) and label of each are those of a gold entity. Where the
        pipeline changed the text, none is.
    unscored (int): How many predicted entities have no score.
    unscored_right (int): How many of those are right.
    """

    scores: np.ndarray
    right: np.ndarray
    unscored: int
    unscored_right: int


def scored_entities(matched: Iterable[MatchedDoc]) -> ScoredEntities:
    """RETURNS (ScoredEntities): The predicted entities of all documents."""
    scores, right = [], []
    unscored = unscored_right = 0
    for doc in matched:
        for entity, is_right in zip(doc.predicted, doc.right, strict=True):
            # In another text the same characters are other ones.
            is_right = is_right and doc.same_text
            if entity.score is None:
                unscored, unscored_right = unscored + 1, unscored_right + is_right
            else:
                scores.append(entity.score)
                right.append(is_right)
    return ScoredEntities(
        np.array(scores, dtype=np.float64), np.array(right, dtype=bool), unscored, unscored_right
    )
