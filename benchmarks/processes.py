"""A peer's process, seen from the benchmark."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

WORKER = Path(__file__).parent / "worker.py"


class PeerFailed(Exception):
    """A peer could not do its job; the text says why."""


class Worker:
    """A process for one peer.

    threads (int): Of torch, of its libraries and of the tokenizers.
    log (Path): Gets all that the peer prints.
    gpu (bool): Whether it may see a GPU.
    """

    def __init__(self, threads: int, log: Path, gpu: bool = False):
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
        # Nothing is fetched: the encoder is on disk.
        environment = {**os.environ, **dict.fromkeys(names, str(threads)), "HF_HUB_OFFLINE": "1"}
        if not gpu:
            environment["CUDA_VISIBLE_DEVICES"] = ""
        with log.open("a", encoding="utf8") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
            )
        self.peak_mib: int | None = None

    def ask(self, do: str, **job: Any) -> Any:
        """Give a job and wait for its answer.

        do (str): Its name, one of the methods of worker.Jobs.
        RETURNS (Any): The answer.
        RAISES (PeerFailed): Where the job failed or the process died.
        """
        try:
            self._process.stdin.write(json.dumps({"do": do, **job}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerFailed(f"its process ended with code {self._process.wait()}; see {self.log.name}")
        reply = json.loads(line)
        self.peak_mib = reply["peak_mib"]
        if "error" in reply:
            raise PeerFailed(reply["error"])
        return reply["answer"]

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is not None:
            self._process.kill()
        self.close()


def machine(threads: int) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What everything ran on."""
    import platform

    from spacy_ner_plus.evaluation.training_log import hardware
    from spacy_ner_plus.machine import CPU

    cpu = CPU.here()
    return {
        "hardware": hardware(),
        "family": cpu.family,
        "flags": list(cpu.flags),
        "threads": threads,
        "python": platform.python_version(),
    }


def size_mib(folder: Path) -> float:
    """RETURNS (float): MiB of all files in a folder."""
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20, 1)
