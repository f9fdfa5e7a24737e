"""Schemes of counting: which pairs of a gold and a predicted entity are right, half right or wrong.

Four go by position (Segura-Bedmar et al., SemEval-2013 task 9.1): strict asks for bounds and label,
exact for bounds, partial gives half for an overlap, type asks for the label and an overlap. Others go
by token, by text whatever its position, and by document as TensorZero scores extraction.
"""

from collections import Counter
from collections.abc import Sequence

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.counts import Counts, ratio
from spacy_ner_plus.evaluation.defaults import SIMILARITY_THRESHOLD
from spacy_ner_plus.evaluation.matching.assignment import best_pairs
from spacy_ner_plus.evaluation.matching.gold_doc import Entity
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc
from spacy_ner_plus.evaluation.matching.overlaps import Overlap
from spacy_ner_plus.extras import from_extra
from spacy_ner_plus.spans import MISSING, tag_label

STRICT, EXACT, PARTIAL, TYPE, TOKEN, FUZZY = "strict", "exact", "partial", "type", "token", "fuzzy"
BY_POSITION = (STRICT, EXACT, PARTIAL, TYPE)
SCHEMES = (*BY_POSITION, TOKEN, FUZZY)

# What a pair is worth, in halves.
WRONG, HALF, RIGHT = 0, 1, 2


def pair_entities(overlaps: Sequence[Overlap], scheme: str = STRICT) -> list[tuple[int, int, int]]:
    """Pair gold and predicted entities that overlap, one to one, so that the scheme gives the most.

    Of pairings that give as much, the one with more pairs is taken, then with more pairs of the same
    label, then with the greater overlap (shared characters by all characters), then the first in the text.

    overlaps (Sequence[Overlap]): The pairs to choose from.
    scheme (str): One of BY_POSITION.
    RETURNS (list[tuple[int, int, int]]): Index of the gold one, of the predicted one, and WRONG, HALF or RIGHT.
    """
    edges = [(overlap.gold, overlap.predicted) for overlap in overlaps]
    values = [(_worth(scheme, o.same_bounds, o.same_label), 1, o.same_label, o.shared) for o in overlaps]
    return [(*edges[k], values[k][0]) for k in best_pairs(edges, values)]


def _worth(scheme: str, same_bounds: bool, same_label: bool) -> int:
    if scheme == STRICT:
        return RIGHT if same_bounds and same_label else WRONG
    if scheme == EXACT:
        return RIGHT if same_bounds else WRONG
    if scheme == PARTIAL:
        return RIGHT if same_bounds else HALF
    if scheme == TYPE:
        return RIGHT if same_label else WRONG
    raise ValueError(f"{scheme!r} is no scheme by position; there are {', '.join(BY_POSITION)}")


def count_entities(doc: MatchedDoc, scheme: str = STRICT) -> Counts:
    """Count by a scheme that goes by position.

    scheme (str): One of BY_POSITION.
    """
    return _from_pairs(pair_entities(doc.overlaps, scheme), len(doc.gold.ents), len(doc.predicted))


def count_labels(doc: MatchedDoc, scheme: str = STRICT) -> dict[str, Counts]:
    """Count each label as if there were no other.

    An entity with a wrong label is so missed for gold's label and spurious for the predicted one.
    What is correct, possible and actual under strict and type adds up to that of all labels together;
    other counts don't.

    scheme (str): One of BY_POSITION.
    RETURNS (dict[str, Counts]): By label, for the labels that gold or the prediction has.
    """
    golds = Counter(entity.label for entity in doc.gold.ents)
    predicted = Counter(entity.label for entity in doc.predicted)
    overlaps: dict[str, list[Overlap]] = {label: [] for label in (*golds, *predicted)}
    for overlap in doc.overlaps:
        if overlap.same_label:
            overlaps[doc.gold.ents[overlap.gold].label].append(overlap)
    return {
        label: _from_pairs(pair_entities(some, scheme), golds[label], predicted[label])
        for label, some in overlaps.items()
    }


def count_tokens(doc: MatchedDoc) -> Counts:
    """Count tokens inside entities, whatever entity they belong to.

    A token that a predicted entity covers in part is wrong; a predicted entity that touches no token of
    gold counts as one spurious token. Nothing is partial.

    RETURNS (Counts): Counts of tokens.
    """
    counts: Counter[str] = Counter()
    counts["spurious"] = sum(span.start == span.end for span in doc.predicted)
    for i in doc.compared:
        gold, predicted = tag_label(doc.gold_tags[i]), doc.predicted_tags[i]
        if predicted == MISSING:
            counts["incorrect" if gold else "spurious"] += 1
        elif gold and gold == tag_label(predicted):
            counts["correct"] += 1
        elif gold:
            counts["incorrect" if predicted != "O" else "missed"] += 1
        elif predicted != "O":
            counts["spurious"] += 1
    return Counts(**counts)


