"""The names of the formats of corpora that are installed; nothing of them is loaded."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "spacy_ner_plus_formats"


@cache
def format_points() -> dict[str, EntryPoint]:
    """RETURNS (dict[str, EntryPoint]): By name; where two packages have one name, ours counts."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.value.startswith("spacy_ner_plus."))
    return {point.name: point for point in found}


def format_names() -> list[str]:
    """RETURNS (list[str]): The names, sorted."""
    return sorted(format_points())
