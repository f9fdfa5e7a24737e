"""A CAS as its files give it: texts, and typed structures with features; whichever format they came from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ANNOTATION, STRING = "uima.tcas.Annotation", "uima.cas.String"


@dataclass(slots=True)
class Structure:
    """A feature structure.

    id (str): Its number.
    type (str): The whole name of its type.
    features (dict[str, Any]): By name; references are numbers.
    sofa (str): The number of its text; '' where it has none.
    begin, end (int | None): Its offsets, in UTF-16 units; None where it has none, or such that aren't numbers.
    """

    id: str
    type: str
    features: dict[str, Any]
    sofa: str = ""
    begin: int | None = None
    end: int | None = None

    @property
    def is_annotation(self) -> bool:
        return self.begin is not None or self.end is not None

    @property
    def short_type(self) -> str:
        return short(self.type)


@dataclass(slots=True)
class Sofa:
    """A text of a CAS.

    id (str): Its number.
    name (str): Of its view.
    text (str | None): None where it is kept elsewhere, or isn't a text.
    """

    id: str
    name: str
    text: str | None


@dataclass
class Types:
    """A type system: what types there are, and what they have.

    supertypes (dict[str, str]): Of each type that is declared.
    ranges (dict[str, dict[str, str]]): Of each type, its own features and the types of their values.
    """

    supertypes: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, dict[str, str]] = field(default_factory=dict)

    def line(self, type: str) -> list[str]:
        """RETURNS (list[str]): A type and those that it is derived from."""
        line = []
        while type and type not in line:
            line.append(type)
            type = self.supertypes.get(type, "")
        return line

    def string_features(self, type: str) -> list[str] | None:
        """RETURNS (list[str] | None): The features of a type that hold strings; None where it isn't declared."""
        if type not in self.supertypes:
            return None
        return [
            name
            for one in reversed(self.line(type))
            for name, range in self.ranges.get(one, {}).items()
            # A type of strings with a list of what they may be.
            if STRING in self.line(range)
        ]


@dataclass
class Cas:
    """A CAS.

    sofas (list[Sofa]): Its texts.
    structures (list[Structure]): All that it holds.
    members (dict[str, set[str]]): By text, the numbers of the structures that its view shows.
    types (Types): Empty where none are known.
    """

    sofas: list[Sofa] = field(default_factory=list)
    structures: list[Structure] = field(default_factory=list)
    members: dict[str, set[str]] = field(default_factory=dict)
    types: Types = field(default_factory=Types)

    def annotations(self, sofa: Sofa) -> Iterator[Structure]:
        """YIELDS (Structure): What has a place in a text."""
        return (one for one in self.structures if one.sofa == sofa.id and one.is_annotation)


def short(type: str) -> str:
    """RETURNS (str): What follows the last dot of a type's name."""
    return type.rpartition(".")[2]


def as_offset(value: Any) -> int | None:
    """RETURNS (int | None): An offset; -1 for what is none, None where there is nothing."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else -1
