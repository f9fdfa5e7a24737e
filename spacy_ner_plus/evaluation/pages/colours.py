"""Colours of entity labels, for displaCy everywhere and for our own pages."""

import colorsys
import zlib
from collections.abc import Iterable

# Light enough for black text at a contrast of 7 and more, in a light page and
# in a dark one, and told apart by hue. Labels that mean the same share one.
COLOURS = {
    "PER": "#ffc98a",
    "PERSON": "#ffc98a",
    "NAME": "#ffc98a",
    "LOC": "#8fdc9a",
    "LOCATION": "#8fdc9a",
    "ORG": "#8ecbff",
    "ORGANIZATION": "#8ecbff",
    "MISC": "#d9b8ff",
    "EMAIL": "#7fe3df",
    "PHONE": "#ffb3c7",
    "DATE": "#f2e07a",
    "TIME": "#c9e36b",
}


def label_colours(labels: Iterable[str]) -> dict[str, str]:
    """Give the colours of labels: ours, else one registered with displaCy or its own, else one made from the name.

    labels (Iterable[str]): The labels, in any case.
    RETURNS (dict[str, str]): A CSS colour by label, always the same for the same label.
    """
    from spacy.displacy.render import EntityRenderer

    known = {**EntityRenderer().colors, **COLOURS}
    return {label: known.get(label.upper()) or generated_colour(label) for label in labels}


def generated_colour(label: str) -> str:
    """Make a light colour from a label's name.

    label (str): The label, in any case.
    RETURNS (str): A CSS colour as #rrggbb; the same in every process, unlike one by hash().
    """
    digest = zlib.crc32(label.upper().encode("utf8"))
    hue, light = digest % 360 / 360, 0.78 + digest // 360 % 3 * 0.04
    channels = colorsys.hls_to_rgb(hue, light, 0.72)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
