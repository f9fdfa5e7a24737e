"""Time README's first command, its two halves apart, in a new environment with all wheels in pip's cache.

    python benchmarks/install.py            # writes results/install.json, and the line in README
    python benchmarks/install.py --check    # only says whether README has what the file has

The command is read from README. It runs in a clone of this repository's HEAD, first `pip install` in an environment
that is thrown away (so that wheels are in the cache), then both halves in a new one. Run it while nothing else
runs on the machine.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RESULT = Path(__file__).parent / "results" / "install.json"
START = "<!-- INSTALL START: made by `python benchmarks/install.py` -->\n"
END = "<!-- INSTALL END -->"


def measure() -> dict[str, object]:
    """RETURNS (dict): Seconds of each half, and the size of the environment."""
    install, project = read_command()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        timed(install, clone, new_environment(Path(folder) / "first"))
        environment = new_environment(Path(folder) / "second")
        empty = mebibytes(environment)
        seconds = {"pip_install": timed(install, clone, environment)}
        size = mebibytes(environment) - empty
        seconds["project_run_all"] = timed(project, clone, environment)
        listed = subprocess.run(
            [environment / "bin" / "pip", "list", "--format", "json"], capture_output=True, check=True
        )
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
        )
    return {
        "command": f"{install} && {project}",
        "seconds": seconds,
        "environment_mib": size,
        "packages": len(json.loads(listed.stdout)),
        "wheels": "in pip's cache",
        "commit": commit.stdout.strip(),
        "run": {
            "cpu": cpu_name(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
    }


def read_command() -> tuple[str, str]:
    """RETURNS (tuple[str, str]): What README's first command does before and after '&&'."""
    install, _, project = re.search(r"^    (pip install .+)$", README.read_text(encoding="utf8"), flags=re.M)[
        1
    ].partition(" && ")
    return install, project


def new_environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


def timed(command: str, clone: Path, environment: Path) -> float:
    """RETURNS (float): Seconds of a command in a clone, with the programs of an environment."""
    variables = {**os.environ, "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    # What this process was started with would hide what a newcomer has.
    for name in ("PYTHONPATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "VIRTUAL_ENV"):
        variables.pop(name, None)
    start = time.perf_counter()
    subprocess.run(command, shell=True, cwd=clone, env=variables, check=True)
    return round(time.perf_counter() - start, 1)


def mebibytes(folder: Path) -> int:
    return (
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        >> 20
    )


def cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return found[1] if found else platform.processor()


def sentence() -> str:
    """RETURNS (str): README's line, from the result file."""
    if not RESULT.exists():
        return "A few minutes on two cores, and 3 GB on disk.\n"
    result = json.loads(RESULT.read_text(encoding="utf8"))
    install, project = (result["seconds"][key] for key in ("pip_install", "project_run_all"))
    return (
        f"On {result['run']['cores']} cores, with all wheels in pip's cache, the first half takes {install:,.0f} "
        f"seconds and {result['environment_mib']:,} MiB, the second {project:,.0f} seconds "
        "([install.json](benchmarks/results/install.json)).\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    if not check:
        RESULT.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf8")
    text = README.read_text(encoding="utf8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    new = f"{before}{START}{sentence()}{END}{after}"
    if check:
        print(
            "README is up to date."
            if new == text
            else "README isn't up to date: run python benchmarks/install.py"
        )
        return int(new != text)
    README.write_text(new, encoding="utf8")
    print(sentence())
    return 0


if __name__ == "__main__":
    sys.exit(main())
