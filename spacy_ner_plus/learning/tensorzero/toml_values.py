"""Values and tables as TOML."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_key(*names: str) -> str:
    """RETURNS (str): A dotted key, each name quoted where that is needed."""
    return ".".join(name if _BARE.fullmatch(name) else toml_value(name) for name in names)


def toml_value(value: Any) -> str:
    """RETURNS (str): A string, number, boolean, list or mapping as TOML writes it in a line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(str(name))} = {toml_value(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(toml_value, value))}]"
    # A string of JSON is one of TOML, but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_table(key: str, values: Mapping[str, Any]) -> str:
    """RETURNS (str): A table with its head, without values that are None."""
    lines = [f"{toml_key(name)} = {toml_value(value)}" for name, value in values.items() if value is not None]
    return "\n".join([f"[{key}]", *lines])
