"""Which label was taken for which, with O for what only one side has."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from spacy_ner_plus.evaluation.counting.schemes import PARTIAL, pair_entities
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc

NO_LABEL = "O"
LabelPair = tuple[str | None, str | None]


def confusion_matrix(matched: Iterable[MatchedDoc]) -> dict[str, Any]:
    """Count how often gold's label met which predicted one.

    Entities are paired as by the partial scheme: the same bounds first, then most pairs, the same label,
    and the greatest overlap. Each gold and each predicted entity is counted once.

    RETURNS (dict[str, Any]): `labels`, with NO_LABEL as the last; and `matrix`, a row for each gold label, a
        column for each predicted one: the last row has what is spurious, the last column what was missed.
    """
    pairs = Counter(pair for doc in matched for pair in label_pairs(doc))
    labels = sorted({label for pair in pairs for label in pair if label is not None})
    # None and not 'O' inside, since a label may be called O.
    columns = [*labels, None]
    return {
        "labels": [*labels, NO_LABEL],
        "matrix": [[pairs[gold, predicted] for predicted in columns] for gold in columns],
    }


def label_pairs(doc: MatchedDoc) -> Iterator[LabelPair]:
    """Pair the labels of a document's entities as the matrix counts them.

    YIELDS (LabelPair): Gold's label and the predicted one; None for what only the other side has.
    """
    golds, predicted = doc.gold.ents, doc.predicted
    missed, spurious = set(range(len(golds))), set(range(len(predicted)))
    for i, j, _ in pair_entities(doc.overlaps, PARTIAL):
        yield golds[i].label, predicted[j].label
        missed.discard(i)
        spurious.discard(j)
    yield from ((golds[i].label, None) for i in sorted(missed))
    yield from ((None, predicted[j].label) for j in sorted(spurious))
