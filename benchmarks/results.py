"""Result files that grow run by run, so that a benchmark that is broken off goes on."""

import json
import os
from pathlib import Path
from typing import Any


class SettingsChanged(Exception):
    """A result file was begun with other settings."""


def open_results(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Read a result file, or begin one.

    path (Path): The file.
    settings (dict[str, Any]): What all its runs have in common.
    RETURNS (dict[str, Any]): The settings, `runs` and `not_run`.
    RAISES (SettingsChanged): Where the file's runs had other settings.
    """
    if not path.exists():
        return {**settings, "runs": [], "not_run": []}
    results = json.loads(path.read_text(encoding="utf8"))
    for key, value in settings.items():
        if results.get(key) != value:
            raise SettingsChanged(
                f"{path} was begun with {key} {json.dumps(results.get(key))}, not {json.dumps(value)}: "
                "give another --output, or remove it"
            )
    return results


def find_run(results: dict[str, Any], peer: str, seed: int) -> dict[str, Any] | None:
    """RETURNS (dict | None): The finished run of a peer with a seed."""
    return next((run for run in results["runs"] if (run["peer"], run["seed"]) == (peer, seed)), None)


def note_not_run(results: dict[str, Any], peer: str, title: str, reason: str) -> None:
    """Name a peer that can't run, with the reason; the latest reason counts."""
    forget_not_run(results, peer)
    results["not_run"].append({"peer": peer, "title": title, "reason": reason})


def forget_not_run(results: dict[str, Any], peer: str) -> None:
    """Take a peer off the list, since it has run."""
    results["not_run"] = [row for row in results["not_run"] if row["peer"] != peer]


def save(path: Path, results: dict[str, Any]) -> None:
    """Write a result file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf8")
    os.replace(beside, path)
