"""What the settings name as files is read once, and saved with the component."""

from collections.abc import Callable, Collection
from typing import Any

from spacy_ner_plus.labels import LabelSet, load_labels


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

    def clear(self, name: str | None = None) -> None:
        """Read everything again when it is next needed.

        name (str | None): Only what this setting names, of parts, too; None for all.
        """
        for key in list(self._read):
            if name is None or key.rpartition("/")[2] == name:
                del self._read[key]

    def part(self, name: str, own: Collection[str]) -> "NamedFiles":
        """Give those of a part of the whole, which are kept with these.

        name (str): The part.
        own (Collection[str]): The settings that it has otherwise; all others are the whole's.
        """
        return _PartFiles(self, name, own)

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): By setting, its value and what was read, for JSON."""
        return self._read

    def load(self, data: dict[str, Any]) -> None:
        """Take over what `to_dict` gave."""
        self._read = dict(data)


class _PartFiles(NamedFiles):
    """Those of a part.

    whole (NamedFiles): Where they are kept.
    part (str): Its name.
    own (Collection[str]): The settings that it has otherwise.
    """

    def __init__(self, whole: NamedFiles, part: str, own: Collection[str]):
        self._whole, self._part, self._own = whole, part, own

    def holds(self, name: str, value: Any) -> bool:
        return self._whole.holds(self._key(name), value)

    def read(self, name: str, value: Any, read: Callable[[Any], Any]) -> Any:
        return self._whole.read(self._key(name), value, read)

    def _key(self, name: str) -> str:
        return f"{self._part}/{name}" if name in self._own else name


def read_labels(files: NamedFiles, given: Any) -> LabelSet:
    """RETURNS (LabelSet): The labels that the setting `labels` names, read once.

    RAISES (UserError): Where they can't be read.
    """
    return LabelSet.from_dict(files.read("labels", given, lambda value: load_labels(value).to_dict()))
