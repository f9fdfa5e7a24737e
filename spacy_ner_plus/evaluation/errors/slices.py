"""Strict scores by what entities are like: their length, their capitals, whether training had them, and so on."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spacy_ner_plus.evaluation.counting.counts import Counts
from spacy_ner_plus.evaluation.errors.surface_forms import OUTSIDE, Forms, surface_form
from spacy_ner_plus.evaluation.matching.gold_doc import Entity
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc

SEEN, SEEN_OTHERWISE, UNSEEN = "seen", "seen with other labels", "unseen"
LENGTHS = ("1 token", "2 tokens", "3 tokens", "4 tokens and more")
# Tokens of a document, up to and with the number.
DOCUMENT_LENGTHS = {32: "1 to 32 tokens", 128: "33 to 128 tokens", 512: "129 to 512 tokens"}
LONGER_DOCUMENTS = "513 tokens and more"
# Entities of the label, below the number.
FREQUENCIES = {100: "rare label (below 100)", 1000: "middling label (100 to 999)"}
FREQUENT = "frequent label (1,000 and more)"
LOWER, UPPER, TITLE, MIXED, LETTERLESS = "lower case", "upper case", "title case", "mixed case", "no letters"

Property = Callable[[Entity, MatchedDoc], str]


def slice_scores(matched: Sequence[MatchedDoc], of: Property) -> dict[str, dict[str, Any]]:
    """Score entities by a property that they have.

    An entity that is right has the same property on both sides. Any other counts on its own: gold's as missed
    where gold's property says, a predicted one as spurious where its own does.

    of (Callable[[Entity, MatchedDoc], str]): The property.
    RETURNS (dict[str, dict[str, Any]]): For each value that occurs strict `precision`, `recall`, `f1`, and
        `correct`, `predicted` and `support`.
    """
    correct, predicted, support = Counter(), Counter(), Counter()
    for doc in matched:
        support.update(of(entity, doc) for entity in doc.gold.ents)
        for entity, is_right in zip(doc.predicted, doc.right, strict=True):
            value = of(entity, doc)
            predicted[value] += 1
            correct[value] += is_right
    rows = {}
    for value in dict.fromkeys([*support, *predicted]):
        right = correct[value]
        counts = Counts(correct=right, missed=support[value] - right, spurious=predicted[value] - right)
        rates = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
        rows[value] = {**rates, "correct": right, "predicted": counts.actual, "support": counts.possible}
    return rows


def all_slices(
    matched: Sequence[MatchedDoc], train: Forms | None = None
) -> dict[str, dict[str, dict[str, Any]]]:
    """Score entities by all properties that we know.

    train (Forms): Surface forms of the training corpus; None where it isn't known.
    RETURNS (dict): `slice_scores` by `length`, `capitals`, `document_length`, `label_frequency` (in training, or
        in gold where that isn't known) and, with a training corpus, `training`: SEEN with this label,
        SEEN_OTHERWISE or UNSEEN. The values in their natural order.
    """
    if train is None:
        frequencies = Counter(entity.label for doc in matched for entity in doc.gold.ents)
    else:
        frequencies = Counter()
        for labels in train.values():
            frequencies.update({label: count for label, count in labels.items() if label != OUTSIDE})
    properties: dict[str, tuple[Property, Sequence[str]]] = {
        "length": (entity_length, LENGTHS),
        "capitals": (lambda entity, doc: capitals(entity.text), (LOWER, UPPER, TITLE, MIXED, LETTERLESS)),
        "document_length": (document_length, (*DOCUMENT_LENGTHS.values(), LONGER_DOCUMENTS)),
        "label_frequency": (
            lambda entity, doc: _below(frequencies[entity.label], FREQUENCIES, FREQUENT),
            (*FREQUENCIES.values(), FREQUENT),
        ),
    }
    if train is not None:
        properties["training"] = (lambda entity, doc: novelty(entity, train), (SEEN, SEEN_OTHERWISE, UNSEEN))
    slices = {}
    for name, (of, order) in properties.items():
        rows = slice_scores(matched, of)
        slices[name] = {value: rows[value] for value in order if value in rows}
    return slices


def entity_length(entity: Entity, doc: MatchedDoc) -> str:
    """RETURNS (str): One of LENGTHS; a prediction inside a token counts as that token."""
    return LENGTHS[min(max(entity.end - entity.start, 1), len(LENGTHS)) - 1]


def document_length(entity: Entity, doc: MatchedDoc) -> str:
    """RETURNS (str): One of DOCUMENT_LENGTHS, or LONGER_DOCUMENTS."""
    return _below(len(doc.gold.words) - 1, DOCUMENT_LENGTHS, LONGER_DOCUMENTS)


def novelty(entity: Entity, train: Forms) -> str:
    """Say whether training had the surface form.

    train (Forms): Surface forms of the training corpus.
    RETURNS (str): SEEN as an entity of the same label, SEEN_OTHERWISE, or UNSEEN as an entity.
    """
    labels = train.get(surface_form(entity.text), {})
    if entity.label in labels:
        return SEEN
    return SEEN_OTHERWISE if any(label != OUTSIDE for label in labels) else UNSEEN


def capitals(text: str) -> str:
    """Say how a text is capitalised.

    text (str): An entity's text.
    RETURNS (str): UPPER and LOWER where all letters with a case are; TITLE where each word that begins with
        such a letter has a capital there and no other, MIXED for all else, LETTERLESS without such letters.
    """
    if text.islower():
        return LOWER
    if text.isupper():
        # One letter alone is a capital at the beginning, too, but 'X' reads as an abbreviation.
        return UPPER
    if text.upper() == text.lower():
        return LETTERLESS
    words = [word for word in text.split() if word.upper() != word.lower()]
    if all(word[:1].isupper() and not any(char.isupper() for char in word[1:]) for word in words):
        return TITLE
    return MIXED


def _below(number: int, limits: Mapping[int, str], above: str) -> str:
    return next((name for limit, name in limits.items() if number < limit), above)
