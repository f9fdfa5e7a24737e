"""Errors by kind, each with what gold has there and what was predicted."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spacy_ner_plus.evaluation.counting.schemes import TYPE, pair_entities
from spacy_ner_plus.evaluation.defaults import EXAMPLES
from spacy_ner_plus.evaluation.errors.surface_forms import OUTSIDE, Forms, surface_form
from spacy_ner_plus.evaluation.matching.assignment import best_pairs
from spacy_ner_plus.evaluation.matching.gold_doc import Entity
from spacy_ner_plus.evaluation.matching.matched_doc import MatchedDoc

MISSED = "missed"
SPURIOUS = "spurious"
WRONG_LABEL = "wrong label"
TOO_LONG = "boundary too long"
TOO_SHORT = "boundary too short"
SHIFTED = "boundary shifted"
WRONG_BOTH = "wrong label and boundary"
SPLIT = "split"
MERGED = "merged"
WRONG_OCCURRENCE = "wrong occurrence"
ERROR_KINDS = (
    MISSED,
    SPURIOUS,
    WRONG_LABEL,
    TOO_LONG,
    TOO_SHORT,
    SHIFTED,
    WRONG_BOTH,
    SPLIT,
    MERGED,
    WRONG_OCCURRENCE,
)
# What the form of an unclear error is in gold, beside its labels.
NO_ENTITY = "no entity"
# Tokens on each side of an example.
CONTEXT = 8


@dataclass(frozen=True)
class EntityError:
    """One error.

    kind (str): One of ERROR_KINDS.
    document (int): Which document, from 1.
    golds (tuple[Entity, ...]): The gold entities; none where the prediction is spurious, several where
        it merges them.
    predicted (tuple[Entity, ...]): The predicted ones; none where gold's was missed, several where it was split.
    unclear (bool): Whether gold itself has this surface form both ways.
    """

    kind: str
    document: int
    golds: tuple[Entity, ...]
    predicted: tuple[Entity, ...]
    unclear: bool = False


def find_errors(matched: Iterable[MatchedDoc], forms: Forms | None = None) -> list[EntityError]:
    """Name every error, each gold and each predicted entity that isn't right in one of them.

    A gold entity over which several predicted ones lie is split, a predicted one over several gold ones is
    merged; where both have several, they are paired as by the type scheme. What is left alone is missed
    or spurious, but a missed and a spurious entity of the same text and label in the same document are one
    entity found on the wrong occurrence.

    An error is unclear where gold contradicts itself: the form of a wrong label has both labels in it, that
    of a missed one is also no entity there, that of a spurious one is also an entity of this label.

    forms (Forms): Of `count_uses` of the gold corpus, perhaps with those of the training corpus; None leaves
        `unclear` at False.
    RETURNS (list[EntityError]): By document and position.
    """
    found = []
    for doc in matched:
        errors = sorted(_errors(doc), key=lambda error: (error.golds or error.predicted)[0].start_char)
        if forms is not None:
            errors = [_with_clarity(error, forms) for error in errors]
        found += errors
    return found


def _errors(doc: MatchedDoc) -> Iterator[EntityError]:
    golds, predicted = doc.gold.ents, doc.predicted
    found = {entity.bounds for entity, is_right in zip(predicted, doc.right, strict=True) if is_right}
    # What isn't in an error yet, in order.
    open_golds = dict.fromkeys(i for i, entity in enumerate(golds) if entity.bounds not in found)
    open_predicted = dict.fromkeys(j for j, is_right in enumerate(doc.right) if not is_right)
    overlaps = [
        overlap
        for overlap in doc.overlaps
        if overlap.gold in open_golds and overlap.predicted in open_predicted
    ]
    over, under = defaultdict(list), defaultdict(list)
    for overlap in overlaps:
        over[overlap.gold].append(overlap.predicted)
        under[overlap.predicted].append(overlap.gold)

    def take(kind: str, some_golds: Sequence[int], some: Sequence[int]) -> EntityError:
        for i in some_golds:
            open_golds.pop(i, None)
        for j in some:
            open_predicted.pop(j, None)
        return EntityError(
            kind, doc.number, tuple(golds[i] for i in some_golds), tuple(predicted[j] for j in some)
        )

    for i, several in over.items():
        if len(several) > 1 and all(under[j] == [i] for j in several):
            yield take(SPLIT, [i], several)
    for j, several in under.items():
        if len(several) > 1 and all(over[i] == [j] for i in several):
            yield take(MERGED, several, [j])
    for i, j, _ in pair_entities(overlaps, TYPE):
        if i in open_golds and j in open_predicted:
            yield take(pair_kind(golds[i], predicted[j]), [i], [j])
    for i, j in _wrong_occurrences(
        [(i, golds[i]) for i in open_golds], [(j, predicted[j]) for j in open_predicted]
    ):
        yield take(WRONG_OCCURRENCE, [i], [j])
    for i in list(open_golds):
        yield take(MISSED, [i], [])
    for j in list(open_predicted):
        yield take(SPURIOUS, [], [j])


def pair_kind(gold: Entity, predicted: Entity) -> str:
    """Name how a predicted entity differs from the gold one that it overlaps.

    RETURNS (str): One of ERROR_KINDS.
    """
    begins, ends = predicted.start_char - gold.start_char, predicted.end_char - gold.end_char
    if begins == ends == 0 and predicted.aligned:
        return WRONG_LABEL
    if gold.label != predicted.label:
        return WRONG_BOTH
    if begins == ends == 0 or begins * ends > 0:
        # Of another text than gold's, whose characters aren't known: widened to whole tokens it is in its place.
        return SHIFTED
    return TOO_LONG if begins <= 0 <= ends else TOO_SHORT


def _wrong_occurrences(
    missed: Sequence[tuple[int, Entity]], spurious: Sequence[tuple[int, Entity]]
) -> list[tuple[int, int]]:
    """Pair what was missed with what was found elsewhere, the nearest occurrences."""
    offsets = defaultdict(list)
    for j, entity in spurious:
        # Where the pipeline changed the text, its entities have no place at all.
        if entity.end > entity.start:
            offsets[surface_form(entity.text), entity.label].append((j, entity.start_char))
    edges, far = [], []
    for i, entity in missed:
        for j, start_char in offsets.get((surface_form(entity.text), entity.label), ()):
            edges.append((i, j))
            far.append(abs(entity.start_char - start_char))
    most = max(far, default=0)
    chosen = best_pairs(edges, [(1, most - distance) for distance in far])
    return [edges[k] for k in chosen]


def _with_clarity(error: EntityError, forms: Forms) -> EntityError:
    span = (error.golds or error.predicted)[0]
    labels = forms.get(surface_form(span.text), {})
    unclear = {
        WRONG_LABEL: lambda: error.predicted[0].label in labels,
        MISSED: lambda: OUTSIDE in labels,
        SPURIOUS: lambda: span.label in labels,
    }.get(error.kind)
    if unclear is None or not unclear():
        return error
    return EntityError(error.kind, error.document, error.golds, error.predicted, unclear=True)


def summarize_errors(
    errors: Sequence[EntityError],
    matched: Sequence[MatchedDoc],
    forms: Forms | None = None,
    *,
    examples: int = EXAMPLES,
) -> dict[str, Any]:
    """Count errors by kind, with examples.

    errors (Sequence[EntityError]): Of `find_errors`.
    matched (Sequence[MatchedDoc]): The documents, for the words around.
    forms (Forms): As given to `find_errors`.
    examples (int): How many of each kind are kept, from all over the corpus.
    RETURNS (dict[str, Any]): `total`; `kinds`: by kind `count`, `unclear`, `labels` (how often which label, gold's
        where there is one) and `examples` with `kind`, `document`, `gold`, `predicted`, `unclear` and the words
        `before` and `after`; and `unclear`: `count` and `examples` of those of any kind that gold itself has
        both ways, with its `uses` of the form.
    """
    docs = {doc.number: doc for doc in matched}
    kinds = {}
    for kind in ERROR_KINDS:
        some = [error for error in errors if error.kind == kind]
        labels = Counter(span.label for error in some for span in (error.golds or error.predicted))
        kinds[kind] = {
            "count": len(some),
            "unclear": sum(error.unclear for error in some),
            "labels": dict(labels.most_common()),
            "examples": [_describe(error, docs[error.document]) for error in _spread(some, examples)],
        }
    unclear = [error for error in errors if error.unclear]
    shown = [
        {**_describe(error, docs[error.document]), "uses": _uses(error, forms or {})}
        for error in _spread(unclear, examples)
    ]
    return {
        "total": len(errors),
        "kinds": kinds,
        "unclear": {"count": len(unclear), "examples": shown},
    }


def _spread(errors: Sequence[EntityError], count: int) -> list[EntityError]:
    """Some of the errors, from all over the corpus."""
    if len(errors) <= count:
        return list(errors)
    return [errors[k * len(errors) // count] for k in range(count)]


def _uses(error: EntityError, forms: Forms) -> dict[str, int]:
    labels = forms.get(surface_form((error.golds or error.predicted)[0].text), {})
    return {label if label != OUTSIDE else NO_ENTITY: count for label, count in sorted(labels.items())}


def _describe(error: EntityError, doc: MatchedDoc) -> dict[str, Any]:
    spans = [span for span in (*error.golds, *error.predicted) if span.end > span.start]
    start = min((span.start for span in spans), default=0)
    end = max((span.end for span in spans), default=0)
    return {
        "kind": error.kind,
        "document": error.document,
        "gold": [_span(span) for span in error.golds],
        "predicted": [_span(span) for span in error.predicted],
        "unclear": error.unclear,
        "before": " ".join(doc.gold.words[max(0, start - CONTEXT) : start]),
        "after": " ".join(doc.gold.words[end : end + CONTEXT]),
    }


def _span(span: Entity) -> dict[str, Any]:
    return {"start": span.start_char, "end": span.end_char, "label": span.label, "text": span.text}
