"""What more cores bring: words a second by threads of one process and by forked processes, and their memory.

    python benchmarks/cores.py PIPELINE --corpus corpus/conll/test.spacy --output benchmarks/results/cores.json

Documents of the corpus, and its lines as short messages, raw text to entities: by one process with 1, 2, 4, ...
threads up to the machine's cores, and by `nlp.pipe(n_process=N)`, whose workers compute with one thread each and
are forked within the time. Each way is a process of its own, in turn in each round; speeds are medians. Memory
is read from Linux while workers run (/proc/PID/smaps_rollup): what each holds in proportion (PSS) and alone
(private), also as a share of the network's weights.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import spacy
import torch
from processes import machine
from results import save
from spacy.language import Language
from spacy.tokens import DocBin

COMPONENT = "transformer_ner"
# Documents or messages between two readings of the workers' memory.
READ_EVERY = 25


class Way(NamedTuple):
    """How the work is divided: forked processes, and threads in each."""

    processes: int
    threads: int


def main(options: argparse.Namespace) -> int:
    counts = powers(options.cores)
    ways = [Way(1, n) for n in counts] + [Way(n, 1) for n in counts if n > 1]
    rows: dict[Way, list[dict[str, Any]]] = {way: [] for way in ways}
    for number in range(options.rounds):
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            rows[way].append(run_apart(options, way))
    result = {
        "machine": machine(options.cores),
        "cores": options.cores,
        "corpus": options.corpus.name,
        "rounds": options.rounds,
        "ways": [summary(way, rounds) for way, rounds in rows.items()],
    }
    save(options.output, result)
    for row in result["ways"]:
        print(
            f"{row['processes']} x {row['threads']}: {row['documents']:,} words a second of documents, "
            f"{row['messages']:,} of messages"
        )
    return 0


def powers(most: int) -> list[int]:
    """RETURNS (list[int]): 1, 2, 4, ..., and the number itself."""
    return sorted({*(2**i for i in range(most.bit_length()) if 2**i <= most), most})


def summary(way: Way, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): A way's medians."""
    speeds = {
        name: round(statistics.median(row[name] for row in rounds)) for name in ("documents", "messages")
    }
    weights = rounds[0]["weights_mib"]
    workers = [worker for row in rounds for worker in row["workers"]]
    memory = {}
    if workers:
        private = round(statistics.median(worker["private_mib"] for worker in workers), 1)
        memory = {
            "worker_pss_mib": round(statistics.median(worker["pss_mib"] for worker in workers), 1),
            "worker_private_mib": private,
            "private_as_share_of_weights": round(private / weights, 3),
        }
    return {**way._asdict(), **speeds, "weights_mib": weights, **memory}


def run_apart(options: argparse.Namespace, way: Way) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): What `run` gives, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(run, options.pipeline, options.corpus, way, options.few).result()


def run(pipeline: str, corpus: Path, way: Way, few: int) -> dict[str, Any]:
    """RETURNS (dict[str, Any]): Words a second of both kinds of texts, and the memory of workers."""
    # This process was spawned, and its own workers would be as well.
    multiprocessing.set_start_method("fork", force=True)
    torch.set_num_threads(way.threads)
    nlp = spacy.load(pipeline)
    docs = list(DocBin().from_disk(corpus).get_docs(nlp.vocab))[: few or None]
    texts = [doc.text for doc in docs]
    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    network = nlp.get_pipe(COMPONENT).token_scorer.tagger.network
    weights = sum(weight.nbytes for weight in network.parameters()) / 2**20
    if way.processes == 1:
        list(nlp.pipe(texts[:8]))
    readings: dict[int, dict[str, float]] = {}
    return {
        "documents": speed(nlp, texts, way, readings),
        "messages": speed(nlp, lines, way, readings),
        "weights_mib": round(weights, 1),
        "workers": list(readings.values()),
    }


def speed(nlp: Language, texts: list[str], way: Way, readings: dict[int, dict[str, float]]) -> float:
    """RETURNS (float): Words a second; the last reading of each worker's memory goes to `readings`."""
    words, began = 0, time.perf_counter()
    # As many for each process, also where there are few.
    size = max(1, min(nlp.batch_size, -(-len(texts) // (way.processes * 4))))
    for number, doc in enumerate(nlp.pipe(texts, n_process=way.processes, batch_size=size)):
        words += len(doc)
        if way.processes > 1 and number % READ_EVERY == 0:
            for worker in multiprocessing.active_children():
                memory = memory_mib(worker.pid)
                if memory:
                    readings[worker.pid] = memory
    return words / (time.perf_counter() - began)


def memory_mib(pid: int) -> dict[str, float] | None:
    """RETURNS (dict[str, float] | None): A process's `pss_mib` and `private_mib`; None where it isn't told."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf8")
    except OSError:
        return None
    sizes = {name: int(kb) / 1024 for name, kb in re.findall(r"(\w+): +(\d+) kB", text)}
    if "Pss" not in sizes:
        return None
    return {"pss_mib": sizes["Pss"], "private_mib": sizes["Private_Clean"] + sizes["Private_Dirty"]}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pipeline", help="folder or package of a pipeline with transformer_ner")
    parser.add_argument("--corpus", type=Path, required=True, help="a .spacy file")
    parser.add_argument("--output", type=Path, required=True, help="the result file")
    parser.add_argument(
        "--cores", type=int, default=os.cpu_count(), help="most threads or processes (all cores)"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--few", type=int, default=0, help="only so many documents, to try it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(parse()))
