"""Words per second of every trained peer, raw text to entities, turn about, beside its F1.

    python benchmarks/speed.py --corpus corpus/conll --models training/benchmarks/quality-quarter \\
        --output benchmarks/results/speed.json

Each peer sits in a process of its own and works while the others wait. Ratios are
taken within a round, so that they survive a noisy machine. The limit is the bare
encoder over our own windows, run by our layers; the same by those of transformers stands beside it
(limit.py).
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from corpus_parts import count_words, describe, messages, read_split
from figures import median_ratio, words_per_second
from peers import OURS, PEERS, missing, versions
from processes import PeerFailed, Worker, machine, size_mib
from results import note_not_run, save
from scoring import score
from spacy.tokens import Doc

SETS = ("documents", "messages")
SINGLES = 100
# Batch sizes are chosen on so many texts.
SAMPLE = 32
# Whether our layers run the bare encoder, by its name among the results.
LIMITS = {"limit": True, "limit_by_transformers": False}
# quality.py's report of a training, in its folder.
REPORT = "training.json"


def main(options: argparse.Namespace) -> int:
    docs = {
        "documents": read_split(options.corpus, "test", options.few),
        "messages": messages(read_split(options.corpus, "dev"), options.few or 1000),
    }
    results: dict[str, Any] = {
        "corpus": options.corpus.name,
        "machine": machine(options.threads),
        "rounds": options.rounds,
        "sets": {name: describe(some) for name, some in docs.items()},
        "peers": [],
        "not_run": [],
    }
    workers, rows = start(docs, results, options)
    try:
        measured = take_turns(workers, rows, docs, results, options.rounds)
    finally:
        for worker in workers.values():
            worker.close()
    loads = load_times(rows, docs, options)
    summarize(results, rows, measured, loads, docs)
    save(options.output, results)
    for row in results["peers"]:
        print(
            f"{row['title']}: {row['documents']['words_per_second']:,} words a second, F1 {row['documents']['f1']:.4f}"
        )
    for row in results["not_run"]:
        print(f"{row['title']}: not run, {row['reason']}")
    return int(bool(results["not_run"]))


def start(
    docs: dict[str, list[Doc]], results: dict[str, Any], options: argparse.Namespace
) -> tuple[dict[str, Worker], dict[str, dict[str, Any]]]:
    """Start a worker for each peer that has a trained folder and loads."""
    texts = {name: [doc.text for doc in some] for name, some in docs.items()}
    workers, rows = {}, {}
    for peer in options.peers:
        title = PEERS[peer].title
        trained = PEERS[peer].trained_by or peer
        folder = (options.models / f"{trained}-{options.seed}").resolve()
        reason = missing(peer) or ("" if folder.exists() else f"there is no trained {folder.name}")
        if not reason:
            worker = Worker(options.threads, options.models / f"speed-{peer}.log")
            try:
                worker.ask("load", peer=peer, folder=str(folder), text=texts["messages"][0])
                # Long documents last, so that the peak is that of the work and not of probing.
                chosen = worker.ask("prepare", peer=peer, texts=texts, sample=SAMPLE, with_limit=peer == OURS)
            except PeerFailed as error:
                reason = str(error)
                worker.close()
            else:
                workers[peer] = worker
                rows[peer] = {
                    "peer": peer,
                    "title": title,
                    "versions": versions(peer),
                    "folder": folder,
                    "training_stopped_after": _stopped_after(folder),
                    **chosen,
                }
        if reason:
            note_not_run(results, peer, title, reason)
        print(f"{title}: {reason or 'ready'}", flush=True)
    return workers, rows


def _stopped_after(folder: Path) -> str | None:
    """RETURNS (str | None): Where the training was cut, which its F1 suffers from; None where it wasn't."""
    path = folder / REPORT
    if not path.exists():
        return None
    return json.loads(path.read_text(encoding="utf8"))["report"]["stopped_after"]


