"""CPUs that a process may use, by cgroups as containers have them."""

import os
from pathlib import Path

import pytest

from spacy_ner_plus.cpus import cpu_quota, usable_cpus

V2 = "31 25 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 {top} /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct"
MEMORY = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf8")
    return root


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        # A container with a cgroup namespace of its own.
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "200000 100000"}, 2.0),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "max 100000"}, None),
        # Groups in groups: the least counts, wherever it stands.
        (
            {
                "proc/self/cgroup": "0::/a.slice/b.service",
                "sys/fs/cgroup/a.slice/cpu.max": "150000 100000",
                "sys/fs/cgroup/a.slice/b.service/cpu.max": "max 100000",
            },
            1.5,
        ),
        (
            {
                "proc/self/cgroup": "0::/a.slice/b.service",
                "sys/fs/cgroup/a.slice/cpu.max": "400000 100000",
                "sys/fs/cgroup/a.slice/b.service/cpu.max": "50000 100000",
            },
            0.5,
        ),
        # A process that was moved into its namespace from outside: what is mounted is all that is seen.
        ({"proc/self/cgroup": "0::/../other", "sys/fs/cgroup/cpu.max": "300000 100000"}, 3.0),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "nonsense"}, None),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "100000 0"}, None),
    ],
)
def test_cpus_reads_quotas_of_version_2(tmp_path, files, expected):
    assert cpu_quota(write(tmp_path, {"proc/self/mountinfo": V2, **files})) == expected


@pytest.mark.parametrize(
    ("top", "member", "folder"),
    [
        ("/", "/", ""),
        ("/", "/docker/abc", "docker/abc"),
        # Without a namespace a container sees its own cgroup's folder alone, and its name from outside.
        ("/docker/abc", "/docker/abc", ""),
        ("/docker/abc", "/docker/abc/inner", "inner"),
    ],
)
def test_cpus_reads_quotas_of_version_1(tmp_path, top, member, folder):
    place = f"sys/fs/cgroup/cpu,cpuacct/{folder}".rstrip("/")
    files = {
        "proc/self/mountinfo": f"{V1.format(top=top)}\n{MEMORY}",
        "proc/self/cgroup": f"9:memory:/elsewhere\n4:cpu,cpuacct:{member}\n0::/",
        f"{place}/cpu.cfs_quota_us": "250000",
        f"{place}/cpu.cfs_period_us": "100000",
    }
    assert cpu_quota(write(tmp_path, files)) == 2.5


def test_cpus_reads_no_quota_of_version_1_where_there_is_none(tmp_path):
    files = {
        "proc/self/mountinfo": V1.format(top="/"),
        "proc/self/cgroup": "4:cpu,cpuacct:/",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    }
    assert cpu_quota(write(tmp_path, files)) is None


def test_cpus_knows_mount_points_with_spaces(tmp_path):
    mount = V2.replace("/sys/fs/cgroup", "/my\\040groups")
    files = {
        "proc/self/mountinfo": mount,
        "proc/self/cgroup": "0::/",
        "my groups/cpu.max": "100000 100000",
    }
    assert cpu_quota(write(tmp_path, files)) == 1.0


def test_cpus_are_those_of_the_affinity_without_cgroups(tmp_path):
    assert cpu_quota(tmp_path) is None
    expected = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert usable_cpus(tmp_path) == expected


@pytest.mark.parametrize(
    ("quota", "expected"), [("150000", 2), ("10000", 1), ("300000", 3), ("6400000", 8), ("max", 8)]
)
def test_cpus_are_rounded_up_and_never_more_than_there_are(tmp_path, monkeypatch, quota, expected):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)), raising=False)
    files = {
        "proc/self/mountinfo": V2,
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.max": f"{quota} 100000",
    }
    assert usable_cpus(write(tmp_path, files)) == expected
