"""Settings of a backend of `generate`, from a file and from the command line."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.json_keys import unique_keys
from spacy_ner_plus.workflows.arguments.pipelines import parse_overrides


def read_settings(path: Path | None, assignments: Sequence[str] = ()) -> dict[str, Any]:
    """Read settings.

    path (Path | None): A YAML or JSON file of a mapping; None for none.
    assignments (Sequence[str]): Such as 'model.name=m', which go before what the file says.
    RETURNS (dict[str, Any]): By name; what has a dot is a value within a mapping.
    RAISES (UserError): A file that can't be read, or what is no assignment.
    """
    settings = {} if path is None else _read(path)
    for name, value in parse_overrides(assignments).items():
        *outer, last = name.split(".")
        inside = settings
        for key in outer:
            found = inside.get(key)
            inside[key] = dict(found) if isinstance(found, Mapping) else {}
            inside = inside[key]
        inside[last] = value
    return settings


def _read(path: Path) -> dict[str, Any]:
    import srsly

    try:
        # Files from Windows may begin with a byte-order mark.
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            data = json.loads(text, object_pairs_hook=unique_keys)
        else:
            data = srsly.yaml_loads(text)
    except OSError as error:
        raise UserError(Errors.E738.format(path=path, reason=error.strerror or error)) from error
    except ValueError as error:
        raise UserError(Errors.E738.format(path=path, reason=str(error).split("\n")[0])) from error
    except Exception as error:  # Each error of the YAML parser is of a class of its own.
        raise UserError(Errors.E738.format(path=path, reason=" ".join(str(error).split())[:120])) from error
    if not isinstance(data, Mapping):
        raise UserError(Errors.E738.format(path=path, reason="it holds no mapping of names and values"))
    return dict(data)
