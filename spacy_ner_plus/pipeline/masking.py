"""Masked texts: what stands in a text in place of its entities.

A mask is a function of the entities of one text that gives what stands in place of each. Those here are made by
registered functions (`@misc`), so that `predict --mask NAME` finds one of yours, too.
"""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError, Warnings

if TYPE_CHECKING:
    from spacy.tokens import Doc

# Each entity has `start` and `end` in characters, `label`, `text`, and `score` where it has one.
Mask = Callable[[Sequence[Mapping[str, Any]]], Sequence[str]]
# What `mask` and --mask take beside registered names.
MASKS = ("label", "numbered")


def label_mask_v1(template: str = "[{label}]") -> Mask:
    """Put an entity's label in its place: `[PERSON] lives in [LOCATION].`

    template (str): With {label}. Default: '[{label}]'.
    """
    _check_template(template, label="PERSON")
    return partial(_label_mask, template=template)


def numbered_mask_v1(template: str = "[{label}_{number}]") -> Mask:
    """Number the entities of a text by label: `[PERSON_1] asked [PERSON_2], and [PERSON_1] waited.`

    Equal mentions of one label have one number, in any case and with any white space. The next text begins with 1.

    template (str): With {label} and {number}. Default: '[{label}_{number}]'.
    """
    _check_template(template, label="PERSON", number=1)
    return partial(_numbered_mask, template=template)


def find_mask(mask: str | Mask) -> Mask:
    """Find a mask.

    mask (str | Callable): 'label', 'numbered', the name of a registered function (`@misc`) that makes one, or a mask.
    RAISES (UserError): Where there is none of that name.
    """
    from spacy import registry

    if not isinstance(mask, str):
        return mask
    name = mask if "." in mask else f"spacy_ner_plus.{mask}_mask.v1"
    if not registry.has("misc", name):
        raise UserError(Errors.E780.format(mask=mask, known=", ".join(MASKS)))
    return registry.misc.get(name)()


def mask(doc: "Doc", by: str | Mask = "label") -> str | None:
    """Mask the entities of a Doc; of spans that are in a group of `doc.spans` alone, it warns.

    by (str | Callable): As `find_mask` takes it. Default: 'label'.
    RETURNS (str | None): The text with something else in place of each entity; None where `why_incomplete` or
        `why_unplaced` gives a reason, since what it is about would be readable.
    RAISES (UserError): Where there is no such mask, or it doesn't give a string for each entity.
    """
    if why_incomplete(doc) or why_unplaced(doc):
        return None
    entities = [
        {"start": ent.start_char, "end": ent.end_char, "label": ent.label_, "text": ent.text}
        for ent in doc.ents
    ]
    warn_of_unmasked(doc, set())
    return mask_text(doc.text, [*entities, *crossing_mentions(doc)], find_mask(by))


def why_incomplete(doc: "Doc") -> str:
    """Say why there may be entities in a Doc beside those that it has.

    RETURNS (str): That a component failed, with its reason; that none has looked for entities; or how many tokens are
        missing annotation. '' where all tokens but white space are annotated.
    """
    from spacy.attrs import ENT_IOB, IS_SPACE

    from spacy_ner_plus.evaluation.failures import find_failure, is_answered
    from spacy_ner_plus.spans import IOB_MISSING

    if failure := find_failure(doc):
        return failure
    if not is_answered(doc):
        return "no component has looked for entities"
    iob, space = doc.to_array([ENT_IOB, IS_SPACE]).reshape(-1, 2).T
    missing = int(((iob == IOB_MISSING) & (space == 0)).sum())
    return f"of {missing} of {len(doc)} tokens nothing was found out" if missing else ""


def why_unplaced(doc: "Doc") -> str:
    """Say why something that was found would be readable in a masked text.

    RETURNS (str): How many mentions were named that have no place in the text, such as a part of a word; '' where there
        is none.
    """
    from spacy_ner_plus.alignment.align import NOTHING_LEFT, UNALIGNED_ATTR
    from spacy_ner_plus.unplaced_mentions import unplaced_mentions

    unplaced = [
        (label, reason)
        for group in doc.spans.values()
        for _, label, reason in group.attrs.get(UNALIGNED_ATTR, ())
        if reason not in NOTHING_LEFT
    ]
    unplaced += [(label, "not in the text") for _, label in unplaced_mentions(doc)]
    if not unplaced:
        return ""
    label, reason = unplaced[0]
    # Without the mention and what is similar to it: it's what is to be hidden.
    reason = reason.partition(";")[0]
    return f"mentions without a place in the text: {len(unplaced)}, the first of {label} ({reason})"


