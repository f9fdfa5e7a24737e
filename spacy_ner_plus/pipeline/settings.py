"""What a component learnt or was told after its config was read, as a JSON file.

The threshold stands both here and in the config. What is given when a pipeline is loaded must win
over what was saved, and what was set later (by `spacy find-threshold`, say) over the config that was
saved with it. So the file notes which threshold the config had.
"""

from math import isclose
from pathlib import Path
from typing import Any

import srsly

_GIVEN = "given_threshold"


def save_settings(path: str | Path, settings: dict[str, Any], given_threshold: float) -> None:
    """Save settings.

    path (str | Path): A JSON file.
    settings (dict[str, Any]): The component's `cfg`.
    given_threshold (float): The threshold of its config.
    """
    srsly.write_json(path, {**settings, _GIVEN: given_threshold})


def read_settings(path: str | Path, given_threshold: float) -> dict[str, Any]:
    """Read settings.

    path (str | Path): What `save_settings` wrote.
    given_threshold (float): The threshold of the config that is loaded now.
    RETURNS (dict[str, Any]): The settings; without the threshold where another is given now.
    """
    settings = srsly.read_json(path)
    before = settings.pop(_GIVEN, None)
    # JSON may change a number's last digit.
    if before is None or not isclose(before, given_threshold):
        settings.pop("threshold", None)
    return settings
