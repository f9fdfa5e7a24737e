"""Time and memory of `convert` beside a bare loop, on a CoNLL file.

The bare loop splits the lines, makes Docs and adds them to a DocBin; it checks
nothing, restores no white space and writes nothing. `convert` does all that it
does for a user. They take turns in one run; memory is the peak of a process
of its own, for the file as it is and repeated.

    python benchmarks/convert.py [CONLL_FILE]

The file is CoNLL++'s train.txt in the folder that SPACY_NER_PLUS_DATA names if
none is given. Writes benchmarks/results/convert.json.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SPACY_NER_PLUS_DATA", ROOT.parent / "shared" / "data"))
RESULT = Path(__file__).parent / "results" / "convert.json"
ROUNDS = 7
REPEATS = (1, 10)


def bare_loop(path: Path, out: Path | None = None) -> None:
    """Split lines, make Docs, add them to a DocBin; written only to compare memory."""
    import spacy
    from spacy.tokens import Doc, DocBin

    vocab = spacy.blank("en").vocab
    doc_bin = DocBin()
    words, tags, starts, new = [], [], [], True
    with path.open(encoding="utf8") as file:
        for line in file:
            columns = line.split()
            if not columns:
                new = True
            elif columns[0] == "-DOCSTART-":
                if words:
                    doc_bin.add(Doc(vocab, words=words, ents=tags, sent_starts=starts))
                words, tags, starts = [], [], []
            else:
                words.append(columns[0])
                tags.append(columns[-1])
                starts.append(new)
                new = False
    doc_bin.add(Doc(vocab, words=words, ents=tags, sent_starts=starts))
    if out is not None:
        doc_bin.to_disk(out)


def ours(path: Path, out: Path, shards: int = 0) -> None:
    from spacy_ner_plus.workflows.convert import convert

    convert([str(path)], out, format="conll", shards=shards)


def timed(path: Path) -> dict[str, list[float]]:
    """Let both take turns after a round that does not count."""
    seconds: dict[str, list[float]] = {"bare_loop": [], "convert": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1):
            for name, run in (("bare_loop", bare_loop), ("convert", ours)):
                began = time.perf_counter()
                run(path) if run is bare_loop else run(path, Path(folder) / "out.spacy")
                if number:
                    seconds[name].append(round(time.perf_counter() - began, 4))
    return seconds


def peak(kind: str, path: Path) -> int:
    """RETURNS (int): MiB that a process of its own takes at most."""
    command = [sys.executable, __file__, str(path), "--peak", kind]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_for_peak(kind: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if kind == "bare_loop_written":
            bare_loop(path, Path(folder) / "out.spacy")
        elif kind == "convert":
            ours(path, Path(folder) / "out.spacy")
        elif kind == "convert_8_shards":
            ours(path, Path(folder) / "out", shards=8)
        else:
            import spacy

            spacy.blank("en")
    # Not getrusage, whose peak a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="utf8")
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", nargs="?", type=Path, default=DATA / "conllpp" / "train.txt")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        run_for_peak(options.peak, options.path)
        return
    import spacy

    seconds = timed(options.path)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    memory = {}
    text = options.path.read_text(encoding="utf8")
    with tempfile.TemporaryDirectory() as folder:
        for repeats in REPEATS:
            path = Path(folder) / "repeated.conll"
            path.write_text(text * repeats, encoding="utf8")
            kinds = ("imports_alone", "bare_loop_written", "convert", "convert_8_shards")
            memory[f"{repeats}x"] = {kind: peak(kind, path) for kind in kinds}
    result = {
        "file": options.path.name,
        "tokens": sum(bool(line.strip()) and not line.startswith("-DOCSTART-") for line in text.split("\n")),
        "seconds": seconds,
        "median_seconds": medians,
        "ratio": round(medians["convert"] / medians["bare_loop"], 2),
        "peak_mib": memory,
        "python": platform.python_version(),
        "spacy": spacy.__version__,
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
