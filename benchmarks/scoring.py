"""Strict scores: an entity is right if its characters and its label are those of gold."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc


def score(golds: Sequence[Doc], predictions: Sequence[Iterable[tuple[int, int, str]]]) -> dict[str, Any]:
    """Score predictions by their characters.

    golds (Sequence[Doc]): The gold Docs.
    predictions (Sequence[Iterable[tuple]]): (start_char, end_char, label) for each.
    RETURNS (dict[str, Any]): Micro `precision`, `recall` and `f1` (0 to 1), and the
        counts `correct`, `predicted`, `gold`.
    RAISES (ValueError): Where there are not as many predictions as Docs, or one lies
        outside its text.
    """
    correct = predicted = gold = 0
    for doc, found in zip(golds, predictions, strict=True):
        wanted = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
        entities = {(start, end, label) for start, end, label in found}
        outside = [entity for entity in entities if not 0 <= entity[0] < entity[1] <= len(doc.text)]
        if outside:
            raise ValueError(f"{outside[0]} is outside a text of {len(doc.text)} characters")
        correct += len(wanted & entities)
        predicted += len(entities)
        gold += len(wanted)
    precision, recall = ratio(correct, predicted), ratio(correct, gold)
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(ratio(2 * correct, predicted + gold), 4),
        "correct": correct,
        "predicted": predicted,
        "gold": gold,
    }


def count_table(golds: Sequence[Doc], predictions: Sequence[Iterable[tuple[int, int, str]]]) -> np.ndarray:
    """Count document by document, for `compare_pair`.

    RETURNS (ndarray): Of shape (documents, 5): right, two kinds of errors that aren't told apart here and are 0,
        missed, spurious.
    """
    rows = [score([gold], [found]) for gold, found in zip(golds, predictions, strict=True)]
    return counts_as_table([[row["correct"], row["predicted"], row["gold"]] for row in rows])


def counts_as_table(counts: Sequence[Sequence[int]]) -> np.ndarray:
    """RETURNS (ndarray): As `count_table`, of what is right, predicted and gold in each document."""
    right, predicted, gold = np.array(counts).T
    nothing = np.zeros_like(right)
    return np.stack([right, nothing, nothing, gold - right, predicted - right], axis=1)


def ratio(part: float, whole: float) -> float:
    """RETURNS (float): The part of the whole; 0 where there is no whole."""
    return part / whole if whole else 0.0