def crossing_mentions(doc: "Doc") -> list[dict[str, Any]]:
    """Find what components of ours found beside a Doc's entities and across their ends, as GLiNER does: the whole name
    beside the first name that is the entity.

    RETURNS (list[dict[str, Any]]): As `mask_text` takes entities.
    """
    from spacy_ner_plus.spans import ENTS_GROUP

    text, found = doc.text, []
    covered = {i for ent in doc.ents for i in range(ent.start_char, ent.end_char)}
    for group in doc.spans.values():
        if not group.attrs.get(ENTS_GROUP):
            continue
        for number in range(len(group)):
            # By characters: where tokens were merged since, those of the group are others.
            with suppress(IndexError):
                span = group[number]
                chars = range(span.start_char, span.end_char)
                left = [i for i in chars if i not in covered and not text[i].isspace()]
                if left and len(left) < sum(not text[i].isspace() for i in chars):
                    bounds = {"start": chars.start, "end": chars.stop}
                    found.append({**bounds, "label": span.label_, "text": text[chars.start : chars.stop]})
    return found


def warn_of_unmasked(doc: "Doc", warned: set[str]) -> None:
    """Warn once of each group of spans with some that aren't masked, such as those of a span_ruler or a spancat.

    Groups that components of ours write beside their entities are of what was weighed and found to be none.

    warned (set[str]): Names of groups of which it was warned; those of which it is are added.
    """
    groups = [
        (name, group) for name, group in doc.spans.items() if name not in warned and not _is_ours(group.attrs)
    ]
    if not groups:
        return
    text = doc.text
    masked = {
        i
        for start, end in (
            *((ent.start_char, ent.end_char) for ent in doc.ents),
            *((found["start"], found["end"]) for found in crossing_mentions(doc)),
        )
        for i in range(start, end)
    }
    for name, group in groups:
        for number in range(len(group)):
            # Tokens that were merged since have left the group behind.
            with suppress(IndexError):
                span = group[number]
                chars = range(span.start_char, span.end_char)
                if any(i not in masked and not text[i].isspace() for i in chars):
                    warned.add(name)
                    # Without its text: it's what is to be hidden.
                    label = span.label_ or "no label"
                    warnings.warn(Warnings.W957.format(group=name, label=label), stacklevel=2)
                    break


def _is_ours(attrs: Mapping[str, Any]) -> bool:
    """Whether a group's attrs are those of entities, of mentions that a chat model named, or of votes on entities."""
    from spacy_ner_plus.alignment.align import UNALIGNED_ATTR
    from spacy_ner_plus.spans import ENTS_GROUP

    return ENTS_GROUP in attrs or UNALIGNED_ATTR in attrs or {"kept", "by"} <= attrs.keys()


def mask_text(text: str, entities: Sequence[Mapping[str, Any]], mask: Mask) -> str:
    """Put something else in place of entities.

    entities (Sequence[Mapping]): Each with `start` and `end` in characters, `label` and `text`. Those that overlap are
        replaced as one, by what stands for the first.
    RAISES (UserError): Where the mask doesn't give a string for each.
    """
    entities = sorted(entities, key=lambda entity: (entity["start"], -entity["end"]))
    replacements = mask(entities)
    if (
        isinstance(replacements, str)
        or len(replacements) != len(entities)
        or not all(isinstance(replacement, str) for replacement in replacements)
    ):
        name = getattr(mask, "__qualname__", repr(mask))
        reason = f"asked what stands in place of {len(entities)} entities, it gave {repr(replacements)[:60]}"
        remedy = "Let it return a list with one string for each."
        raise UserError(Errors.E781.format(mask=name, reason=reason, remedy=remedy))
    parts, end = [], 0
    for entity, replacement in zip(entities, replacements, strict=True):
        if entity["start"] >= end:
            parts += [text[end : entity["start"]], replacement]
        end = max(end, entity["end"])
    return "".join([*parts, text[end:]])


def _label_mask(entities: Sequence[Mapping[str, Any]], template: str) -> list[str]:
    return [template.format(label=entity["label"]) for entity in entities]


def _numbered_mask(entities: Sequence[Mapping[str, Any]], template: str) -> list[str]:
    numbers: dict[str, dict[str, int]] = {}
    replacements = []
    for entity in entities:
        of_label = numbers.setdefault(entity["label"], {})
        mention = re.sub(r"\s+", " ", entity["text"]).casefold()
        number = of_label.setdefault(mention, len(of_label) + 1)
        replacements.append(template.format(label=entity["label"], number=number))
    return replacements


def _check_template(template: str, **values: Any) -> None:
    """RAISES (UserError): A template that can't be filled in."""
    try:
        template.format(**values)
    except (AttributeError, IndexError, KeyError, ValueError) as error:
        fields = ", ".join(f"{{{name}}}" for name in values)
        reason, remedy = "the template can't be filled in", f"It takes {fields}."
        raise UserError(Errors.E781.format(mask=template, reason=reason, remedy=remedy)) from error
