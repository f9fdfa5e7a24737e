"""What the settings name as files is read once, and saved with the component."""

from collections.abc import Callable
from typing import Any


class NamedFiles:
    """The contents of files that settings name, so that a packaged pipeline needs none of the files.

    Each is kept with the setting by which it was read: a setting that is changed when the pipeline is
    loaded is read again.
    """

    def __init__(self):
        self._read: dict[str, dict[str, Any]] = {}

    def holds(self, name: str, value: Any) -> bool:
        """RETURNS (bool): Whether a setting was read when it had this value."""
        return name in self._read and self._read[name]["setting"] == value

    def read(self, name: str, value: Any, read: Callable[[Any], Any]) -> Any:
        """Read what a setting names, unless that was done before.

        value (Any): Its value; None is read as None.
        read (Callable): From the value to what is kept, which has to be plain data.
        RETURNS (Any): What `read` gave, now or before.
        """
        if value is None:
            return None
        if not self.holds(name, value):
            self._read[name] = {"setting": value, "value": read(value)}
        return self._read[name]["value"]

    def clear(self) -> None:
        """Read everything again when it is next needed."""
        self._read.clear()

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): By setting, its value and what was read, for JSON."""
        return self._read

    def load(self, data: dict[str, Any]) -> None:
        """Take over what `to_dict` gave."""
        self._read = dict(data)
