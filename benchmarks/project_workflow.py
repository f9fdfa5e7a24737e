"""A workflow of project.yml, run whole, and what its last step says.

    python benchmarks/project_workflow.py slm --output benchmarks/results/slm.json
    python benchmarks/project_workflow.py bootstrap --output benchmarks/results/bootstrap.json
    python benchmarks/project_workflow.py pii --output benchmarks/results/pii.json

runs `python -m spacy project run NAME` in this clone, which goes on where it was cut; what follows `--` is handed on,
such as `-- --vars.bootstrap_files FOLDER`. Kept are the rows that the workflow ends with, the machine and, where all
ran in one go, the seconds of the whole.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processes import machine
from results import save

ROOT = Path(__file__).parent.parent
METRICS = ROOT / "metrics"


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf8"))


def model_table() -> dict[str, Any]:
    return {"rows": read(METRICS / "slm" / "table.json")}


def comparison() -> dict[str, Any]:
    """RETURNS (dict[str, Any]): F1 of each pipeline, and what each step brings beside the one before it."""
    found = read(METRICS / "bootstrap" / "comparison" / "comparison.json")
    pairs = {
        (pair["one"], pair["other"]): pair
        for pair in found["pairs"]
        if pair["measure"] == "strict" and pair["label"] is None
    }
    rows: list[dict[str, Any]] = []
    # The best comes first on the page.
    for pipeline in reversed(found["pipelines"]):
        row = {"name": pipeline["name"], "f1": round(pipeline["schemes"]["strict"]["f1"], 4)}
        if rows:
            # The difference is that of the better one.
            pair = pairs[row["name"], rows[-1]["name"]]
            row["gain"] = round(pair["difference"], 4)
            row["gain_interval"] = [round(end, 4) for end in pair["interval"]]
        rows.append(row)
    return {"corpus": found["corpus"], "rows": rows}


def labels() -> dict[str, Any]:
    found = read(METRICS / "pii" / "test.json")
    rows = {"all": found["schemes"]["strict"]}
    rows |= {name: schemes["strict"] for name, schemes in found["labels"].items()}
    return {"corpus": found["corpus"], "labels": rows}


WORKFLOWS: dict[str, Callable[[], dict[str, Any]]] = {
    "slm": model_table,
    "bootstrap": comparison,
    "pii": labels,
}


def main(options: argparse.Namespace) -> int:
    name = options.workflow
    is_begun = any((ROOT / part / name).exists() for part in ("corpus", "training", "metrics"))
    command = [sys.executable, "-m", "spacy", "project", "run", name, ".", *options.handed_on]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        return done.returncode
    took = None if is_begun else round(seconds)
    of_run = {"machine": machine(os.cpu_count() or 1), "seconds": took, "note": options.note}
    save(options.output, {**of_run, **WORKFLOWS[name]()})
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    handed_on: list[str] = []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, handed_on = arguments[:at], arguments[at + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("workflow", choices=WORKFLOWS)
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--note", default="", help="what else is to be known, such as 'beside other work'")
    options = parser.parse_args(arguments)
    options.handed_on = handed_on
    return options


if __name__ == "__main__":
    sys.exit(main(parse(sys.argv[1:])))
