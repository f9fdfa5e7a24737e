"""Which gold and predicted entities overlap: the candidates of every pairing."""

from collections.abc import Sequence
from typing import NamedTuple

from spacy_ner_plus.evaluation.matching.gold_doc import Entity


class Overlap(NamedTuple):
    """A gold and a predicted entity that share characters.

    gold (int): Index of the gold entity.
    predicted (int): Index of the predicted one.
    same_bounds (bool): Whether both begin and end at the same place; a misaligned entity never does.
    same_label (bool): Whether both have the same label.
    shared (int): Shared characters in thousandths of all from the first to the last of both.
    """

    gold: int
    predicted: int
    same_bounds: bool
    same_label: bool
    shared: int


def find_overlaps(golds: Sequence[Entity], predicted: Sequence[Entity]) -> list[Overlap]:
    """Find all pairs of a gold and a predicted entity that share characters.

    golds (Sequence[Entity]): Gold entities by their first character; they may overlap each other.
    predicted (Sequence[Entity]): Predicted ones by their first character; they may, too.
    """
    found = []
    open_entities: list[int] = []
    following = 0
    for i, gold in enumerate(golds):
        while following < len(predicted) and predicted[following].start_char < gold.end_char:
            open_entities.append(following)
            following += 1
        # Gold entities come by their first character: what ends before this one ends before all others.
        open_entities = [j for j in open_entities if predicted[j].end_char > gold.start_char]
        found += (overlap for j in open_entities if (overlap := _overlap(i, j, gold, predicted[j])))
    return found


def _overlap(i: int, j: int, gold: Entity, predicted: Entity) -> Overlap | None:
    characters = min(gold.end_char, predicted.end_char) - max(gold.start_char, predicted.start_char)
    if characters <= 0:
        return None
    # Both lie on the same text, so that bounds in characters say it.
    same_bounds = predicted.aligned and gold.bounds[:2] == predicted.bounds[:2]
    widest = max(gold.end_char, predicted.end_char) - min(gold.start_char, predicted.start_char)
    return Overlap(i, j, same_bounds, gold.label == predicted.label, 1000 * characters // widest)