def count_tags(doc: MatchedDoc) -> tuple[int, int]:
    """Count tokens with the right tag, for token accuracy.

    RETURNS (tuple[int, int]): How many have the IOB2 tag of gold, and how many are compared.
    """
    return sum(doc.gold_tags[i] == doc.predicted_tags[i] for i in doc.compared), len(doc.compared)


def check_similarity_threshold(similarity_threshold: float) -> None:
    """Refuse a threshold of the fuzzy scheme that is none.

    similarity_threshold (float): How similar texts must be, from 0 to 1.
    RAISES (UserError): Where it isn't above 0 and at most 1.
    """
    if not 0 < similarity_threshold <= 1:
        raise UserError(Errors.E316.format(threshold=similarity_threshold))


def count_fuzzy(doc: MatchedDoc, similarity_threshold: float = SIMILARITY_THRESHOLD) -> Counts:
    """Count by text, wherever it stands, as output without positions is scored.

    Texts are alike if their normalized Indel similarity (rapidfuzz's ratio), without regard to case and the width of
    white space, is at least the threshold. A pair is correct if the labels agree too, else incorrect;
    the pairing is the best one there is: most correct pairs, most pairs, most similar.

    similarity_threshold (float): Above 0, up to 1, which is the same text.
    """
    return _count_by_text(doc.gold.ents, doc.predicted, similarity_threshold)


def count_fuzzy_labels(
    doc: MatchedDoc, similarity_threshold: float = SIMILARITY_THRESHOLD
) -> dict[str, Counts]:
    """Count each label by text, as if there were no other.

    similarity_threshold (float): As `count_fuzzy` takes it.
    RETURNS (dict[str, Counts]): By label, for the labels that gold or the prediction has: what is correct, missed and
        spurious, of which `accuracy` is correct / (correct + wrong + missed).
    """
    golds, predicted = _by_label(doc.gold.ents), _by_label(doc.predicted)
    return {
        label: _count_by_text(golds.get(label, ()), predicted.get(label, ()), similarity_threshold)
        for label in (*golds, *(label for label in predicted if label not in golds))
    }


def _by_label(entities: Sequence[Entity]) -> dict[str, list[Entity]]:
    found: dict[str, list[Entity]] = {}
    for entity in entities:
        found.setdefault(entity.label, []).append(entity)
    return found


def _count_by_text(
    golds: Sequence[Entity], predicted: Sequence[Entity], similarity_threshold: float
) -> Counts:
    if not golds or not predicted:
        return Counts(missed=len(golds), spurious=len(predicted))
    with from_extra("evaluation"):
        from rapidfuzz import fuzz, process

    texts = [[" ".join(entity.text.casefold().split()) for entity in side] for side in (golds, predicted)]
    # Rounded, since 100 * 0.07 is more than 7, and a similarity of just that would be cut off.
    cutoff = round(100 * similarity_threshold, 9)
    table = process.cdist(*texts, scorer=fuzz.ratio, score_cutoff=cutoff)
    edges = [(int(i), int(j)) for i, j in zip(*table.nonzero(), strict=True)]
    values = [
        (RIGHT if golds[i].label == predicted[j].label else WRONG, 1, int(10 * table[i, j])) for i, j in edges
    ]
    pairs = [(*edges[k], values[k][0]) for k in best_pairs(edges, values)]
    return _from_pairs(pairs, len(golds), len(predicted))


def exact_match(doc: MatchedDoc) -> bool:
    """Say whether the document has the right set of entities, as label and text.

    TensorZero's definition: how often an entity stands there doesn't matter, no answer is wrong.

    RETURNS (bool): Whether it has.
    """
    return doc.answered and set(_mentions(doc.gold.ents)) == set(_mentions(doc.predicted))


def jaccard(doc: MatchedDoc) -> float:
    """Measure how like the entities of a document are to gold's, as label and text.

    TensorZero's definition: over multisets, the sum of the lesser counts by the sum of the greater ones;
    1 where both are empty, 0 without an answer.

    RETURNS (float): From 0 to 1.
    """
    golds, predicted = _mentions(doc.gold.ents), _mentions(doc.predicted)
    if not doc.answered:
        return 0.0
    either = golds | predicted
    return ratio((golds & predicted).total(), either.total()) if either else 1.0


def _mentions(spans: Sequence[Entity]) -> Counter[tuple[str, str]]:
    return Counter((span.label, span.text) for span in spans)


def _from_pairs(pairs: Sequence[tuple[int, int, int]], golds: int, predicted: int) -> Counts:
    worths = [worth for _, _, worth in pairs]
    return Counts(
        correct=worths.count(RIGHT),
        incorrect=worths.count(WRONG),
        partial=worths.count(HALF),
        missed=golds - len(pairs),
        spurious=predicted - len(pairs),
    )
