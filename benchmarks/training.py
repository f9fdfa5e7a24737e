"""Words per second in training, turn about: how long an epoch takes.

    python benchmarks/training.py --corpus corpus/conll --output benchmarks/results/training.json

Each peer trains by its own recipe for some minutes in a process of its own, while the others wait;
evaluations on dev aren't counted. What it has learnt by then is thrown away.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from figures import median_ratio, words_per_second
from peers import OURS, PEERS, TRAINED, missing, versions
from processes import PeerFailed, Worker, machine
from results import note_not_run, save


def main(options: argparse.Namespace) -> int:
    results: dict[str, Any] = {
        "corpus": options.corpus.name,
        "machine": machine(options.threads),
        "minutes": options.minutes,
        "rounds": options.rounds,
        "peers": [],
        "not_run": [],
    }
    runs: dict[str, list[dict[str, Any]]] = {}
    peers = list(options.peers)
    for number in range(options.rounds):
        for peer in peers[number % len(peers) :] + peers[: number % len(peers)]:
            title = PEERS[peer].title
            try:
                runs.setdefault(peer, []).append(train(peer, options))
            except PeerFailed as error:
                note_not_run(results, peer, title, str(error))
                print(f"{title}: not run, {error}", flush=True)
    failed = {row["peer"] for row in results["not_run"]}
    per_word = {
        peer: [run["seconds"] / run["words_seen"] for run in of_peer]
        for peer, of_peer in runs.items()
        if peer not in failed
    }
    for peer, seconds in per_word.items():
        row = {
            "peer": peer,
            "title": PEERS[peer].title,
            "versions": versions(peer),
            "recipe": runs[peer][0]["recipe"],
            "words_per_second": words_per_second(1, seconds),
        }
        if OURS in per_word:
            row["ours_is_times_as_fast"] = median_ratio(seconds, per_word[OURS])
        results["peers"].append(row)
        print(f"{row['title']}: {row['words_per_second']:,} words a second", flush=True)
    save(options.output, results)
    return int(bool(results["not_run"]))


def train(peer: str, options: argparse.Namespace) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): The report of a training that is cut after some minutes.

    RAISES (PeerFailed): Where the peer can't run.
    """
    if reason := missing(peer):
        raise PeerFailed(reason)
    with (
        tempfile.TemporaryDirectory() as folder,
        Worker(options.threads, Path(folder) / f"{peer}.log") as worker,
    ):
        return worker.ask(
            "train",
            peer=peer,
            corpus=str(options.corpus.resolve()),
            part=options.part,
            folder=str(Path(folder) / peer),
            seed=0,
            limits={"max_minutes": options.minutes, "max_steps": options.max_steps},
            few=options.few,
        )


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with train.spacy and dev.spacy")
    parser.add_argument("--part", type=float, default=0.25, help="of the training documents (0.25)")
    parser.add_argument("--peers", nargs="+", choices=TRAINED, default=[OURS, "stock_spacy", "hugging_face"])
    parser.add_argument("--minutes", type=float, default=2.0, help="of each training (2)")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--max-steps", type=int, help="end each training so early, to try whether all runs")
    parser.add_argument("--few", type=int, default=0, help="only so many documents of each split, likewise")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
