"""Labels that `initialize` was given in place of the config's: saved with a component, and asked for after loading.

What a user gives when a pipeline is loaded must win over what was saved. So a note is kept of the labels that the
config had when they were given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import srsly

_GIVEN, _CONFIG = "given_labels", "config_labels"


@dataclass(frozen=True)
class GivenLabels:
    """Labels, and those of the config in whose place they are.

    labels (str | list[str] | dict | None): Those that are asked for.
    config (str | list[str] | dict | None): Those that the config names.
    """

    labels: Any
    config: Any

    def to_dict(self) -> dict[str, Any]:
        """RETURNS (dict[str, Any]): For JSON; empty where the config's are asked for."""
        return {} if self.labels == self.config else {_GIVEN: self.labels, _CONFIG: self.config}

    @staticmethod
    def read(state: Mapping[str, Any], config: Any) -> Any:
        """Say what is asked for after loading.

        state (Mapping[str, Any]): What `to_dict` gave, among others.
        config (str | list[str] | dict | None): The labels that the config names now.
        RETURNS (str | list[str] | dict | None): Those that were given, unless the config names others than then.
        """
        # Through JSON, as what was saved has been.
        is_as_then = _GIVEN in state and srsly.json_loads(srsly.json_dumps(config)) == state[_CONFIG]
        return state[_GIVEN] if is_as_then else config
