"""Entities with their scores on a Doc: the contract that all our components keep.

Entities stand in `doc.ents`, and those that a component wrote in `doc.spans[spans_key]` too, whose
`attrs["scores"]` holds a score for each; that is spaCy's convention for span groups, and survives
DocBin and copies. `Span._.score` looks a span up there.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from operator import attrgetter

import numpy as np
from spacy.attrs import ENT_IOB, ENT_TYPE
from spacy.tokens import Doc, Span, SpanGroup

from spacy_ner_plus.evaluation.failures import FAILURE, find_failure
from spacy_ner_plus.pipeline.uncertainty import UNCERTAINTY
from spacy_ner_plus.spans import ENTS_GROUP, IOB_MISSING, IOB_OUTSIDE, is_blocked, without_overlaps

# The group that says why there is no answer, where no group of entities does.
FAILURE_KEY = "ner_failure"
# Holds, among the attrs of a component's group, the tokens of which it says nothing, where there are any.
SILENT = "missing"


def write_ents(
    doc: Doc,
    ents: Sequence[Span],
    scores: Sequence[float],
    *,
    spans_key: str,
    overwrite: bool,
    others: Sequence[tuple[Span, float]] = (),
    unknown: Sequence[Span] = (),
    failure: str = "",
    uncertainty: float | None = None,
    replaced: Collection[tuple[int, int, int]] = (),
    kept_missing: Collection[int] | None = None,
) -> None:
    """Write entities to a Doc, beside or in place of those that are there.

    An entity that is there with the same bounds and label stays as it is, with its kb_id and id. No entity is
    written on a token that `doc.set_ents(blocked=...)` names, and the token stays blocked. What another component
    left missing stays missing where no entity is: that this one finds none says nothing of the other's labels.

    ents (Sequence[Span]): Entities in order, none of them overlapping another.
    scores (Sequence[float]): The probability of each.
    spans_key (str): Key in doc.spans for those that are written, with their scores; '' for none.
    overwrite (bool): Whether entities that are there give way to those that overlap
        them; else they stay, and what overlaps them isn't written.
    others (Sequence[tuple[Span, float]]): Spans with scores that overlap entities or lie in them: they stand beside
        these in the group alone. Without those on blocked tokens.
    unknown (Sequence[Span]): Stretches about which nothing was found out: their tokens are missing
        annotation, which is not the same as being outside.
    failure (str): Why, kept with the group; with one of its own where `spans_key` is ''.
    uncertainty (float | None): How unsure of the Doc their component is, kept with the group; None where it doesn't
        say.
    replaced (Collection[tuple[int, int, int]]): Entities that are there and give way in any case, unless they are
        written again: start, end and label's number.
    kept_missing (Collection[int] | None): Tokens that other components left missing, and that stay so; None for all
        that `find_missing` finds in groups other than `spans_key`.
    """
    if kept_missing is None:
        kept_missing = find_missing(doc, but=(spans_key,))
    blocked = set(np.flatnonzero(is_blocked(doc)).tolist())
    if blocked:
        free = [i for i, ent in enumerate(ents) if blocked.isdisjoint(range(ent.start, ent.end))]
        ents, scores = [ents[i] for i in free], [scores[i] for i in free]
    there = {_identity(ent): ent for ent in doc.ents}
    again = {_identity(ent) for ent in ents}
    gone = [there.pop(identity) for identity in [*there] if identity in replaced and identity not in again]
    others = [(span, score) for span, score in others if blocked.isdisjoint(range(span.start, span.end))]
    if there:
        ents = [there.get(_identity(ent), ent) for ent in ents]
    if not there:
        all_ents = ents
    elif overwrite:
        confirmed = {_identity(ent) for ent in ents}
        unconfirmed = [ent for identity, ent in there.items() if identity not in confirmed]
        all_ents, dropped = without_overlaps(unconfirmed, first=ents)
        gone += dropped
    else:
        all_ents, _ = without_overlaps(ents, first=there.values())
        # An entity that was found before, by us or by others, is ours too.
        kept = {_identity(ent) for ent in all_ents}
        pairs = [(ent, score) for ent, score in zip(ents, scores, strict=True) if _identity(ent) in kept]
        ents, scores = [ent for ent, _ in pairs], [score for _, score in pairs]
    for token in (token for ent in gone for token in ent):
        # set_ents leaves the ids of the entity that was here before.
        token.ent_id = token.ent_kb_id = 0
    missing = set()
    if unknown or kept_missing:
        missing = _uncovered([*unknown, *_each(doc, kept_missing)], all_ents) - blocked
    _set_outside(doc)
    doc.set_ents(all_ents, blocked=_each(doc, blocked), missing=_each(doc, missing), default="unmodified")
    if spans_key:
        if others:
            grouped = sorted([*zip(ents, scores, strict=True), *others], key=_by_position)
            ents, scores = [span for span, _ in grouped], [score for _, score in grouped]
        attrs = {"scores": [float(score) for score in scores], ENTS_GROUP: True}
        if failure:
            attrs[FAILURE] = failure
        if uncertainty is not None:
            attrs[UNCERTAINTY] = float(uncertainty)
        # Also where entities of others are.
        if unknown and (silent := _uncovered(unknown, ents) - blocked):
            attrs[SILENT] = sorted(silent)
        doc.spans[spans_key] = SpanGroup(doc, name=spans_key, spans=ents, attrs=attrs)
    elif failure:
        write_failure(doc, failure)


def find_missing(doc: Doc, *, but: Collection[str] = ()) -> set[int]:
    """Find the tokens of a Doc that components of ours left missing, and nobody has annotated since.

    but (Collection[str]): Keys of groups whose components don't count.
    RETURNS (set[int]): Their indices.
    """
    silent = {
        i
        for key, group in doc.spans.items()
        if key not in but and ENTS_GROUP in group.attrs
        for i in group.attrs.get(SILENT, ())
    }
    # Tokens may have been merged since.
    return {i for i in silent if i < len(doc) and doc[i].ent_iob == IOB_MISSING}


def write_failure(doc: Doc, reason: str) -> None:
    """Say why there is no answer for a Doc, or for a part of it, without a group of entities.

    reason (str): For Doc._.ner_failure, beside what another component wrote there.
    """
    if FAILURE_KEY in doc.spans:
        before = doc.spans[FAILURE_KEY].attrs.get(FAILURE, "")
        reason = before if reason in before else f"{before}; {reason}"
    doc.spans[FAILURE_KEY] = SpanGroup(doc, name=FAILURE_KEY, attrs={FAILURE: reason})


def register_score() -> None:
    """Register `Span._.score`, unless an extension of that name is there already."""
    if not Span.has_extension("score"):
        Span.set_extension("score", getter=find_score)


def register_failure() -> None:
    """Register `Doc._.ner_failure`, unless an extension of that name is there already."""
    if not Doc.has_extension("ner_failure"):
        Doc.set_extension("ner_failure", getter=find_failure)


def find_score(span: Span) -> float | None:
    """Look a span's score up in its Doc's span groups.

    RETURNS (float | None): The score of the group's span with the same bounds and label, groups of
        entities before others; None where no group with scores holds one.
    """
    groups = sorted(span.doc.spans.values(), key=lambda group: not group.attrs.get(ENTS_GROUP))
    return next((score for group in groups if (score := _score_in(group, span)) is not None), None)


def _by_position(scored: tuple[Span, float]) -> tuple[int, int, str]:
    return scored[0].start, scored[0].end, scored[0].label_


def _identity(ent: Span) -> tuple[int, int, int]:
    return ent.start, ent.end, ent.label


def _set_outside(doc: Doc) -> None:
    """Set all tokens outside of entities; `doc.set_ents` takes five times as long for it."""
    values = np.zeros((len(doc), 2), dtype="uint64")
    values[:, 0] = IOB_OUTSIDE
    doc.from_array([ENT_IOB, ENT_TYPE], values)


def _uncovered(stretches: Sequence[Span], ents: Sequence[Span]) -> set[int]:
    """What of these stretches no entity covers."""
    covered = {i for ent in ents for i in range(ent.start, ent.end)}
    return {i for stretch in stretches for i in range(stretch.start, stretch.end)} - covered


def _each(doc: Doc, tokens: Collection[int]) -> list[Span]:
    # One by one, as set_ents takes no overlaps.
    return [doc[i : i + 1] for i in sorted(tokens)]


def _score_in(group: SpanGroup, span: Span) -> float | None:
    scores, wanted = group.attrs.get("scores"), _identity(span)
    if scores is None or len(scores) != len(group):
        return None
    try:
        # Our groups are in order. Those of others may not be, and are read through.
        index = bisect_left(group, span.start, key=attrgetter("start"))
        if index < len(group) and _identity(group[index]) == wanted:
            return float(scores[index])
        return next((float(scores[i]) for i, other in enumerate(group) if _identity(other) == wanted), None)
    except IndexError:
        # Tokens were merged after the group was written, and spaCy leaves groups as they were.
        return None
