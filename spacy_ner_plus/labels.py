"""Label sets: what to look for, with definitions and examples for prompts.

A file of one is a JSON or YAML mapping, as the shipped ones are:

    {"PER": "Names of people.", "ORG": {"definition": "Companies.", "examples": ["Acme Corp"]}}
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from spacy_ner_plus.errors import Errors, UserError

# What a label of a file may say. `presidio` is the entity that Presidio has for it, for people who read the file.
KEYS = ("definition", "examples", "presidio")
SUFFIXES = (".json", ".yaml", ".yml")


@dataclass(frozen=True)
class LabelSet:
    """Labels with what is known of them.

    names (tuple[str, ...]): The labels, in the order of prompts.
    definitions (dict[str, str]): What a label means, for those that say it.
    examples (dict[str, list[str]]): Mentions of a label, for those that have some.
    RAISES (UserError): No labels, one twice, or one that can't be in tags such as B-PER and <PER>.
    """

    names: tuple[str, ...]
    definitions: dict[str, str] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.names:
            raise UserError(Errors.E280)
        for i, name in enumerate(self.names):
            if not isinstance(name, str) or not _is_label(name):
                raise UserError(Errors.E282.format(label=repr(name)))
            if name in self.names[:i]:
                raise UserError(Errors.E281.format(label=name))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """RETURNS (list[dict[str, Any]]): Name, definition and examples of each, as templates get them."""
        return [
            {
                "name": name,
                "definition": self.definitions.get(name, ""),
                "examples": self.examples.get(name, []),
            }
            for name in self.names
        ]

    @cached_property
    def key(self) -> str:
        """RETURNS (str): The same for equal label sets, and for no others."""
        return json.dumps(self.to_dict(), sort_keys=True)

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): All of it, for JSON."""
        return {
            "names": list(self.names),
            "definitions": dict(self.definitions),
            "examples": {name: list(examples) for name, examples in self.examples.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "LabelSet":
        """Make a label set of what `to_dict` gave; `definitions` and `examples` may be missing."""
        return cls(
            tuple(data["names"]),
            dict(data.get("definitions") or {}),
            {name: list(examples) for name, examples in (data.get("examples") or {}).items()},
        )


def load_labels(spec: "LabelSet | str | Path | Sequence[str] | Mapping[str, Any]") -> LabelSet:
    """Read labels in any form.

    spec: A list of labels; a mapping from label to definition, or to `definition` and `examples`;
        the path of a JSON or YAML file with either; or the name of a shipped set.
    RAISES (UserError): Where they can't be read or used.
    """
    if isinstance(spec, LabelSet):
        return spec
    if isinstance(spec, str) and spec in shipped_label_sets():
        return _from_mapping(_shipped(spec), spec)
    if isinstance(spec, Path) or (isinstance(spec, str) and _looks_like_path(spec)):
        return _read_file(Path(spec))
    if isinstance(spec, str):
        raise UserError(Errors.E283.format(name=spec, sets=", ".join(shipped_label_sets())))
    return _from_data(spec, "labels")


def _is_label(name: str) -> bool:
    # Of white space, only the blank is printable. "</x>" would open "/x", and close "x".
    return name.isprintable() and bool(name) and name == name.strip() and not re.search("[<>]|^/", name)


def shipped_label_sets() -> list[str]:
    """RETURNS (list[str]): The names of the label sets that come with the package."""
    folder = files("spacy_ner_plus.resources") / "labels"
    return sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))


def _shipped(name: str) -> dict[str, dict[str, Any]]:
    return json.loads((files("spacy_ner_plus.resources") / "labels" / f"{name}.json").read_text("utf8"))


def _looks_like_path(spec: str) -> bool:
    return spec.lower().endswith(SUFFIXES) or "/" in spec or "\\" in spec


def _read_file(path: Path) -> LabelSet:
    import srsly

    try:
        # Files from Windows may begin with a byte-order mark.
        text = path.read_text(encoding="utf-8-sig")
        # srsly's JSON drops the first of two equal keys without a word.
        data = (
            srsly.yaml_loads(text) if path.suffix != ".json" else json.loads(text, object_pairs_hook=_unique)
        )
    except OSError as error:
        raise UserError(Errors.E284.format(path=path, reason=error.strerror or error)) from error
    except ValueError as error:
        raise UserError(Errors.E284.format(path=path, reason=str(error).split("\n")[0])) from error
    return _from_data(data, str(path))


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UserError(Errors.E281.format(label=key))
        found[key] = value
    return found


def _from_data(data: Any, where: str) -> LabelSet:
    if isinstance(data, Mapping):
        return _from_mapping(data, where)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes):
        return LabelSet(tuple(data))
    raise UserError(Errors.E285.format(where=where, label="", found=repr(data)[:60]))


def _from_mapping(data: Mapping[str, Any], where: str) -> LabelSet:
    definitions: dict[str, str] = {}
    examples: dict[str, list[str]] = {}
    for label, value in data.items():
        row = {"definition": value} if isinstance(value, str) or value is None else value
        if not _is_row(row):
            raise UserError(Errors.E285.format(where=where, label=label, found=repr(value)[:60]))
        if row.get("definition"):
            definitions[label] = row["definition"].strip()
        if row.get("examples"):
            examples[label] = list(row["examples"])
    return LabelSet(tuple(data), definitions, examples)


def _is_row(row: Any) -> bool:
    if not isinstance(row, Mapping) or not set(row) <= set(KEYS):
        return False
    texts = row.get("examples") or []
    return (
        isinstance(row.get("definition") or "", str)
        and isinstance(texts, Sequence)
        and not isinstance(texts, str)
        and all(isinstance(text, str) for text in texts)
    )
