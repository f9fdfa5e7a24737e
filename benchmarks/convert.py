"""Time and memory of `convert` beside a bare loop, on a CoNLL file and on JSON lines with spans by offset.

The bare loop of CoNLL splits the lines, makes Docs and adds them to a DocBin; that of JSON lines reads the
JSON, tokenises, lays the spans on tokens and adds the Docs. They check nothing, restore no white space and
write nothing. `convert` does all that it does for a user. They take turns in one run; memory is the peak of
a process of its own, for the file as it is and repeated.

    python benchmarks/convert.py [CONLL_FILE]

The file is CoNLL++'s train.txt in the folder that SPACY_NER_PLUS_DATA names if
none is given; the JSON lines are made of its sentences. Writes benchmarks/results/convert.json.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from processes import machine

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SPACY_NER_PLUS_DATA", ROOT.parent / "shared" / "data"))
RESULT = Path(__file__).parent / "results" / "convert.json"
ROUNDS = 7
REPEATS = (1, 10)


def bare_conll(path: Path, out: Path | None = None) -> None:
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


def bare_jsonl(path: Path, out: Path | None = None) -> None:
    """Read JSON, tokenise, lay spans on tokens, add Docs to a DocBin; written only to compare memory."""
    import spacy
    from spacy.tokens import DocBin

    nlp = spacy.blank("en")
    doc_bin = DocBin()
    with path.open(encoding="utf8") as file:
        for line in file:
            record = json.loads(line)
            doc = nlp.make_doc(record["text"])
            spans = [
                doc.char_span(span["start"], span["end"], label=span["label"]) for span in record["spans"]
            ]
            doc.ents = [span for span in spans if span is not None]
            doc_bin.add(doc)
    if out is not None:
        doc_bin.to_disk(out)


BARE: dict[str, Callable[..., None]] = {"conll": bare_conll, "jsonl": bare_jsonl}


def make_jsonl(conll: Path, path: Path) -> None:
    """Write a CoNLL file's sentences as texts with spans by offset."""
    from spacy_ner_plus.workflows.convert import convert

    with path.open("w", encoding="utf8") as file:
        for doc in convert(conll, options={"group": "sentence"}).docs:
            spans = [{"start": ent.start_char, "end": ent.end_char, "label": ent.label_} for ent in doc.ents]
            file.write(json.dumps({"text": doc.text, "spans": spans}) + "\n")


def ours(path: Path, out: Path, shards: int = 0) -> None:
    from spacy_ner_plus.workflows.convert import convert

    convert([str(path)], out, shards=shards)


def timed(kind: str, path: Path) -> dict[str, list[float]]:
    """Let both take turns after a round that does not count."""
    seconds: dict[str, list[float]] = {"bare_loop": [], "convert": []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1):
            for name, taken in seconds.items():
                began = time.perf_counter()
                BARE[kind](path) if name == "bare_loop" else ours(path, Path(folder) / "out.spacy")
                if number:
                    taken.append(round(time.perf_counter() - began, 4))
    return seconds


def peak(what: str, kind: str, path: Path) -> int:
    """RETURNS (int): MiB that a process of its own takes at most."""
    command = [sys.executable, __file__, str(path), "--peak", what, "--kind", kind]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def run_for_peak(what: str, kind: str, path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if what == "bare_loop_written":
            BARE[kind](path, Path(folder) / "out.spacy")
        elif what == "convert":
            ours(path, Path(folder) / "out.spacy")
        elif what == "convert_8_shards":
            ours(path, Path(folder) / "out", shards=8)
        else:
            import spacy

            spacy.blank("en")
    # Not getrusage, whose peak a process takes over from the one that started it.
    status = Path("/proc/self/status").read_text(encoding="utf8")
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)


def measure(kind: str, path: Path, folder: Path) -> dict:
    """RETURNS (dict): Seconds of both, their ratio, and peaks of memory."""
    seconds = timed(kind, path)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    memory = {}
    text = path.read_text(encoding="utf8")
    for repeats in REPEATS:
        repeated = folder / f"repeated.{kind}"
        repeated.write_text(text * repeats, encoding="utf8")
        whats = ("imports_alone", "bare_loop_written", "convert", "convert_8_shards")
        memory[f"{repeats}x"] = {what: peak(what, kind, repeated) for what in whats}
    return {
        "seconds": seconds,
        "median_seconds": medians,
        "ratio": round(medians["convert"] / medians["bare_loop"], 2),
        "peak_mib": memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", nargs="?", type=Path, default=DATA / "conllpp" / "train.txt")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=BARE, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        run_for_peak(options.peak, options.kind, options.path)
        return
    import spacy

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jsonl = folder / "sentences.jsonl"
        make_jsonl(options.path, jsonl)
        result = {
            "file": options.path.name,
            "machine": machine(1),
            "spacy": spacy.__version__,
            "conll": measure("conll", options.path, folder),
            "jsonl": measure("jsonl", jsonl, folder),
        }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf8")
    print(json.dumps({kind: result[kind]["ratio"] for kind in BARE}))
    for kind in BARE:
        print(kind, json.dumps(result[kind]["peak_mib"]))


if __name__ == "__main__":
    main()
