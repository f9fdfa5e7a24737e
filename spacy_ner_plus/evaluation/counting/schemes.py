"""Schemes of counting: which pairs of a gold and a predicted entity are right, half right or wrong.

Four go by position (Segura-Bedmar et al., SemEval-2013 task 9.1): strict asks for bounds and label,
exact for bounds, partial gives half for an overlap, type asks for the label and an overlap. Others go
by token, by text whatever its position, and by document as TensorZero scores extraction.
"""

from collections import Counter
from collections.abc import Sequence

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.evaluation.counting.counts import Counts, ratio
from spacy_ner_plus.evaluation.defaults import LIKENESS
from spacy_ner_plus.evaluation.matching.assignment import best_pairs
from spacy_ner_plus.evaluation.matching.gold_tokens import Placed
from spacy_ner_plus.evaluation.matching.matched_doc import JudgedDoc, overlapping
from spacy_ner_plus.spans import MISSING

STRICT, EXACT, PARTIAL, TYPE, TOKEN, FUZZY = "strict", "exact", "partial", "type", "token", "fuzzy"
BY_POSITION = (STRICT, EXACT, PARTIAL, TYPE)
SCHEMES = (*BY_POSITION, TOKEN, FUZZY)

# What a pair is worth, in halves.
WRONG, HALF, RIGHT = 0, 1, 2


