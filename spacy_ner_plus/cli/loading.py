"""How commands load a pipeline: by name or folder, with settings overridden."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.language import Language


def parse_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Read settings in dot notation.

    overrides (Iterable[str]): Such as 'components.transformer_ner.device=cpu'; a
        value that is JSON is read as JSON, any other is a string.
    RETURNS (dict[str, Any]): Values by dotted key.
    RAISES (UserError): Where one has no key or no '='.
    """
    values = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise UserError(Errors.E502.format(override=override))
        try:
            values[key.strip()] = json.loads(value)
        except json.JSONDecodeError:
            values[key.strip()] = value
    return values


def load_pipeline(name: str, overrides: Iterable[str] = ()) -> "Language":
    """Load a pipeline.

    name (str): A folder, or the name of an installed package.
    overrides (Iterable[str]): Settings as in `parse_overrides`.
    RETURNS (Language): The pipeline.
    RAISES (UserError): Where it cannot be loaded.
    """
    import spacy

    config = parse_overrides(overrides)
    try:
        return spacy.load(name, config=config)
    except UserError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(Errors.E501.format(name=name, reason=" ".join(str(error).split()))) from error


def at_least(option: str, value: int | None, least: int) -> None:
    """Refuse a number that is too small.

    option (str): The option's name.
    value (int): Its value; None passes.
    least (int): The smallest that is allowed.
    RAISES (UserError): Where the value is smaller.
    """
    if value is not None and value < least:
        raise UserError(Errors.E507.format(option=option, value=value, least=least))
