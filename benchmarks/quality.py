"""Train every peer on the same documents and score it on gold tokens, turn about.

    python benchmarks/quality.py --corpus corpus/conll --part 0.25 --seeds 0 1 2 \\
        --output benchmarks/results/quality-quarter.json

Seed 0 of every peer comes first, then seed 1. Each finished run is written at once;
started again, it goes on with those that are missing. Two of these scripts may share an
--output as long as they don't run the same peer and seed. The trained folders stay under
--models, for speed.py.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from corpus_parts import describe, read_split, take_part
from figures import first_at
from peers import PEERS, TRAINED, missing, versions
from processes import PeerFailed, Worker, machine, size_mib
from results import SettingsChanged, find_run, forget_not_run, note_not_run, open_results, save

ROOT = Path(__file__).parent.parent
MARKS = (0.90, 0.93)
REPORT = "training.json"


def main(options: argparse.Namespace) -> int:
    settings = {
        "corpus": {
            "name": options.corpus.name,
            "part": options.part,
            "train": describe(
                _few(take_part(read_split(options.corpus, "train"), options.part), options.few)
            ),
            "dev": describe(read_split(options.corpus, "dev", options.few)),
            "test": describe(read_split(options.corpus, "test", options.few)),
        },
        "tokens": "gold",
        "limits": {"max_minutes": options.max_minutes or None, "max_steps": options.max_steps},
    }
    if options.min_steps:
        settings["min_steps"] = options.min_steps
    try:
        for peer, reason in options.not_run:
            results = open_results(options.output, settings)
            note_not_run(results, peer, PEERS[peer].title, reason)
            save(options.output, results)
        for seed in options.seeds:
            for peer in options.peers:
                run(peer, seed, settings, options)
        return int(bool(open_results(options.output, settings)["not_run"]))
    except SettingsChanged as error:
        print(error)
        return 1


def run(peer: str, seed: int, settings: dict[str, Any], options: argparse.Namespace) -> None:
    """Train and score a peer with a seed, unless that is done, and write the result.

    RAISES (SettingsChanged): Where the result file was begun with other settings.
    """
    title = PEERS[peer].title
    results = open_results(options.output, settings)
    if find_run(results, peer, seed):
        print(f"{title}, seed {seed}: done already", flush=True)
        return
    reason = missing(peer)
    if not reason:
        try:
            outcome = train_and_score(peer, seed, results, options)
        except PeerFailed as error:
            reason = str(error)
        # Another script may have written to it meanwhile.
        results = open_results(options.output, settings)
    if reason:
        note_not_run(results, peer, title, reason)
        print(f"{title}, seed {seed}: not run, {reason}", flush=True)
    else:
        forget_not_run(results, peer)
        results["runs"].append(outcome)
        minutes = outcome["seconds"] / 60
        print(f"{title}, seed {seed}: test F1 {outcome['test']['f1']:.4f}, {minutes:.1f} min", flush=True)
    save(options.output, results)


def train_and_score(
    peer: str, seed: int, results: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The result of one run.

    RAISES (PeerFailed): Where the peer failed.
    """
    folder = options.models / f"{peer}-{seed}"
    log = options.models / f"{peer}-{seed}.log"
    shared = {key: results[key] for key in ("corpus", "limits", "min_steps") if key in results}
    same = {**shared, "versions": versions(peer)}
    trained = _read_report(folder, same)
    if trained is None:
        trained = train(peer, seed, folder, log, same, options)
    with Worker(options.threads, log, options.gpu) as worker:
        scores = worker.ask(
            "score", peer=peer, corpus=str(options.corpus.resolve()), folder=str(folder), few=options.few
        )
    return {
        "peer": peer,
        "title": PEERS[peer].title,
        "seed": seed,
        **trained,
        "words_per_second": round(trained["words_seen"] / trained["seconds"]) if trained["seconds"] else None,
        "seconds_to": {f"{mark:.2f}": first_at(trained["curve"], mark) for mark in MARKS},
        **scores,
        "size_mib": size_mib(folder),
    }


def train(
    peer: str, seed: int, folder: Path, log: Path, same: dict[str, Any], options: argparse.Namespace
) -> dict[str, Any]:
    """Train a peer to a folder that is there whole or not at all, and keep its report in it."""
    beside = folder.with_name(f"{folder.name}.part")
    for path in (folder, beside):
        shutil.rmtree(path, ignore_errors=True)
    with Worker(options.threads, log, options.gpu) as worker:
        report = worker.ask(
            "train",
            peer=peer,
            corpus=str(options.corpus.resolve()),
            part=options.part,
            folder=str(beside),
            seed=seed,
            limits=same["limits"],
            few=options.few,
            min_steps=same.get("min_steps", 0),
        )
        report["peak_mib"] = worker.peak_mib
    report |= {"machine": machine(options.threads), "versions": same["versions"]}
    shutil.rmtree(beside / "work", ignore_errors=True)
    (beside / REPORT).write_text(json.dumps({"same": same, "report": report}), encoding="utf8")
    os.replace(beside, folder)
    return report


def _read_report(folder: Path, same: dict[str, Any]) -> dict[str, Any] | None:
    """A training that was finished before the benchmark was broken off."""
    path = folder / REPORT
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf8"))
    return kept["report"] if kept["same"] == same else None


def _few(docs: list, few: int) -> list:
    return docs[:few] if few else docs


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train, dev and test.spacy")
    parser.add_argument("--part", type=float, default=1.0, help="of the training documents (1.0)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--peers", nargs="+", choices=TRAINED, default=TRAINED)
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--models", type=Path, help="where trained folders stay (training/benchmarks/OUTPUT)")
    parser.add_argument("--max-minutes", type=float, default=60.0, help="of a training; 0 for no limit (60)")
    parser.add_argument(
        "--min-steps", type=int, default=0, help="raise the epochs of recipes that make fewer steps (0)"
    )
    parser.add_argument(
        "--not-run",
        nargs=2,
        action="append",
        default=[],
        metavar=("PEER", "REASON"),
        help="leave a peer out, and say why in the result file",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--gpu", action="store_true", help="let peers that can train on a GPU")
    parser.add_argument("--max-steps", type=int, help="end each training so early, to try whether all runs")
    parser.add_argument("--few", type=int, default=0, help="only so many documents of each split, likewise")
    options = parser.parse_args(arguments)
    unknown = {peer for peer, _ in options.not_run} - set(TRAINED)
    if unknown:
        parser.error(f"--not-run: no peer is called {', '.join(sorted(unknown))}")
    options.peers = [peer for peer in options.peers if peer not in dict(options.not_run)]
    options.models = (options.models or ROOT / "training" / "benchmarks" / options.output.stem).resolve()
    return options


if __name__ == "__main__":
    sys.exit(main(parse()))
