"""Names of labels that a source has as integers: said by the user, or by a file beside the source.

["O", "B-PER", "I-PER"]                      in the order of their numbers
{"O": 0, "B-PER": 1}, {"0": "O"}             either way around, also under `label2id` or `id2label`
[{"id": 1, "text": "PER"}]                   doccano's label configuration
O,B-PER,I-PER                                on the command line, in order
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import srsly

from spacy_ner_plus.errors import Errors, UserError
from spacy_ner_plus.json_keys import unique_keys

# Under which a file may have its names, of a model's config or a dataset's features.
HOLDERS = ("id2label", "label2id", "names", "labels", "label_names", "classes", "tags")
NAME_KEYS = ("text", "name", "label", "title", "value")
# What describes a dataset beside its files.
DESCRIPTIONS = ("dataset_infos.json", "dataset_info.json", "README.md")


def read_label_names(given: str) -> dict[int, str]:
    """Read the names that a user gives.

    given (str): A JSON or YAML file, a text file with a name a line, or names by commas, counted from 0.
    RETURNS (dict[int, str]): Names by number.
    RAISES (UserError): What holds no names.
    """
    path = Path(given)
    if not path.is_file():
        names = [name.strip() for name in given.split(",")]
        if len(names) < 2 or not all(names):
            raise UserError(Errors.E190.format(given=given, reason="there is no such file"))
        return dict(enumerate(names))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise UserError(Errors.E190.format(given=given, reason=str(error).split("\n")[0])) from error
    try:
        value = _parse(text, path.suffix.lower())
    except (ValueError, RecursionError) as error:
        raise UserError(Errors.E190.format(given=given, reason=str(error).split("\n")[0])) from error
    names = names_of(value)
    if not names:
        raise UserError(Errors.E190.format(given=given, reason="it holds no names"))
    return names


def names_of(value: Any) -> dict[int, str]:
    """Read names out of a value in any of the spellings above.

    RETURNS (dict[int, str]): Names by number; {} where it holds none.
    """
    if isinstance(value, list):
        if value and all(isinstance(name, str) for name in value):
            return dict(enumerate(value))
        named = [_named(item) for item in value]
        return dict(named) if named and all(named) else {}
    if not isinstance(value, dict):
        return {}
    by_number = {
        number: name
        for key, name in value.items()
        if (number := _number(key)) is not None and isinstance(name, str)
    }
    if value and len(by_number) == len(value):
        return by_number
    numbers = {number: key for key, item in value.items() if (number := _number(item)) is not None}
    if value and len(numbers) == len(value):
        return numbers
    return next((names for key in HOLDERS if (names := names_of(value.get(key)))), {})


def names_beside(path: Path, column: str) -> dict[int, str]:
    """Find what a description beside a dataset's files calls the labels of a column.

    path (Path): The file, or the dataset's folder.
    column (str): The column's name; of a column inside another after its last point.
    RETURNS (dict[int, str]): Names by number; {} where no description names any.
    """
    folder = path if path.is_dir() else path.parent
    for name in DESCRIPTIONS:
        try:
            text = (folder / name).read_text(encoding="utf-8-sig")
            value = _front_matter(text) if name.endswith(".md") else json.loads(text)
        except (OSError, ValueError, RecursionError):
            # It isn't what the user named: without it the integers are refused.
            continue
        for feature in _features(value, column.rpartition(".")[2]):
            names = _inner_names(feature)
            if names:
                return names
    return {}


def _parse(text: str, ending: str) -> Any:
    if ending in (".yml", ".yaml"):
        return srsly.yaml_loads(text)
    if text.lstrip()[:1] in ("[", "{"):
        return json.loads(text, object_pairs_hook=unique_keys)
    return [line.strip() for line in text.splitlines() if line.strip()]


def _front_matter(text: str) -> Any:
    """The YAML between the lines '---' at the beginning of a dataset's card."""
    opening, _, rest = text.partition("\n")
    if opening.strip() != "---":
        return None
    return srsly.yaml_loads(rest.partition("\n---")[0])


def _features(value: Any, column: str) -> Iterator[Any]:
    """The descriptions of a column, wherever they stand."""
    if isinstance(value, list):
        for item in value:
            yield from _features(item, column)
    elif isinstance(value, Mapping):
        if value.get("name") == column:
            yield value
        for key, item in value.items():
            if key == column:
                yield item
            else:
                yield from _features(item, column)


def _inner_names(feature: Any) -> dict[int, str]:
    """The names of a ClassLabel, however deep in lists it stands."""
    if not isinstance(feature, Mapping):
        return {}
    if names := names_of(feature.get("names")):
        return names
    return next((names for item in feature.values() if (names := _inner_names(item))), {})


def _named(item: Any) -> tuple[int, str] | None:
    """A label as doccano describes it: an object with its number and name."""
    if not isinstance(item, dict):
        return None
    number = _number(item.get("id"))
    name = next((item[key] for key in NAME_KEYS if isinstance(item.get(key), str)), None)
    return None if number is None or name is None else (number, name)


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if value.removeprefix("-").isdecimal() else None
    return value if isinstance(value, int) else None
