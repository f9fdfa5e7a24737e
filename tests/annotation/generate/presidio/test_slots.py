import pytest

from spacy_ner_plus.annotation.generate.presidio.slots import LABELS, SLOTS, Filled, entities_of
from spacy_ner_plus.labels import load_labels


def filled(template):
    """RETURNS: A text, and its slots, of 'at <city:Oslo>'."""
    text, slots = "", []
    for piece in template.replace(">", "<").split("<"):
        slot, mark, value = piece.partition(":") if ":" in piece else ("", "", piece)
        if mark and slot in SLOTS:
            slots.append(Filled(len(text), len(text) + len(value), slot))
            text += value
        else:
            text += piece
    return text, slots


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("<prefix:Mr.> <name:Ann Lee> , <job:Mason>", [("PERSON", "Ann Lee")]),
        ("<building_number:7> <street_name:Mill Lane>\n <city:Oslo>\n<country:Norway> <postcode:0150>",
         [("STREET_ADDRESS", "7 Mill Lane\n Oslo\nNorway 0150")]),
        ("<city:Oslo>, <country:Norway>", [("LOCATION", "Oslo"), ("LOCATION", "Norway")]),
        ("in <city:Oslo> <zipcode:0150>", [("LOCATION", "Oslo 0150")]),
        ("ZIP <zipcode:0150>", [("LOCATION", "0150")]),
        ("from <city:Oslo> to <street_name:Mill Lane>", [("LOCATION", "Oslo"), ("STREET_ADDRESS", "Mill Lane")]),
        ("is <age:34>-year-old", [("AGE", "34-year-old")]),
        ("turned <age:34> years old", [("AGE", "34 years old")]),
        ("turned <age:34>", [("AGE", "34")]),
        ("at <address: 7 Mill Lane\n>", [("STREET_ADDRESS", "7 Mill Lane")]),
    ],
)  # fmt: skip
def test_slots_are_entities_of_the_label_set(template, expected):
    text, slots = filled(template)
    assert [(span.label, text[span.start : span.end]) for span in entities_of(text, slots)] == expected


def test_slots_have_labels_of_the_shipped_set_with_definitions():
    shipped = load_labels("pii")
    assert {*LABELS.names} <= {*shipped.names}
    assert LABELS.definitions["PERSON"] == shipped.definitions["PERSON"]
