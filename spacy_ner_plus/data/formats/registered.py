"""The formats that are installed: ours, and those of other packages, by their entry points."""

from collections.abc import Iterator
from functools import cache

from spacy_ner_plus.data.formats.format import Format
from spacy_ner_plus.data.sources.source import Source
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.format_names import format_names, format_points

MEMBERS = ("name", "about", "endings", "options", "keeps", "writes", "checked", "sniff", "read")


@cache
def get_format(name: str) -> Format:
    """Load a format.

    name (str): One of `format_names`.
    RAISES (UserError): Where there is none of this name, or what its entry point names isn't a format.
    """
    if name not in format_points():
        raise UserError(Errors.E113.format(format=name, formats=", ".join(["auto", *format_names()])))
    point = format_points()[name]
    try:
        found = point.load()
    except Exception as error:  # Another package's module may fail with anything.
        reason = str(error).split("\n")[0] or type(error).__name__
        raise UserError(Errors.E172.format(format=name, value=point.value, reason=reason)) from error
    lacking = [member for member in MEMBERS if not hasattr(found, member)]
    if isinstance(found, type):
        raise UserError(
            Errors.E172.format(format=name, value=point.value, reason="it is a class, not an object of it")
        )
    if lacking:
        reason = f"it has no {', '.join(lacking)}"
        raise UserError(Errors.E172.format(format=name, value=point.value, reason=reason))
    return found


def usable_formats() -> Iterator[Format]:
    """YIELDS (Format): All formats but those of other packages that can't be used."""
    for name in format_names():
        try:
            yield get_format(name)
        except UserError:
            continue


def surest_format(source: Source, than: float) -> Format | None:
    """Find the one format that is surest of a source.

    than (float): How sure it must be at least, and more.
    RETURNS (Format | None): None where there is no such format, or there are several.
    """
    sure: list[tuple[float, Format]] = []
    for name in format_names():
        try:
            format = get_format(name)
            found = format.sniff(source)
        except Exception:  # noqa: BLE001 - another package's may fail with anything; detection tells of it
            continue
        if found is not None and found.confidence > than:
            sure.append((found.confidence, format))
    most = max((confidence for confidence, _ in sure), default=0.0)
    best = [format for confidence, format in sure if confidence == most]
    return best[0] if len(best) == 1 else None