def pair_spans(
    golds: Sequence[Placed], predicted: Sequence[Placed], scheme: str = STRICT
) -> list[tuple[int, int, int]]:
    """Pair gold and predicted entities that overlap, one to one, so that the scheme gives the most.

    Of pairings that give as much, the one with more pairs is taken, then with more pairs of the same
    label, then with the greater overlap (shared characters by all characters), then the first in the text.

    golds (Sequence[Placed]): Gold's entities by their first character.
    predicted (Sequence[Placed]): The predicted ones by their first character.
    scheme (str): One of BY_POSITION.
    RETURNS (list[tuple[int, int, int]]): Index of the gold one, of the predicted one, and WRONG, HALF or RIGHT.
    """
    edges, values = [], []
    for i, j, shared in overlapping(golds, predicted):
        gold, span = golds[i], predicted[j]
        same_label = gold.label == span.label
        # Both lie on the same text, and one that doesn't fit its tokens is never quite in its place.
        same_bounds = span.fits and (gold.start_char, gold.end_char) == (span.start_char, span.end_char)
        widest = max(gold.end_char, span.end_char) - min(gold.start_char, span.start_char)
        edges.append((i, j))
        values.append((_worth(scheme, same_bounds, same_label), 1, same_label, 1000 * shared // widest))
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


def count_spans(golds: Sequence[Placed], predicted: Sequence[Placed], scheme: str = STRICT) -> Counts:
    """Count by a scheme that goes by position.

    golds (Sequence[Placed]): Gold's entities by their first character.
    predicted (Sequence[Placed]): The predicted ones by their first character.
    scheme (str): One of BY_POSITION.
    RETURNS (Counts): The counts.
    """
    return _from_pairs([worth for _, _, worth in pair_spans(golds, predicted, scheme)], golds, predicted)


def count_labels(doc: JudgedDoc, scheme: str = STRICT) -> dict[str, Counts]:
    """Count each label as if there were no other.

    An entity with a wrong label is so missed for gold's label and spurious for the predicted one.
    What is correct, possible and actual under strict and type adds up to that of all labels together;
    other counts don't.

    doc (JudgedDoc): The document.
    scheme (str): One of BY_POSITION.
    RETURNS (dict[str, Counts]): By label, for the labels that gold or the prediction has.
    """
    golds, predicted = _by_label(doc.golds), _by_label(doc.predicted)
    labels = dict.fromkeys([*golds, *predicted])
    return {label: count_spans(golds.get(label, ()), predicted.get(label, ()), scheme) for label in labels}


def count_tokens(doc: JudgedDoc) -> Counts:
    """Count tokens inside entities, whatever entity they belong to.

    A token that a predicted entity covers in part is wrong; a predicted entity that touches no token of
    gold counts as one spurious token. Nothing is partial.

    doc (JudgedDoc): The document.
    RETURNS (Counts): Counts of tokens.
    """
    counts: Counter[str] = Counter()
    counts["spurious"] = sum(span.start == span.end for span in doc.predicted)
    for i in doc.compared:
        gold, predicted = doc.gold_tags[i][2:], doc.predicted_tags[i]
        if predicted == MISSING:
            counts["incorrect" if gold else "spurious"] += 1
        elif gold and gold == predicted[2:]:
            counts["correct"] += 1
        elif gold:
            counts["incorrect" if predicted != "O" else "missed"] += 1
        elif predicted != "O":
            counts["spurious"] += 1
    return Counts(**counts)


def count_tags(doc: JudgedDoc) -> tuple[int, int]:
    """Count tokens with the right tag, for token accuracy.

    doc (JudgedDoc): The document.
    RETURNS (tuple[int, int]): How many have the IOB2 tag of gold, and how many are compared.
    """
    return sum(doc.gold_tags[i] == doc.predicted_tags[i] for i in doc.compared), len(doc.compared)


def check_likeness(likeness: float) -> None:
    """Refuse a threshold of the fuzzy scheme that is none.

    likeness (float): How like texts must be, of 100.
    RAISES (UserError): Where it isn't above 0 and up to 100.
    """
    if not 0 < likeness <= 100:
        raise UserError(Errors.E316.format(likeness=likeness))


def count_fuzzy(golds: Sequence[Placed], predicted: Sequence[Placed], likeness: float = LIKENESS) -> Counts:
    """Count by text, wherever it stands, as output without positions is scored.

    Texts are alike if rapidfuzz's ratio (Indel similarity of 100), without regard to case and the width of
    white space, is at least `likeness`. A pair is correct if the labels agree too, else incorrect;
    the pairing is the best one there is: most correct pairs, most pairs, most alike.

    golds (Sequence[Placed]): Gold's entities.
    predicted (Sequence[Placed]): The predicted ones.
    likeness (float): Above 0, up to 100.
    RETURNS (Counts): The counts.
    """
    if not golds or not predicted:
        return Counts(missed=len(golds), spurious=len(predicted))
    from rapidfuzz import fuzz, process

    texts = [[" ".join(span.text.casefold().split()) for span in side] for side in (golds, predicted)]
    table = process.cdist(*texts, scorer=fuzz.ratio, score_cutoff=likeness)
    edges = [(int(i), int(j)) for i, j in zip(*table.nonzero(), strict=True)]
    values = [
        (RIGHT if golds[i].label == predicted[j].label else WRONG, 1, int(10 * table[i, j])) for i, j in edges
    ]
    return _from_pairs([values[k][0] for k in best_pairs(edges, values)], golds, predicted)


def exact_match(doc: JudgedDoc) -> bool:
    """Say whether the document has the right set of entities, as label and text.

    TensorZero's definition: how often an entity stands there doesn't matter, no answer is wrong.

    doc (JudgedDoc): The document.
    RETURNS (bool): Whether it has.
    """
    return doc.answered and set(_mentions(doc.golds)) == set(_mentions(doc.predicted))


def jaccard(doc: JudgedDoc) -> float:
    """Measure how like the entities of a document are to gold's, as label and text.

    TensorZero's definition: over multisets, the sum of the lesser counts by the sum of the greater ones;
    1 where both are empty, 0 without an answer.

    doc (JudgedDoc): The document.
    RETURNS (float): From 0 to 1.
    """
    golds, predicted = _mentions(doc.golds), _mentions(doc.predicted)
    if not doc.answered:
        return 0.0
    either = golds | predicted
    return ratio((golds & predicted).total(), either.total()) if either else 1.0


def _mentions(spans: Sequence[Placed]) -> Counter[tuple[str, str]]:
    return Counter((span.label, span.text) for span in spans)


def _by_label(spans: Sequence[Placed]) -> dict[str, list[Placed]]:
    found: dict[str, list[Placed]] = {}
    for span in spans:
        found.setdefault(span.label, []).append(span)
    return found


def _from_pairs(worths: Sequence[int], golds: Sequence[Placed], predicted: Sequence[Placed]) -> Counts:
    return Counts(
        correct=worths.count(RIGHT),
        incorrect=worths.count(WRONG),
        partial=worths.count(HALF),
        missed=len(golds) - len(worths),
        spurious=len(predicted) - len(worths),
    )
