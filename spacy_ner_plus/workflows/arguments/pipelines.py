"""How workflows get a pipeline: loaded by name or folder with settings overridden, or as it was given."""

import json
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.json_keys import unique_keys

if TYPE_CHECKING:
    from spacy.language import Language


def parse_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Read settings in dot notation.

    overrides (Iterable[str]): Such as 'components.transformer_ner.device=cpu'; a
        value that is JSON is read as JSON, any other is a string.
    RETURNS (dict[str, Any]): Values by dotted key.
    RAISES (UserError): Where one has no key or no '=', or JSON has a key twice.
    """
    values = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key.strip():
            raise UserError(Errors.E502.format(override=override))
        try:
            values[key.strip()] = json.loads(value, object_pairs_hook=unique_keys)
        except json.JSONDecodeError:
            values[key.strip()] = value
        except ValueError as error:
            raise UserError(Errors.E943.format(override=override, reason=error)) from error
    return values


def parse_settings(words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """Read settings as spaCy's commands take them, such as --paths.train FILE or --paths.train=FILE.

    words (Sequence[str]): The words of a command line, other arguments among them.
    RETURNS (tuple[list[str], dict[str, Any]]): The other arguments, and values by dotted key; a value that is
        JSON is read as JSON, any other is a string.
    RAISES (UserError): Where an option isn't dotted, or has no value.
    """
    others, settings = [], []
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            others.append(word)
            continue
        key, equals, value = word.removeprefix("--").partition("=")
        value = value if equals else next(rest, "--")
        if "." not in key or value.startswith("--"):
            raise UserError(Errors.E546.format(option=f"--{key}"))
        settings.append(f"{key}={value}")
    return others, parse_overrides(settings)


def load_pipeline(
    pipeline: "Language | str | Path", overrides: Iterable[str] = (), *, code: str | Path | None = None
) -> "Language":
    """Load a pipeline, or take one that is loaded.

    pipeline (Language | str | Path): A folder, the name of an installed package, or a pipeline.
    overrides (Iterable[str]): Settings as in `parse_overrides`.
    code (str | Path): A Python file to run before. Default: none.
    RAISES (UserError): Where it can't be loaded, the file doesn't run, or settings are given for a
        pipeline that is loaded already.
    """
    import spacy
    from spacy.language import Language

    config = parse_overrides(overrides)
    if code is not None:
        import_code(Path(code))
    if isinstance(pipeline, Language):
        if config:
            raise UserError(Errors.E510.format(overrides=", ".join(config)))
        return pipeline
    try:
        return spacy.load(pipeline, config=config)
    except UserError:
        raise
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(Errors.E501.format(name=pipeline, reason=" ".join(str(error).split()))) from error


def import_code(path: Path) -> None:
    """Run a Python file, which registers what a pipeline is made of.

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


def path_of(pipeline: "Language | str | Path") -> str | Path | None:
    """RETURNS (str | Path | None): Where a pipeline is read from; None for one that is loaded already."""
    return pipeline if isinstance(pipeline, str | Path) else None


def components_of(pipeline: "Language | str | Path", factory: str) -> list[str]:
    """Name the components of a pipeline that a factory makes; one that is named by path isn't loaded.

    RAISES (UserError): Where it can't be read.
    """
    return [name for name, made_by in _components(pipeline).items() if made_by == factory]


def component_names(pipeline: "Language | str | Path") -> list[str]:
    """Name all components of a pipeline; one that is named by path isn't loaded.

    RAISES (UserError): Where it can't be read.
    """
    return list(_components(pipeline))


def language_of(pipeline: "Language | str | Path") -> str:
    """RETURNS (str): The language code of a pipeline; one that is named by path isn't loaded.

    RAISES (UserError): Where it can't be read.
    """
    from spacy.language import Language

    return pipeline.lang if isinstance(pipeline, Language) else _config(pipeline)["nlp"]["lang"]


def _components(pipeline: "Language | str | Path") -> dict[str, str | None]:
    """The factory of each component, by name."""
    from spacy.language import Language

    if isinstance(pipeline, Language):
        return {name: pipeline.get_pipe_meta(name).factory for name in pipeline.component_names}
    config = _config(pipeline)
    components = config.get("components", {})
    return {name: components[name].get("factory") for name in config["nlp"]["pipeline"]}


def _config(pipeline: str | Path) -> dict[str, Any]:
    """The config of a pipeline that is named by path."""
    from spacy.util import get_package_path, is_package, load_config, load_meta

    folder = Path(pipeline)
    if not folder.exists() and is_package(str(pipeline)):
        folder = get_package_path(str(pipeline))
        meta = load_meta(folder / "meta.json")
        folder /= f"{meta['lang']}_{meta['name']}-{meta['version']}"
    try:
        return load_config(folder / "config.cfg")
    except (OSError, ValueError) as error:
        raise UserError(Errors.E501.format(name=pipeline, reason=" ".join(str(error).split()))) from error


def find_component(
    pipeline: "Language | str | Path", factory: str | tuple[str, ...], component: str | None = None
) -> str:
    """Find the component of a pipeline that is meant, among those that a factory makes, or one of several.

    pipeline (Language | str | Path): One that is named by path isn't loaded.
    component (str): Its name. Default: None for the only one.
    RETURNS (str): Its name.
    RAISES (UserError): Where there is none of that name, or none or several where no name is given.
    """
    factories = (factory,) if isinstance(factory, str) else factory
    names = [name for one in factories for name in components_of(pipeline, one)]
    if component in names or (component is None and len(names) == 1):
        return component or names[0]
    found = ", ".join(names) or "none"
    name = f" '{component}'" if component else ""
    of = "" if path_of(pipeline) is None else f" '{pipeline}'"
    raise UserError(Errors.E538.format(of=of, factory=" or ".join(factories), name=name, names=found))
