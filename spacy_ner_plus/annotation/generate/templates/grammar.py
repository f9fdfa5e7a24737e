"""A grammar of templates: one line stands for many.

    <please>[set|put] an alarm for {TIME:at}[ on {DATE:on}|]

- [a|b|] is one of these; nothing may be one of them, and they may have others within.
- <please> is one of the alternatives of the rule of this name.
- {TIME:at} is a slot, which is filled when the line is chosen.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import NamedTuple

_MARK = re.compile(r"\[|\]|\||<(?P<rule>[a-z_]+)>")
# Rules that name each other in a circle would never end.
_DEEPEST = 20


class Choice(NamedTuple):
    """One of several."""

    options: tuple["Sequence_", ...]


Part = str | Choice
Sequence_ = tuple[Part, ...]


class GrammarError(ValueError):
    """A line that can't be read: a bracket that isn't closed, or a rule that isn't there."""


class Grammar:
    """Templates, each of which stands for many.

    rules (Mapping[str, Sequence[str]]): Alternatives by the name of a rule; they may have rules and brackets, too.
    templates (Sequence[str]): The lines.
    RAISES (GrammarError): A line that can't be read.
    """

    def __init__(self, rules: Mapping[str, Sequence[str]], templates: Sequence[str]):
        self._rules = rules
        self._read: dict[str, Choice] = {}
        self.templates = {template: self._parse(template, 0) for template in templates}

    def expand(self, template: str, rng: random.Random) -> str:
        """RETURNS (str): One of the lines that a template stands for, with its slots."""
        return "".join(_expand(self.templates[template], rng))

    def count(self, template: str) -> int:
        """RETURNS (int): How many lines a template stands for, those that are equal counted each."""
        return _count(self.templates[template])

    def _parse(self, line: str, depth: int) -> Sequence_:
        if depth > _DEEPEST:
            raise GrammarError(f"rules name each other in a circle, in: {line}")
        # For each bracket that is open, its alternatives; the line itself is one without others.
        levels: list[list[list[Part]]] = [[[]]]
        end = 0
        for mark in _MARK.finditer(line):
            levels[-1][-1].append(line[end : mark.start()])
            end = mark.end()
            if mark["rule"]:
                levels[-1][-1].append(self._rule(mark["rule"], line, depth))
            elif mark[0] == "[":
                levels.append([[]])
            elif len(levels) == 1:
                raise GrammarError(f"'{mark[0]}' outside of brackets in: {line}")
            elif mark[0] == "|":
                levels[-1].append([])
            else:
                options = tuple(tuple(filter(None, option)) for option in levels.pop())
                levels[-1][-1].append(Choice(options))
        if len(levels) > 1:
            raise GrammarError(f"a bracket isn't closed in: {line}")
        return tuple(filter(None, [*levels[0][0], line[end:]]))

    def _rule(self, name: str, line: str, depth: int) -> Choice:
        if name not in self._rules:
            raise GrammarError(f"there is no rule <{name}>, in: {line}")
        if name not in self._read:
            self._read[name] = Choice(tuple(self._parse(option, depth + 1) for option in self._rules[name]))
        return self._read[name]


def _expand(parts: Sequence_, rng: random.Random) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        else:
            yield from _expand(rng.choice(part.options), rng)


def _count(parts: Sequence_) -> int:
    return prod(
        1 if isinstance(part, str) else sum(_count(option) for option in part.options) for part in parts
    )
