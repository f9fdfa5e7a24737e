"""What Presidio's slots are under the label set `pii`: parts of an address are one entity, an age has its unit."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from spacy_ner_plus.labels import LabelSet, load_labels
from spacy_ner_plus.spans import CharSpan

# What stands for a street, and what follows one in an address, or is a place of its own.
STREET, PLACE, CODE = "STREET_ADDRESS", "LOCATION", "postal code"
# None for what the label set has no label for: titles and jobs.
SLOTS: dict[str, str | None] = {
    **dict.fromkeys(
        (
            *("person", "name", "name_male", "name_female", "first_name", "first_name_male"),
            *("first_name_female", "first_name_nonbinary", "last_name", "last_name_male", "last_name_female"),
        ),
        "PERSON",
    ),
    **dict.fromkeys(("address", "street_name", "building_number", "secondary_address"), STREET),
    **dict.fromkeys(("city", "country", "state", "state_abbr"), PLACE),
    **dict.fromkeys(("zipcode", "postcode"), CODE),
    **dict.fromkeys(("date_time", "date_of_birth", "day_of_week", "year"), "DATE_TIME"),
    **dict.fromkeys(("nationality", "nation_man", "nation_woman", "nation_plural", "religion"), "NRP"),
    **dict.fromkeys(("prefix", "prefix_male", "prefix_female", "job"), None),
    "organization": "ORGANIZATION",
    "age": "AGE",
    "email": "EMAIL_ADDRESS",
    "phone_number": "PHONE_NUMBER",
    "url": "URL",
    "ip_address": "IP_ADDRESS",
    "credit_card_number": "CREDIT_CARD",
    "iban": "IBAN_CODE",
    "ssn": "SSN",
    "us_driver_license": "DRIVER_LICENSE",
}
# A postal code by itself is a place.
_PII = load_labels("pii")
LABELS = LabelSet(
    tuple(name for name in _PII.names if name in {*SLOTS.values()}), _PII.definitions, _PII.examples
)
_BETWEEN_PARTS = re.compile(r"[\s,]+")
_UNIT = re.compile(r"[ -]years?[ -]old\b|[ -]years?\b| y/o\b")


class Filled(NamedTuple):
    """A slot that was filled.

    slot (str): Its name, one of SLOTS.
    """

    start: int
    end: int
    slot: str


def entities_of(text: str, filled: Sequence[Filled]) -> list[CharSpan]:
    """Make entities of filled slots.

    RETURNS (list[CharSpan]): In order, without white space at their ends. What is joined to an address, over
        white space and commas alone, is a part of it.
    """
    entities: list[CharSpan] = []
    run: list[CharSpan] = []
    for slot in sorted(filled):
        label = SLOTS[slot.slot]
        value = text[slot.start : slot.end]
        start = slot.start + len(value) - len(value.lstrip())
        end = start + len(value.strip())
        if label is None or start >= end:
            continue
        if run and not (
            label in (STREET, PLACE, CODE) and _BETWEEN_PARTS.fullmatch(text[run[-1].end : start])
        ):
            entities += _join(text, run)
            run = []
        if label in (STREET, PLACE, CODE):
            run.append(CharSpan(start, end, label))
            continue
        unit = _UNIT.match(text, end) if label == "AGE" else None
        entities.append(CharSpan(start, unit.end() if unit else end, label))
    return sorted(entities + _join(text, run))


def _join(text: str, run: Sequence[CharSpan]) -> list[CharSpan]:
    """Make one entity of a run of parts with a street; without one each is a place, together with its postal code."""
    if any(part.label == STREET for part in run):
        return [CharSpan(run[0].start, run[-1].end, STREET)]
    places: list[CharSpan] = []
    for part in run:
        last = places[-1] if places else None
        if last is not None and part.label == CODE and text[last.end : part.start] == " ":
            places[-1] = CharSpan(last.start, part.end, PLACE)
        else:
            places.append(CharSpan(part.start, part.end, PLACE))
    return places
