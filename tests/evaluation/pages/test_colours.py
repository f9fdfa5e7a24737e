import configparser
import importlib
from pathlib import Path

import pytest

from spacy_ner_plus.evaluation.pages.colours import COLOURS, generated_colour, label_colours

INK = "#14161a"


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", sorted(set(COLOURS.values())))
def test_colours_are_readable_under_ink_and_seen_on_a_dark_page(colour):
    assert contrast(colour, INK) >= 7
    assert contrast(colour, "#1d2027") >= 3


def test_colours_generated_for_unknown_labels_are_readable_and_stable():
    made = [generated_colour(f"LABEL{i}") for i in range(500)]
    assert min(contrast(colour, INK) for colour in made) >= 7
    assert len(set(made)) > 300
    assert generated_colour("DISEASE") == generated_colour("disease") == "#9fc6ef"


def test_colours_of_our_labels_are_told_apart():
    labels = ["NAME", "EMAIL", "TIME", "DATE", "PHONE", "LOCATION"]
    assert len(set(label_colours(labels).values())) == 6
    assert len(set(label_colours(["PER", "LOC", "ORG", "MISC"]).values())) == 4


def test_colours_use_displacys_own_where_we_have_none():
    assert label_colours(["GPE", "per"]) == {"GPE": "#feca74", "per": COLOURS["PER"]}


def test_colours_are_declared_as_entry_point_for_displacy():
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[3] / "setup.cfg")
    name, _, value = config["options.entry_points"]["spacy_displacy_colors"].strip().partition(" = ")
    module, _, attribute = value.partition(":")
    assert name == "spacy_ner_plus"
    assert getattr(importlib.import_module(module), attribute) is COLOURS
