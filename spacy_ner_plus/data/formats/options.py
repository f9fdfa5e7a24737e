"""What a user says about reading and writing, as the options of each format."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from spacy_ner_plus.data.formats.format import Format
from spacy_ner_plus.data.formats.registered import usable_formats
from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.settings import check_settings

WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """Read options as the command line has them.

    assignments (Sequence[str]): Such as ['labels=labels.json', 'group=10'].
    RAISES (UserError): What is no assignment.
    """
    options = {}
    for text in assignments:
        name, mark, value = text.partition("=")
        if not mark or not name.strip():
            raise UserError(Errors.E173.format(option=text))
        options[name.strip().replace("-", "_")] = value
    return options


def names_of(format: Format) -> list[str]:
    """RETURNS (list[str]): The names of a format's options."""
    return [field.name for field in dataclasses.fields(format.options)]


def options_for(format: Format, given: Mapping[str, Any]) -> Any:
    """Make a format's options of what the user gave; what it doesn't have is left out.

    given (Mapping[str, Any]): By name; strings are read as the option's type.
    RETURNS (Any): An instance of `format.options`.
    RAISES (UserError): A value that doesn't fit.
    """
    hints = get_type_hints(format.options)
    own = {name: _typed(given[name], hints[name]) for name in names_of(format) if name in given}
    options = format.options(**own)
    check_settings(options, Errors.E174)
    return options


def check_options(given: Mapping[str, Any], formats: Sequence[Format]) -> None:
    """Refuse an option that none of some formats has.

    RAISES (UserError): It says which formats have it.
    """
    for name in given:
        if any(name in names_of(format) for format in formats):
            continue
        having = [other.name for other in usable_formats() if name in names_of(other)]
        used = " or ".join(sorted({format.name for format in formats}))
        if not having:
            known = sorted({option for format in formats for option in names_of(format)})
            raise UserError(Errors.E175.format(option=name, format=used, options=", ".join(known) or "none"))
        raise UserError(Errors.E128.format(option=name, format=used, formats=", ".join(having)))


def _typed(value: Any, hint: Any) -> Any:
    """Read a string as an option's type; anything that isn't one of it stays, to be refused with its name."""
    if not isinstance(value, str):
        return value
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if bool in kinds and value.lower() in WORDS:
        return WORDS[value.lower()]
    if NoneType in kinds and value == "":
        return None
    for kind in (int, float):
        if kind in kinds and str not in kinds:
            try:
                return kind(value)
            except ValueError:
                continue
    return value
