"""How commands load a pipeline: by name or folder, with settings overridden."""

import json
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spacy_ner_plus.errors import Errors, UserError

if TYPE_CHECKING:
    from spacy.language import Language

Code = Annotated[
    Path | None,
    typer.Option(
        "--code",
        "-c",
        help="Python file to run first, with factories and functions of yours, as in spacy train.",
    ),
]


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


def load_pipeline(name: str, overrides: Iterable[str] = (), *, code: Path | None = None) -> "Language":
    """Load a pipeline.

    name (str): A folder, or the name of an installed package.
    overrides (Iterable[str]): Settings as in `parse_overrides`.
    code (Path): A Python file to run before; None for none.
    RETURNS (Language): The pipeline.
    RAISES (UserError): Where it cannot be loaded, or the file doesn't run.
    """
    import spacy

    config = parse_overrides(overrides)
    if code is not None:
        import_code(code)
    try:
        return spacy.load(name, config=config)
    except UserError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(Errors.E501.format(name=name, reason=" ".join(str(error).split()))) from error


def import_code(path: Path) -> None:
    """Run a Python file, which registers what a pipeline is made of.

    path (Path): The file.
    RAISES (UserError): Where it isn't there, or fails.
    """
    from spacy.util import import_file

    try:
        import_file("python_code", path)
    except Exception as error:  # Code of the user's may raise anything.
        inside = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path
        ]
        line = f" (line {inside[-1].lineno})" if inside else ""
        raise UserError(
            Errors.E327.format(path=path, reason=f"{type(error).__name__}{line}: {error}")
        ) from error


def at_least(option: str, value: int | None, least: int) -> None:
    """Refuse a number that is too small.

    option (str): The option's name.
    value (int): Its value; None passes.
    least (int): The smallest that is allowed.
    RAISES (UserError): Where the value is smaller.
    """
    if value is not None and value < least:
        raise UserError(Errors.E507.format(option=option, value=value, least=least))
