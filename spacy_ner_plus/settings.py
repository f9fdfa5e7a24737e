"""Settings as frozen dataclasses: type, default, check and meaning of each stand once, where it is a field.

    @settings
    class Limits:
        \"""How much may be asked at once.\"""

        max_concurrency: int = setting("Requests in flight at most.", 16, at_least=1)
        timeout: float = setting("Seconds for one attempt.", 60.0, above=0)

The annotation says which values fit, and the arguments of `setting` which of these are allowed.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

from spacy_ner_plus.errors import UserError

T = TypeVar("T")
_KINDS: dict[type, tuple[str, Callable[[Any], bool]]] = {
    str: ("a string", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    float: ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    dict: ("a mapping", lambda value: isinstance(value, Mapping)),
    list: ("a list", lambda value: isinstance(value, Sequence) and not isinstance(value, str)),
}


def setting(
    meaning: str,
    default: Any = MISSING,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    message: str | None = None,
) -> Any:
    """Declare a setting.

    meaning (str): For users: a sentence.
    default (Any): A value that isn't changed; without one the setting has to be given.
    above, at_least, at_most (float | None): The bounds of a number.
    message (str | None): An error of its own, as `check_settings` takes it; None for that of the class.
    RETURNS (Field): What a class of settings takes as a field.
    """
    check = {"above": above, "at_least": at_least, "at_most": at_most, "message": message}
    return dataclasses.field(default=default, metadata={"meaning": meaning, **check})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
def settings(cls: type[T]) -> type[T]:
    """Make a frozen dataclass of keyword arguments, with its settings in its docstring."""
    made = dataclass(frozen=True, kw_only=True)(cls)
    lines = [f"    {describe(field)}" for field in dataclasses.fields(made)]
    made.__doc__ = "\n".join([(cls.__doc__ or "").rstrip(), "", *lines])
    return made


def defaults(cls: type) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The defaults of a class of settings, by name."""
    return {field.name: field.default for field in dataclasses.fields(cls) if field.default is not MISSING}


def describe(field: Field) -> str:
    """RETURNS (str): A setting as docstrings have it: `name (type): meaning`, and the default."""
    kind = field.type.__name__ if isinstance(field.type, type) else str(field.type)
    default = "" if field.default is MISSING else f" Default: {field.default!r}."
    return f"{field.name} ({kind.replace('typing.', '')}): {field.metadata['meaning']}{default}"


def check_settings(given: Any, message: str) -> None:
    """Check all settings against what is declared.

    given (Any): An instance of a class of settings.
    message (str): The error, with {setting}, {value} and {remedy} where each belongs, for settings that
        have none of their own.
    RAISES (UserError): For the first that doesn't fit.
    """
    types = _types(type(given))
    for field in dataclasses.fields(given):
        value = getattr(given, field.name)
        if remedy := _remedy(value, types[field.name], field.metadata):
            text = field.metadata["message"] or message
            raise UserError(text.format(setting=field.name, value=repr(value), remedy=remedy))


@lru_cache
def _types(cls: type) -> dict[str, tuple[Any, ...]]:
    # The types that each setting may have; a single one is a union of one.
    return {
        name: get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        for name, hint in get_type_hints(cls).items()
    }


def _remedy(value: Any, types: Sequence[Any], metadata: Mapping[str, Any]) -> str:
    """What to give instead of a value that doesn't fit; '' where it does."""
    if value is None and NoneType in types:
        return ""
    kinds = [_kind(hint) for hint in types if hint is not NoneType]
    if not any(fits(value) for _, fits in kinds):
        return " or ".join(kind for kind, _ in kinds)
    above, least, most = metadata["above"], metadata["at_least"], metadata["at_most"]
    # Written so that NaN is within no bounds.
    if above is not None and not value > above:
        return f"a number above {above}"
    if least is not None and not value >= least:
        return f"{least} or more"
    if most is not None and not value <= most:
        return f"{most} or less"
    return ""


def _kind(hint: Any) -> tuple[str, Callable[[Any], bool]]:
    if get_origin(hint) is Literal:
        allowed = get_args(hint)
        return f"one of: {', '.join(map(str, allowed))}", lambda value: value in allowed
    # Other types are checked where they are used.
    return _KINDS.get(get_origin(hint) or hint, ("", lambda value: True))
