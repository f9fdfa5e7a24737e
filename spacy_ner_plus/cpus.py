"""How many CPUs this process may use: by its affinity, and by the quotas of its cgroups, as containers have."""

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple


def usable_cpus(root: Path = Path("/")) -> int:
    """Count the CPUs that this process may use.

    root (Path): Where /proc and the cgroups' mount points are found. Default '/'.
    RETURNS (int): 1 or more; a quota of 1.5 CPUs counts as 2.
    """
    has_affinity = hasattr(os, "sched_getaffinity")
    count = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota = cpu_quota(root)
    return count if quota is None else max(1, min(count, math.ceil(quota)))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Read how much CPU time the cgroups of this process have, version 1 or 2 (man 7 cgroups).

    RETURNS (float | None): The least of the process's cgroup and of those around it, in CPUs; None where
        there is no limit, or no cgroups.
    """
    quotas = [
        quota
        for mount in _mounts(root)
        for folder in mount.folders(root)
        if (quota := _quota(folder)) is not None
    ]
    return min(quotas, default=None)


class _Mount(NamedTuple):
    """A hierarchy of cgroups that limits CPU time.

    point (str): Where it is mounted.
    top (str): The cgroup that is seen there: in a container often not the topmost.
    member (str): The cgroup of this process.
    """

    point: str
    top: str
    member: str

    def folders(self, root: Path) -> Iterator[Path]:
        """YIELDS (Path): The folders of the process's cgroup and of all around it that are seen."""
        folder = root / self.point.lstrip("/")
        yield folder
        member = PurePosixPath(self.member)
        if member.is_relative_to(self.top) and ".." not in member.parts:
            for part in member.relative_to(self.top).parts:
                folder = folder / part
                yield folder


def _mounts(root: Path) -> Iterator[_Mount]:
    members = dict(_memberships(root))
    # man 5 proc: id, parent, device, root, mount point, options, any others, '-', type, source, options.
    for line in _read(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(kind) < 3:
            continue
        version = {"cgroup2": "", "cgroup": "cpu"}.get(kind[0])
        if version in members and (version == "" or version in kind[2].split(",")):
            yield _Mount(_unescaped(fields[4]), _unescaped(fields[3]), members[version])


def _memberships(root: Path) -> Iterator[tuple[str, str]]:
    """YIELDS (tuple[str, str]): '' for version 2 or 'cpu' for version 1, and the process's cgroup there."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield "", path
        elif "cpu" in controllers.split(","):
            yield "cpu", path


def _quota(folder: Path) -> float | None:
    # Version 2: '150000 100000', or 'max 100000' for no limit; version 1: -1 for none.
    words = _read(folder / "cpu.max").split()
    words = words or [
        *_read(folder / "cpu.cfs_quota_us").split(),
        *_read(folder / "cpu.cfs_period_us").split(),
    ]
    if len(words) != 2 or not all(word.isdecimal() and int(word) for word in words):
        return None
    quota, period = map(int, words)
    return quota / period


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf8")
    except (OSError, UnicodeDecodeError):
        return ""


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
