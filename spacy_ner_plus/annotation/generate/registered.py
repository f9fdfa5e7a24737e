"""The backends that are installed: ours, and those of other packages, by their entry points."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from spacy_ner_plus.annotation.generate.backend import Backend
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import check_settings

GROUP = "spacy_ner_plus_generators"
MEMBERS = ("name", "about", "settings", "make")


@cache
def backend_points() -> dict[str, EntryPoint]:
    """RETURNS (dict[str, EntryPoint]): By name; where two packages have one name, ours counts."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.value.startswith("spacy_ner_plus."))
    return {point.name: point for point in found}


@cache
def get_backend(name: str) -> Backend:
    """Load a backend.

    RAISES (UserError): Where there is none of this name, or what its entry point names is none.
    """
    points = backend_points()
    if name not in points:
        raise UserError(Errors.E730.format(backend=name, backends=", ".join(sorted(points))))
    try:
        found = points[name].load()
    except Exception as error:  # Another package's module may fail with anything.
        reason = str(error).split("\n")[0] or type(error).__name__
        raise UserError(Errors.E731.format(backend=name, value=points[name].value, reason=reason)) from error
    lacking = [member for member in MEMBERS if not hasattr(found, member)]
    if isinstance(found, type) or lacking:
        reason = "it is a class, not an object of it" if not lacking else f"it has no {', '.join(lacking)}"
        raise UserError(Errors.E731.format(backend=name, value=points[name].value, reason=reason))
    return found


def settings_of(backend: Backend, given: Mapping[str, Any]) -> Any:
    """Make a backend's settings of what the user gave.

    given (Mapping[str, Any]): Settings by name.
    RETURNS (Any): An instance of `backend.settings`.
    RAISES (UserError): A setting that it doesn't have, or a value that can't be.
    """
    known = [field.name for field in dataclasses.fields(backend.settings)]
    unknown = [name for name in given if name not in known]
    if unknown:
        values = {"setting": unknown[0], "backend": backend.name, "known": ", ".join(known) or "none"}
        raise UserError(Errors.E732.format(**values))
    settings = backend.settings(**given)
    check_settings(settings, Errors.E733)
    return settings
