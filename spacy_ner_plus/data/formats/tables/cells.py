"""Cells of a table that hold lists: as JSON, as Python shows them, and as numpy prints them.

    ["Ann", "left"]     ['Ann', 'left']     ['Ann' 'left']     array(['Ann', 'left'], dtype=object)     [1 0 0]

pandas writes a column of lists as Python shows them, and a column of arrays as numpy prints them: without commas,
over several lines, and cut in the middle where there are more than a thousand. Nothing is ever evaluated: strings
are read by `ast.literal_eval`, one by one.
"""

import ast
import json
import re
from typing import Any

OPENING = "[({"
# A value that `array(...)` and its like wrap, and what stands in it beside the value.
PART = re.compile(
    r"""\s*(?:
    (?P<string>[rRbBuU]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))
    |(?P<number>[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)(?=[\s,\]})]|$))
    |(?P<name>[A-Za-z_][\w.]*)(?=\()
    |(?P<mark>[\[\](){}:,])
    |(?P<bare>[^\s,\[\](){}'":]+(?::[^\s,\[\](){}'":]+)*)
    )""",
    re.VERBOSE | re.DOTALL,
)
CLOSING = {"[": "]", "(": ")", "{": "}"}
CONSTANTS = {
    **dict.fromkeys(("None", "null", "nan", "NaN")),
    **dict.fromkeys(("True", "true"), True),
    **dict.fromkeys(("False", "false"), False),
}
DEPTH = 20


def looks_like_list(cell: str) -> bool:
    """RETURNS (bool): Whether a cell begins and ends as a list or mapping does."""
    text = cell.strip()
    if text.startswith(("array(", "np.array(")):
        return text.endswith(")")
    return len(text) > 1 and text[0] in OPENING and text[-1] == CLOSING[text[0]]


def read_list(cell: str) -> Any:
    """Read a cell.

    RETURNS (Any): Lists, dictionaries, strings, numbers and None; tuples and arrays become lists.
    RAISES (ValueError): What is none of them, or was cut: '...' stands where values were left out.
    """
    text = cell.strip()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _CellReader(text).read()


class _CellReader:
    """Reads what Python and numpy show, part by part."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def read(self) -> Any:
        value = self._value(DEPTH)
        if self.text[self.at :].strip():
            raise ValueError(f"text after the list: {self.text[self.at :][:20]!r}")
        return value

    def _next(self) -> tuple[str, str]:
        match = PART.match(self.text, self.at)
        if match is None:
            raise ValueError("the list isn't closed")
        self.at = match.end()
        kind = match.lastgroup or ""
        return kind, match[kind]

    def _peek(self) -> str:
        match = PART.match(self.text, self.at)
        return match[match.lastgroup or 0] if match else ""

    def _value(self, depth: int) -> Any:
        kind, part = self._next()
        if kind == "string":
            value = ast.literal_eval(part)
            return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if kind == "number":
            return float(part) if re.search(r"[.eE]", part) else int(part)
        if kind == "bare":
            if part == "...":
                raise ValueError("values were left out where '...' stands")
            return CONSTANTS.get(part, part)
        if not depth:
            raise ValueError("too deep")
        if kind == "name":
            # array([...], dtype=object), np.str_('Ann'), Timestamp('...')
            return self._arguments(depth)
        if part not in CLOSING:
            raise ValueError(f"{part!r} where a value should stand")
        return self._mapping(depth - 1) if part == "{" else self._list(CLOSING[part], depth - 1)

    def _list(self, end: str, depth: int) -> list[Any]:
        values = []
        while (part := self._peek()) != end:
            if part == ",":
                self._next()
                continue
            values.append(self._value(depth))
        self._next()
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        values = {}
        while (part := self._peek()) != "}":
            if part == ",":
                self._next()
                continue
            key = self._value(depth)
            if self._next()[1] != ":" or not isinstance(key, str | int):
                raise ValueError("a mapping without a value")
            values[str(key)] = self._value(depth)
        self._next()
        return values

    def _arguments(self, depth: int) -> Any:
        """The first of what stands in brackets after a name; other arguments say its type."""
        self._next()
        value = self._value(depth - 1)
        open_brackets = 1
        while open_brackets:
            part = self._next()[1]
            open_brackets += {"(": 1, ")": -1}.get(part, 0)
        return value
