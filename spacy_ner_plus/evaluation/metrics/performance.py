"""What a run takes: memory, the machine it ran on, and what was asked of language models."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy_ner_plus.machine import CPU

STATUS = Path("/proc/self/status")


def peak_memory() -> float | None:
    """Find the most memory that this process has had so far; processes that it started are not in it.

    RETURNS (float | None): MiB of resident memory, None where the system doesn't tell.
    """
    # Not getrusage where there is another way: a process takes its peak over from the one that started it.
    if STATUS.exists() and (found := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text(encoding="utf8"))):
        return round(int(found[1]) / 1024, 1)
    try:
        import resource
    except ImportError:
        return None
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)


def peak_gpu_memory() -> float | None:
    """RETURNS (float | None): MiB that torch has had at most on its current GPU, None where it uses none."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return round(torch.cuda.max_memory_allocated() / 2**20, 1) or None


def processor() -> str:
    """RETURNS (str): The processor's name and how many cores it has."""
    cpu = CPU.here()
    return f"{cpu.name}, {cpu.cores} cores" if cpu.cores else cpu.name


def llm_usage(components: Sequence[tuple[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Collect what components tell of their use of language models.

    components (Sequence[tuple[str, Any]]): Names and components, as in nlp.components.
    RETURNS (dict[str, Mapping[str, Any]]): By component, for those with a `usage_report`, a mapping or a
        method that gives one.
    """
    found = {}
    for name, component in components:
        report = getattr(component, "usage_report", None)
        report = report() if callable(report) else report
        if isinstance(report, Mapping):
            found[name] = report
    return found