def take_turns(
    workers: dict[str, Worker],
    rows: dict[str, dict[str, Any]],
    docs: dict[str, list[Doc]],
    results: dict[str, Any],
    rounds: int,
) -> dict[str, dict[str, list[float]]]:
    """Measure all peers round by round; a peer that fails is left out.

    RETURNS (dict): For each peer, and for the limits, seconds by set, one a round, and `single`.
    """
    names = [*workers, *(LIMITS if OURS in workers else [])]
    measured = {name: {kind: [] for kind in (*SETS, "single")} for name in names}
    for number in range(rounds):
        # Another one is first in each round.
        order = names[number % len(names) :] + names[: number % len(names)]
        for kind in SETS:
            for name in order:
                if name in LIMITS:
                    answer = workers[OURS].ask("bare", name=kind, by_ours=LIMITS[name])
                    measured[name][kind].append(answer["seconds"])
                elif name in workers:
                    _measure(workers, rows, measured, name, kind, docs, results, keep=number == 0)
        for name in [name for name in order if name in workers]:
            answer = workers[name].ask("single", name="messages", count=SINGLES)
            measured[name]["single"] += answer["milliseconds"]
        print(f"Round {number + 1} of {rounds}", flush=True)
    return measured


def _measure(workers, rows, measured, name, kind, docs, results, keep: bool) -> None:
    try:
        answer = workers[name].ask("run", name=kind, keep=keep)
    except PeerFailed as error:
        if name == OURS:
            raise
        note_not_run(results, name, PEERS[name].title, str(error))
        workers.pop(name).close()
        rows.pop(name)
        return
    measured[name][kind].append(answer["seconds"])
    rows[name]["peak_mib"] = workers[name].peak_mib
    if keep:
        rows[name][kind] = score(docs[kind], answer["entities"])


def load_times(
    rows: dict[str, dict[str, Any]], docs: dict[str, list[Doc]], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Time, in new processes and turn about, from their start to the answer to one short text."""
    seconds: dict[str, list[float]] = {peer: [] for peer in rows}
    for _ in range(options.rounds):
        for peer, row in rows.items():
            with Worker(options.threads, options.models / f"speed-{peer}.log") as worker:
                answer = worker.ask(
                    "load", peer=peer, folder=str(row["folder"]), text=docs["messages"][0].text
                )
            seconds[peer].append(answer["seconds"])
    return seconds


def summarize(
    results: dict[str, Any],
    rows: dict[str, dict[str, Any]],
    measured: dict[str, dict[str, list[float]]],
    loads: dict[str, list[float]],
    docs: dict[str, list[Doc]],
) -> None:
    """Make medians and ratios of what was measured, and put them into the results."""
    words = {name: count_words(some) for name, some in docs.items()}
    ours = measured.get(OURS)

    def speed(name: str, kind: str) -> dict[str, Any]:
        seconds = measured[name][kind]
        return {"seconds": seconds, "words_per_second": words_per_second(words[kind], seconds)}

    for peer, row in rows.items():
        folder = row.pop("folder")
        for kind in SETS:
            row[kind] = {**speed(peer, kind), **row[kind]}
            if ours:
                row[kind]["ours_is_times_as_fast"] = median_ratio(measured[peer][kind], ours[kind])
        row["latency_ms"] = round(statistics.median(measured[peer]["single"]), 2)
        row["load_seconds"] = round(statistics.median(loads[peer]), 2)
        row["size_mib"] = size_mib(folder)
        results["peers"].append(row)
    for limit in [name for name in LIMITS if name in measured]:
        results[limit] = {
            kind: {
                **speed(limit, kind),
                "share_that_ours_reaches": median_ratio(measured[limit][kind], ours[kind]),
            }
            for kind in SETS
        }


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with dev and test.spacy")
    parser.add_argument("--models", type=Path, required=True, help="trained folders, of quality.py")
    parser.add_argument("--seed", type=int, default=0, help="which of them (0)")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(all cores)")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument("--few", type=int, default=0, help="only so many texts, to try whether all runs")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
