"""The machine that this process runs on: its CPU, as the system names it."""

import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# What decides which numbers a CPU computes fast: Intel's and AMD's, and ARM's.
FLAGS = (
    "avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimddp", "sve", "sve2", "i8mm", "bf16",
)  # fmt: skip
PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class CPU:
    """A CPU.

    name (str): What its maker calls it.
    family (str): Family, model and stepping as one string, such as '6.207.2': makers give several one name. '' where
        the system doesn't tell.
    flags (tuple[str, ...]): Which of `FLAGS` it has; none where the system doesn't tell.
    cores (int): How many the system lists; 0 where it doesn't.
    """

    name: str
    family: str
    flags: tuple[str, ...]
    cores: int

    @classmethod
    def here(cls) -> "CPU":
        """RETURNS (CPU): That of this machine."""
        try:
            listed = PROCESSORS.read_text(encoding="utf8", errors="replace")
        except OSError:
            listed = ""
        return cls.parse(listed)

    @classmethod
    @cache
    def parse(cls, listed: str) -> "CPU":
        """Read what Linux lists.

        listed (str): The text of /proc/cpuinfo; '' elsewhere.
        """
        names = _values(listed, "model name")
        flags = {
            word for line in _values(listed, "flags") + _values(listed, "Features") for word in line.split()
        }
        parts = [
            next(iter(_values(listed, key)), "")
            for key in ("cpu family", "model", "stepping", "CPU implementer", "CPU part")
        ]
        return cls(
            name=names[0] if names else platform.processor() or platform.machine(),
            family=".".join(part for part in parts if part),
            flags=tuple(flag for flag in FLAGS if flag in flags),
            cores=len(names) or len(_values(listed, "processor")),
        )


def _values(listed: str, key: str) -> list[str]:
    return re.findall(rf"^{key}[ \t]*:[ \t]*(.*?)[ \t]*$", listed, flags=re.MULTILINE)


def times_preempted() -> int:
    """RETURNS (int): How often other work has taken the CPU from this process; 0 where the system doesn't tell."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
