"""Environments with some extras alone, made of links to what is installed here."""

import os
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.house.requirements import REQUIREMENTS


def make_environment(folder: Path, *extras: str) -> Path:
    """Link the core's distributions, those of extras and what these require into a folder.

    RETURNS (Path): The folder, to be used as site-packages.
    """
    installed = {canonicalize_name(found.metadata["Name"]): found for found in distributions()}
    wanted = [Requirement(name) for extra in ("", *extras) for name in REQUIREMENTS[extra]]
    linked: set[tuple[str, frozenset[str]]] = set()
    folder.mkdir(parents=True, exist_ok=True)
    while wanted:
        requirement = wanted.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        found = installed.get(key[0])
        if key in linked or found is None:
            continue
        linked.add(key)
        _link(found, folder)
        for text in found.requires or ():
            other = Requirement(text)
            cases = [{"extra": extra} for extra in ("", *requirement.extras)]
            if other.marker is None or any(map(other.marker.evaluate, cases)):
                wanted.append(other)
    return folder


def _link(found: Distribution, folder: Path) -> None:
    tops = {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}
    for top in tops:
        if not (folder / top).exists():
            (folder / top).symlink_to(found.locate_file(top))


def run_in(
    environment: Path, *arguments: str, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in an environment made by `make_environment`, with this tree's package."""
    path = os.pathsep.join((str(ROOT), str(environment)))
    return subprocess.run(
        # Without site: what is installed for this Python isn't seen.
        [sys.executable, "-S", *arguments],
        env={**os.environ, "PYTHONPATH": path, **variables},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
