"""Two trainings side by side on the cores of one, by `spacy train` and by `spacy-ner-plus spacy train`.

    python benchmarks/side_by_side.py --output benchmarks/results/side_by_side.json

With the first, threads spin while they wait, which is torch's default; with the second they sleep. Each trains
alone, turn about, and then two at once. Of trainings that keep all cores busy, two can't take less than twice the
time of one.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any

from processes import machine
from results import save

from spacy_ner_plus import convert

ROOT = Path(__file__).parent.parent
OURS = "spacy-ner-plus spacy train"
WAYS = {"spacy train": ["spacy", "train"], OURS: ["spacy_ner_plus", "spacy", "train"]}
# What a user's shell may have set.
VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(options: argparse.Namespace) -> int:
    with TemporaryDirectory() as scratch:
        trainings = Trainings(Path(scratch), options.steps, options.cap)
        runs = []
        for number in range(options.rounds):
            # Another one first in each round.
            plan = [(way, 1) for way in WAYS][:: -1 if number % 2 else 1]
            for way, count in [*plan, (OURS, 2)]:
                runs.append(trainings.run(way, count))
                print(runs[-1], flush=True)
        # Once is enough to see it, and it may take long.
        runs.append(trainings.run("spacy train", 2))
        print(runs[-1])
    cores = len(os.sched_getaffinity(0))
    save(
        options.output,
        {"machine": machine(cores), "steps": options.steps, "ways": summary(runs), "runs": runs},
    )
    return 0


class Trainings:
    """Trainings of the packaged encoder on the bundled synthetic corpus.

    scratch (Path): A folder for corpus and models.
    steps (int): How long each is.
    cap (float): Seconds after which trainings are stopped.
    """

    def __init__(self, scratch: Path, steps: int, cap: float):
        self._scratch, self._steps, self._cap = scratch, steps, cap
        self._environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        for split in ("train", "dev"):
            convert(ROOT / "assets" / "synthetic" / f"{split}.json", scratch / f"{split}.spacy")

    def run(self, way: str, count: int) -> dict[str, Any]:
        """Train, as many at once as `count` says.

        RETURNS (dict[str, Any]): Seconds until all had ended, and CPU-seconds of all.
        """
        begin = time.perf_counter()
        processes = [self._start(way, number) for number in range(count)]
        timer = Timer(self._cap, lambda: [process.kill() for process in processes])
        timer.start()
        ends = [os.wait4(process.pid, 0) for process in processes]
        seconds = time.perf_counter() - begin
        timer.cancel()
        for process, (_, status, _) in zip(processes, ends, strict=True):
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode and seconds < self._cap:
                raise RuntimeError((self._scratch / "log-0.txt").read_text(encoding="utf8"))
        return {
            "way": way,
            "at_once": count,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(sum(usage.ru_utime + usage.ru_stime for _, _, usage in ends), 1),
            "was_stopped": seconds >= self._cap,
        }

    def _start(self, way: str, number: int) -> subprocess.Popen:
        overrides = {
            "paths.train": self._scratch / "train.spacy",
            "paths.dev": self._scratch / "dev.spacy",
            "training.max_steps": self._steps,
            "vars.device": "cpu",
            # Steps alone are to be timed.
            "vars.evals_per_epoch": 0.01,
        }
        command = [sys.executable, "-m", *WAYS[way], ROOT / "configs" / "transformer_ner.cfg"]
        command += ["--output", self._scratch / f"model-{number}"]
        command += [part for name, value in overrides.items() for part in (f"--{name}", value)]
        with (self._scratch / f"log-{number}.txt").open("w", encoding="utf8") as log:
            return subprocess.Popen(
                [str(part) for part in command], stdout=log, stderr=log, env=self._environment, cwd=ROOT
            )


def summary(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """RETURNS (dict[str, dict[str, float]]): Of each way the median seconds and CPU-seconds of one and of two at
    once, how many times as long two take, and of ours how many times as long one takes as by `spacy train`."""
    found: dict[str, dict[str, float]] = {}
    for way in WAYS:
        row = found[way] = {}
        for count, name in ((1, "one"), (2, "two")):
            of_these = [run for run in runs if (run["way"], run["at_once"]) == (way, count)]
            for key in ("seconds", "cpu_seconds"):
                row[f"{name}_{key}"] = round(statistics.median(run[key] for run in of_these), 1)
        row["two_by_one"] = round(row["two_seconds"] / row["one_seconds"], 2)
        # Then seconds are only the least that it can have been.
        row["was_stopped"] = any(run["was_stopped"] for run in runs if run["way"] == way)
    found[OURS]["one_by_spacy_train"] = round(
        found[OURS]["one_seconds"] / found["spacy train"]["one_seconds"], 2
    )
    return found


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--rounds", type=int, default=3, help="(3)")
    parser.add_argument("--steps", type=int, default=20, help="of each training (20)")
    parser.add_argument(
        "--cap", type=float, default=120, help="seconds after which trainings are stopped (120)"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
